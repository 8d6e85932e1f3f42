// The three canvas panes: their size, and when each is drawn anew. One zoom and one cursor for all.

import { drawLive, liveCaption } from '../../camera/js/draw.js';
import { drawHighlight } from './highlight.js';
import { mountFeatures } from './features.js';
import { besideCaption, createMaskCache, drawBaseline, drawMerged, maskCaption, modeOf, splitX } from './masks.js';
import { drawMerges, mergeCaption } from './merges.js';
import { drawMotion } from './motion.js';
import { drawPreview, mountPreview } from './preview.js';
import { mountHandle, mountPointer } from './pointer.js';
import { besideRun, onSide, rivalSide, sideNames } from './rival.js';
import { activePatch } from './store.js';
import { drawTour } from './tour.js';
import { groundColour, pictureRect, prepareCanvas } from './viewport.js';

/** @type {PaneName[]} */
export const PANES = ['merge', 'baseline', 'mask']; // as the names of their elements begin

const NO_PICTURE = { width: 1, height: 1 };

// One canvas pair with its size.
/** @param {PaneName} name @param {Ui} ui @param {Store} store @returns {Pane} */
function createPane(name, ui, store) {
  const stage = ui[`${name}Stage`];
  const size = () => ({ width: stage.clientWidth, height: stage.clientHeight });
  return {
    name,
    stage,
    size,
    base: ui[`${name}Base`],
    top: ui[`${name}Top`],
    zoomBar: ui[`${name}Zoom`],
    reads: name !== 'merge',
    rect: () => pictureRect(store.state.view ?? NO_PICTURE, size().width, size().height, store.state.zoom),
  };
}

/** @type {StateKey[]} */
const EVERY = ['view', 'runs', 'zoom', 'frame', 'pending', 'preview', 'against', 'side', 'live'];
/** @type {StateKey[]} */
const MERGE_KEYS = [...EVERY, 'shown', 'stage', 'layers', 'heat', 'heatWanted', 'pinned'];
/** @type {StateKey[]} */
const BASELINE_KEYS = [...EVERY, 'maskOpacity', 'hiddenClasses', 'focusClass', 'maskMode', 'features', 'shown'];
/** @type {StateKey[]} */
const MASK_KEYS = [...BASELINE_KEYS, 'split', 'focusFlow'];
/** @type {StateKey[]} */
const TOP_KEYS = [...EVERY, 'shown', 'stage', 'hover', 'pinned', 'cursor', 'heat', 'heatWanted'];

/** @param {Ui} ui @param {Store} store @param {Actions} actions */
export function mountPanes(ui, store, actions) {
  const panes = PANES.map((name) => createPane(name, ui, store));
  const [merges, baseline, merged] = panes;
  const maskFor = createMaskCache();
  // Shape first: what is drawn below reads the panes' size.
  mountPreview(ui, store);
  paintOn(ui, store, MERGE_KEYS, merges, (ctx, state) => {
    drawMerges(ctx, onSide(state), merges.rect(), groundColour(merges.stage));
    ui.mergeCaption.textContent = mergeCaption(onSide(state));
  });
  paintOn(ui, store, BASELINE_KEYS, baseline, (ctx, state) => {
    drawBaseline(ctx, baseline, state, maskFor);
    ui.baselineCaption.textContent = besideCaption(state);
  });
  paintOn(ui, store, MASK_KEYS, merged, (ctx, state) => {
    drawMerged(ctx, merged, state, maskFor);
    showBorder(ui, merged, state);
    ui.maskCaption.textContent = maskCaption(state);
  });
  store.on(TOP_KEYS, (state) => panes.forEach((pane) => drawTop(pane, state)));
  store.on(['motion', 'tour'], (state) => drawTop(merges, state));
  mountFeatures(store, actions, (state) => modeOf(state) === 'features');
  panes.forEach((pane) => mountPointer(pane, store, actions));
  mountHandle(ui.handle, merged, store);
  watchSizes(panes, store);
}

// Draws a pane's picture: of the camera, of the view, or while another picture is on its way that one alone.
/**
 * @param {Ui} ui
 * @param {Store} store
 * @param {StateKey[]} keys
 * @param {Pane} pane
 * @param {(ctx: Context, state: Shown) => void} draw
 */
function paintOn(ui, store, keys, pane, draw) {
  store.on(keys, (state) => {
    const ctx = prepareCanvas(pane.base, pane.size());
    const { live } = state;
    if (live) {
      drawLive(ctx, pane.name, pane.size(), { ...state, live });
      ui[`${pane.name}Caption`].textContent = liveCaption(pane.name, live);
    } else if (state.pending) drawPreview(ctx, pane.size(), state);
    else if (state.view) draw(ctx, state);
  });
}

/** @param {Pane} pane @param {State} state */
function drawTop(pane, state) {
  const ctx = prepareCanvas(pane.top, pane.size());
  if (!state.view || state.pending || state.live) return;
  const isMerges = pane.name === 'merge';
  if (isMerges && state.motion) drawMotion(ctx, onSide(state), pane.rect());
  else if (isMerges && state.tour && activePatch(state) === null) drawTour(ctx, state, pane.rect());
  else drawHighlight(ctx, stateFor(pane.name, state), pane.rect(), isMerges);
}

// Each pane shows the groups of its own recipe.
/** @param {PaneName} name @param {Shown} state */
function stateFor(name, state) {
  if (name === 'merge') return onSide(state);
  return name === 'baseline' ? rivalSide(state) : state;
}

// The border between before and after, where the pane has one.
/** @param {Ui} ui @param {Pane} pane @param {Shown} state */
function showBorder(ui, pane, state) {
  const { width } = pane.size();
  const isSplit = modeOf(state) === 'compare' && Boolean(besideRun(state));
  for (const node of [ui.leftName, ui.rightName, ui.handle]) node.hidden = !isSplit;
  const [own, beside] = sideNames(state);
  ui.leftName.textContent = beside;
  ui.rightName.textContent = own;
  ui.handle.style.left = `${splitX(state, pane.rect(), width)}px`;
  ui.handle.setAttribute('aria-valuenow', String(Math.round(state.split * 100)));
  ui.handle.setAttribute('aria-valuetext', `${Math.round(state.split * 100)} % ${beside}`);
}

/** @param {Pane[]} panes @param {Store} store */
function watchSizes(panes, store) {
  const redraw = () => store.set({ frame: store.state.frame + 1 });
  const sizes = new ResizeObserver(redraw);
  panes.forEach((pane) => sizes.observe(pane.stage));
  new MutationObserver(redraw).observe(document.body, { attributes: true, attributeFilter: ['class'] });
  window.addEventListener('resize', redraw);
}
