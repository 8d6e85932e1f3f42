// The two canvas panes: their size, and when they are drawn anew.

import { clamp } from '../../js/util.js';
import { drawHighlight } from './highlight.js';
import { createMaskCache, drawMasks, maskCaption, maskSides, showPixel, splitX } from './masks.js';
import { drawMerges, mergeCaption } from './merges.js';
import { mountHandle, mountPointer } from './pointer.js';
import { baselineRun } from './store.js';
import { groundColour, pictureRect, prepareCanvas } from './viewport.js';

// One canvas pair with its size.
function createPane(stage, base, top, zoomBar, store) {
  const size = () => ({ width: stage.clientWidth, height: stage.clientHeight });
  return {
    stage,
    base,
    top,
    zoomBar,
    size,
    rect: () => pictureRect(store.state.view, size().width, size().height, store.state.zoom),
  };
}

// As wide as the column; as tall as the picture asks for, within reason.
function shapeStage(pane, view) {
  const width = pane.stage.clientWidth;
  const tallest = Math.max(260, Math.min(640, window.innerHeight * 0.78));
  pane.stage.style.height = `${clamp(width * (view.height / view.width), Math.min(200, width), tallest)}px`;
}

const BASE_KEYS = [
  'view',
  'runs',
  'shown',
  'stage',
  'layers',
  'zoom',
  'frame',
  'heat',
  'heatWanted',
  'pinned',
];
const MASK_KEYS = [
  'view',
  'runs',
  'shown',
  'maskMode',
  'maskOpacity',
  'split',
  'hiddenClasses',
  'focusClass',
  'focusFlow',
  'zoom',
  'frame',
];
const TOP_KEYS = ['view', 'runs', 'shown', 'stage', 'hover', 'pinned', 'cursor', 'zoom', 'frame'];

export function mountPanes(ui, store, actions) {
  const merges = createPane(ui.mergeStage, ui.mergeBase, ui.mergeTop, ui.mergeZoom, store);
  const masks = { ...createPane(ui.maskStage, ui.maskBase, ui.maskTop, ui.maskZoom, store), reads: true };
  const maskFor = createMaskCache();
  store.on(
    ['view', 'frame'],
    ({ view }) => view && [merges, masks].forEach((pane) => shapeStage(pane, view)),
  );
  store.on(BASE_KEYS, (state) => {
    if (!state.view) return;
    const ground = groundColour(merges.stage);
    drawMerges(prepareCanvas(merges.base, merges.size()), state, merges.rect(), ground);
    ui.mergeCaption.textContent = mergeCaption(state);
  });
  store.on(MASK_KEYS, (state) => state.view && showMasks(ui, masks, state, maskFor));
  store.on(
    ['view', 'shown', 'maskMode', 'pixel', 'runs'],
    (state) => state.view && showPixel(ui.pixel, state),
  );
  store.on(TOP_KEYS, (state) => {
    if (!state.view) return;
    drawHighlight(prepareCanvas(merges.top, merges.size()), state, merges.rect(), true);
    drawHighlight(prepareCanvas(masks.top, masks.size()), state, masks.rect(), false);
  });
  [merges, masks].forEach((pane) => mountPointer(pane, store, actions));
  mountHandle(ui.handle, masks, store);
  watchSizes([merges, masks], store);
}

function showMasks(ui, pane, state, maskFor) {
  const { width } = pane.size();
  drawMasks(prepareCanvas(pane.base, pane.size()), pane, state, maskFor);
  ui.maskCaption.textContent = maskCaption(state);
  const split = state.maskMode !== 'changes' && Boolean(baselineRun(state));
  const [left, right] = maskSides(state);
  for (const [node, side] of [
    [ui.leftName, left],
    [ui.rightName, right],
  ]) {
    node.hidden = !split;
    node.textContent = side.name;
  }
  ui.handle.hidden = !split;
  ui.handle.style.left = `${splitX(state, pane.rect(), width)}px`;
  ui.handle.setAttribute('aria-valuenow', Math.round(state.split * 100));
  ui.handle.setAttribute('aria-valuetext', `${Math.round(state.split * 100)} % ${left.name}`);
}

function watchSizes(panes, store) {
  const redraw = () => store.set({ frame: store.state.frame + 1 });
  const sizes = new ResizeObserver(redraw);
  panes.forEach((pane) => sizes.observe(pane.stage));
  new MutationObserver(redraw).observe(document.body, { attributes: true, attributeFilter: ['class'] });
  window.addEventListener('resize', redraw);
}
