// The Masks canvas: two masks under one border, or only what changed.

import { changeBitmap, filteredPalette, maskBitmap } from './bitmaps.js';
import { LAYER_PAINTERS } from './merges.js';
import { shortName } from './named.js';
import { classMark } from './readout.js';
import { cutShort } from './schedule.js';
import { baselineRun, shownRun } from './store.js';
import { groundColour } from './viewport.js';

// What lies left and right of the border, or before and after a change.
export function maskSides(state) {
  const run = shownRun(state);
  const baseline = baselineRun(state);
  const merged = { name: `Merged ${cutShort(shortName(state, run.schedule))}`, labels: run.labels };
  if (state.maskMode === 'truth') return [merged, { name: 'Ground truth', labels: state.view.truth }];
  return [{ name: 'Baseline, no merging', labels: baseline?.labels ?? null }, merged];
}

// A side's bitmap is made anew only when its labels, the filter or the focus change: the baseline seldom.
export function createMaskCache() {
  const kept = [{}, {}];
  return (state, side) => {
    const wanted = maskRecipe(state, side);
    const made = kept[side];
    if (!Object.keys(wanted).every((key) => made[key] === wanted[key])) {
      const canvas = made.view === wanted.view ? made.bitmap : null;
      kept[side] = { ...wanted, bitmap: bitmapFrom(state, wanted, canvas) };
    }
    return kept[side].bitmap;
  };
}

function maskRecipe(state, side) {
  const sides = maskSides(state);
  const changes = state.maskMode === 'changes';
  const { view, focusClass, focusFlow, hiddenClasses } = state;
  return {
    view,
    labels: sides[changes ? 1 : side].labels,
    before: changes ? sides[0].labels : null,
    focusClass,
    focusFlow,
    hiddenClasses,
  };
}

function bitmapFrom({ view, hiddenClasses, focusClass, focusFlow }, { labels, before }, canvas) {
  const palette = filteredPalette(view, hiddenClasses, focusClass);
  return before
    ? changeBitmap(view, before, labels, palette, focusFlow, canvas)
    : maskBitmap(view, labels, palette, canvas);
}

export const visibleSpan = (rect, width) => [Math.max(0, rect.x), Math.min(width, rect.x + rect.w)];

export function splitX(state, rect, width) {
  const [left, right] = visibleSpan(rect, width);
  return left + (right - left) * state.split;
}

export function drawMasks(ctx, pane, state, maskFor) {
  const { view } = state;
  const rect = pane.rect();
  ctx.save();
  ctx.beginPath();
  ctx.rect(rect.x, rect.y, rect.w, rect.h);
  ctx.clip();
  LAYER_PAINTERS.picture(ctx, { view, rect });
  const known = maskSides(state).every((side) => side.labels);
  if (known && state.maskMode === 'changes') drawChanges(ctx, pane, state, maskFor);
  else if (known) drawTwoMasks(ctx, pane, state, maskFor);
  ctx.restore();
}

function drawChanges(ctx, pane, state, maskFor) {
  const rect = pane.rect();
  ctx.globalAlpha = 0.72;
  ctx.fillStyle = groundColour(pane.stage);
  ctx.fillRect(rect.x, rect.y, rect.w, rect.h);
  ctx.globalAlpha = 1;
  ctx.imageSmoothingEnabled = false;
  ctx.drawImage(maskFor(state, 0), rect.x, rect.y, rect.w, rect.h);
}

function drawTwoMasks(ctx, pane, state, maskFor) {
  const rect = pane.rect();
  const x = splitX(state, rect, pane.size().width);
  ctx.imageSmoothingEnabled = false;
  [
    [0, rect.x, x],
    [1, x, rect.x + rect.w],
  ].forEach(([side, from, to]) => {
    ctx.save();
    ctx.beginPath();
    ctx.rect(from, rect.y, to - from, rect.h);
    ctx.clip();
    ctx.globalAlpha = state.maskOpacity;
    ctx.drawImage(maskFor(state, side), rect.x, rect.y, rect.w, rect.h);
    ctx.restore();
  });
}

// The classes of the pixel under the pointer, on either side.
export function showPixel(node, state) {
  const sides = maskSides(state);
  node.hidden = state.pixel === null || !sides.every((side) => side.labels);
  if (node.hidden) return;
  const [before, after] = sides.map((side) => side.labels[state.pixel]);
  const parts =
    before === after
      ? [classMark(state.view, after)]
      : [classMark(state.view, before), '→', classMark(state.view, after)];
  node.replaceChildren(...parts);
}

export function maskCaption(state) {
  if (!baselineRun(state)) return 'The unmerged baseline is being computed.';
  if (state.maskMode === 'changes')
    return 'Only the pixels whose class changed through merging, in the colour of their new class.';
  if (state.maskMode === 'truth') return 'Left of the border the merged run, right of it the ground truth.';
  return 'Left of the border the unmerged baseline, right of it the merged run: drag the handle.';
}

export const maskModes = (view) => [
  { value: 'compare', text: 'Before | after' },
  { value: 'changes', text: 'Changes' },
  ...(view.truth ? [{ value: 'truth', text: 'Ground truth' }] : []),
];
