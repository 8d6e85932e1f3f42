// The two mask panes: the unmerged mask, and the merged one in one of four modes. Everything takes a context
// and a rectangle, as the merges do.

import { storedIn } from '../../js/util.js';
import { tokensLeft } from './model.js';
import { changeBitmap, filteredPalette, maskBitmap } from './bitmaps.js';
import { drawFeatures, featuresCaption } from './features.js';
import { LAYER_PAINTERS } from './merges.js';
import { besideRun, besideTitle, isAgainst, rivalOf, sideNames } from './rival.js';
import { drawOutlines, thingsText } from './segments.js';
import { shownRun } from './store.js';
import { groundColour } from './viewport.js';

/** @type {{value: MaskMode, text: string, title: string}[]} */
const MODES = [
  { value: 'merged', text: 'Mask', title: 'The mask of the merged model' },
  { value: 'changes', text: 'Changes', title: 'Only the pixels whose class changed' },
  { value: 'truth', text: 'Truth', title: 'The true classes of this picture' },
  {
    value: 'features',
    text: 'Features',
    title: 'The final tokens as colours, in both mask panes: true on any picture',
  },
  { value: 'compare', text: 'Compare', title: 'Before and after under one border that moves' },
];

/** @param {Pick<View, 'truth' | 'can'>} view @returns {{value: MaskMode, text: string, title: string}[]} */
export const maskModes = (view) =>
  MODES.filter(({ value }) => (value !== 'truth' || view.truth) && (value !== 'features' || view.can.has('features')));

// A mode that this view has: a link or the picture before may have named another.
/** @param {Pick<Shown, 'view' | 'maskMode'>} state */
export const modeOf = ({ view, maskMode }) =>
  maskModes(view).some(({ value }) => value === maskMode) ? maskMode : 'merged';

// What the merged pane shows: labels, and for changes those before.
/** @param {Shown} state @param {MaskSide} side */
function maskRecipe(state, side) {
  const { view, focusClass, focusFlow, hiddenClasses } = state;
  const mode = modeOf(state);
  const beside = besideRun(state)?.labels ?? null;
  const merged = shownRun(state).labels;
  const labels = (side === 'before' ? beside : side === 'truth' ? view.truth : null) ?? merged;
  const before = side === 'merged' && mode === 'changes' ? beside : null;
  return { view, labels, before, focusClass, focusFlow, hiddenClasses };
}

/** @template {object} T @param {T} a @param {T} b */
const isSame = (a, b) => /** @type {(keyof T)[]} */ (Object.keys(b)).every((key) => a[key] === b[key]);

// A side's bitmap is made anew only when its labels, the filter or the focus change: the baseline seldom.
/** @returns {MaskFor} */
export function createMaskCache() {
  /** @type {Map<MaskSide, {wanted: ReturnType<typeof maskRecipe>, bitmap: Bitmap}>} */
  const kept = new Map();
  return (state, side) => {
    const wanted = maskRecipe(state, side);
    const made = kept.get(side);
    if (made && isSame(made.wanted, wanted)) return made.bitmap;
    const canvas = made?.wanted.view === wanted.view ? made.bitmap : null;
    return storedIn(kept, side, { wanted, bitmap: bitmapFrom(state, wanted, canvas) }).bitmap;
  };
}

/** @param {Shown} state @param {{labels: Labels, before: Labels | null}} given @param {Bitmap | null} canvas */
function bitmapFrom({ view, hiddenClasses, focusClass, focusFlow }, { labels, before }, canvas) {
  const palette = filteredPalette(view, hiddenClasses, focusClass);
  return before
    ? changeBitmap(view, before, labels, palette, focusFlow, canvas)
    : maskBitmap(view, labels, palette, canvas);
}

/** @param {Rect} rect @param {number} width @returns {Span} */
export const visibleSpan = (rect, width) => [Math.max(0, rect.x), Math.min(width, rect.x + rect.w)];

/** @param {Pick<State, 'split'>} state @param {Rect} rect @param {number} width */
export function splitX(state, rect, width) {
  const [left, right] = visibleSpan(rect, width);
  return left + (right - left) * state.split;
}

/** @param {Context} ctx @param {Pane} pane @param {Shown} state @param {MaskFor} maskFor */
export function drawBaseline(ctx, pane, state, maskFor) {
  const rect = pane.rect();
  insideOf(ctx, rect, () => {
    LAYER_PAINTERS.picture(ctx, { view: state.view, rect });
    if (modeOf(state) === 'features') drawFeatures(ctx, rect, state, 'beside');
    else if (besideRun(state)) drawMask(ctx, rect, state, maskFor(state, 'before'), besideRun(state));
  });
}

/** @param {Context} ctx @param {Pane} pane @param {Shown} state @param {MaskFor} maskFor */
export function drawMerged(ctx, pane, state, maskFor) {
  const rect = pane.rect();
  const mode = modeOf(state);
  insideOf(ctx, rect, () => {
    LAYER_PAINTERS.picture(ctx, { view: state.view, rect });
    if (mode === 'truth') drawMask(ctx, rect, state, maskFor(state, mode));
    else if (mode === 'merged') drawMask(ctx, rect, state, maskFor(state, mode), shownRun(state));
    else if (mode === 'features') drawFeatures(ctx, rect, state, 'own');
    else if (!besideRun(state)) return;
    else if (mode === 'changes') drawChanges(ctx, pane, state, maskFor);
    else drawTwoMasks(ctx, pane, state, maskFor);
  });
}

/** @param {Context} ctx @param {Rect} rect @param {() => void} draw */
function insideOf(ctx, rect, draw) {
  ctx.save();
  ctx.beginPath();
  ctx.rect(rect.x, rect.y, rect.w, rect.h);
  ctx.clip();
  draw();
  ctx.restore();
}

// run: whose things get outlines, where it tells them apart.
/**
 * @param {Context} ctx
 * @param {Rect} rect
 * @param {Shown} state
 * @param {OffscreenCanvas} bitmap
 * @param {Run | null} [run]
 */
function drawMask(ctx, rect, state, bitmap, run = null) {
  ctx.imageSmoothingEnabled = false;
  ctx.globalAlpha = state.maskOpacity;
  ctx.drawImage(bitmap, rect.x, rect.y, rect.w, rect.h);
  if (state.maskOpacity > 0) drawOutlines(ctx, rect, state, run);
}

/** @param {Context} ctx @param {Pane} pane @param {Shown} state @param {MaskFor} maskFor */
function drawChanges(ctx, pane, state, maskFor) {
  const rect = pane.rect();
  ctx.globalAlpha = 0.72;
  ctx.fillStyle = groundColour(pane.stage);
  ctx.fillRect(rect.x, rect.y, rect.w, rect.h);
  ctx.globalAlpha = 1;
  ctx.imageSmoothingEnabled = false;
  ctx.drawImage(maskFor(state, 'merged'), rect.x, rect.y, rect.w, rect.h);
}

/** @param {Context} ctx @param {Pane} pane @param {Shown} state @param {MaskFor} maskFor */
function drawTwoMasks(ctx, pane, state, maskFor) {
  const rect = pane.rect();
  const x = splitX(state, rect, pane.size().width);
  const left = { ...rect, w: x - rect.x };
  const right = { ...rect, x, w: rect.x + rect.w - x };
  /** @type {{part: Rect, side: MaskSide, run: Run | null}[]} */
  const halves = [
    { part: left, side: 'before', run: besideRun(state) },
    { part: right, side: 'merged', run: shownRun(state) },
  ];
  for (const { part, side, run } of halves) {
    ctx.save();
    ctx.beginPath();
    ctx.rect(part.x, part.y, part.w, part.h);
    ctx.clip();
    drawMask(ctx, rect, state, maskFor(state, side), run);
    ctx.restore();
  }
}

/** @type {Record<MaskMode, (state: Shown) => string>} */
const MODE_CAPTIONS = {
  merged: (state) => {
    const { segments } = shownRun(state);
    return segments
      ? `What the merged model sees: ${thingsText(segments)}.`
      : 'What the merged model sees, in the classes’ colours.';
  },
  changes: (state) =>
    isAgainst(state)
      ? `Only the pixels whose class differs from ${sideNames(state)[1]}’s, in the colour of their class here.`
      : 'Only the pixels whose class changed through merging, in the colour of their new class.',
  truth: () => 'The true classes, as whoever made this picture knows them.',
  features: (state) => featuresCaption(state, 'own'),
  compare: (state) =>
    isAgainst(state)
      ? `Left of the border ${sideNames(state)[1]}, right of it ${sideNames(state)[0]}: drag the handle.`
      : 'Left of the border without merging, right of it with: drag the handle.',
};

/** @param {Shown} state */
export function maskCaption(state) {
  const mode = modeOf(state);
  if (besideRun(state) || mode === 'features') return MODE_CAPTIONS[mode](state);
  return isAgainst(state) ? MODE_CAPTIONS.merged(state) : 'The unmerged run is being computed.';
}

/** @param {Pick<Run, 'segments'>} run */
const unmergedCaption = ({ segments }) =>
  `The same model without merging${segments ? `: ${thingsText(segments)}` : ''}.`;

// Of the mask beside it: what it is, or what it waits for.
/** @param {Shown} state */
export function besideCaption(state) {
  if (modeOf(state) === 'features') return featuresCaption(state, 'beside');
  const { name, note } = besideTitle(state);
  const run = besideRun(state);
  if (!isAgainst(state)) return run ? unmergedCaption(run) : 'The unmerged run is being computed.';
  const failure = state.view.failed.get(rivalOf(state)?.recipe ?? '');
  if (failure) return failure;
  if (!run) return `${name} is being computed.`;
  return `${name}: ${tokensLeft(run)} tokens. ${note ?? ''}`.trim();
}
