// Features instead of classes: what the final tokens are like, as colours, in both mask panes. True on any picture,
// and where the view is unsure what is shown first. The axes are the unmerged run's, for every recipe the same.

import { percent } from '../../js/util.js';
import { cellBitmap, paintCells } from './merges.js';
import { isAgainst, rivalRun } from './rival.js';
import { cellsOn } from './viewport.js';

const ASK_FEATURES_AGAIN_MS = 8000;

// Recipes whose features the panes need; null stands for a rival whose run is still on its way.
/** @param {Shown} state */
function neededFeatures(state) {
  return isAgainst(state) ? [state.shown, rivalRun(state)?.schedule ?? null] : [state.shown];
}

// {colours, explained, key} for a side, "own" or "beside"; null while they are on their way.
/**
 * @param {Shown} state
 * @param {'own' | 'beside'} side
 * @returns {{found: FeatureColours, key: 'baseline' | 'merged'} | null}
 */
function sideFeatures(state, side) {
  const { view } = state;
  const isRival = side === 'beside' && isAgainst(state);
  const recipe = isRival ? rivalRun(state)?.schedule : state.shown;
  const found =
    (recipe !== undefined && view.features.get(recipe)) || (isRival ? null : view.features.values().next().value);
  if (!found || (side === 'own' && !view.features.has(state.shown))) return null;
  const key = side === 'beside' && !isRival ? 'baseline' : 'merged';
  return { found, key };
}

/** @param {Context} ctx @param {Rect} rect @param {Shown} state @param {'own' | 'beside'} side */
export function drawFeatures(ctx, rect, state, side) {
  const features = sideFeatures(state, side);
  if (!features) return;
  const { found, key } = features;
  found.bitmaps ??= {};
  found.bitmaps[key] ??= cellBitmap(state.view, (patch) => found[key].subarray(patch * 3, patch * 3 + 3));
  ctx.globalAlpha = state.maskOpacity;
  paintCells(ctx, { view: state.view, cell: cellsOn(state.view, rect) }, found.bitmaps[key]);
}

/** @param {Shown} state @param {'own' | 'beside'} side */
export function featuresCaption(state, side) {
  const features = sideFeatures(state, side);
  if (!features) return 'Asking for the final tokens …';
  const all = features.found.explained.reduce((sum, one) => sum + one, 0);
  return `The three strongest directions in which patches differ, as red, green and blue: ${percent(all)} of all differences.`;
}

// Asked for when they are looked at, once a recipe.
/** @param {Store} store @param {Actions} actions @param {(state: Shown) => boolean} isLookedAt */
export function mountFeatures(store, actions, isLookedAt) {
  store.on(['view', 'runs', 'shown', 'maskMode', 'pending', 'against', 'features'], (state) => {
    if (!state.view || state.pending || !isLookedAt(state)) return;
    const { view } = state;
    const asked = (view.featuresAsked ??= new Map());
    const now = performance.now();
    for (const recipe of neededFeatures(state)) {
      if (
        recipe === null ||
        view.features.has(recipe) ||
        now - (asked.get(recipe) ?? -Infinity) < ASK_FEATURES_AGAIN_MS
      )
        continue;
      asked.set(recipe, now);
      actions.askFeatures(recipe);
    }
  });
}

// What a fresh view shows first. modeBefore: what was chosen before features took its place by themselves.
/**
 * @param {Pick<State, 'maskMode' | 'modeBefore'>} state
 * @param {Pick<View, 'unsure' | 'can' | 'truth'>} view
 * @returns {Pick<State, 'maskMode' | 'modeBefore'>}
 */
export function freshMode({ maskMode, modeBefore }, view) {
  if (view.unsure && view.can.has('features')) return { maskMode: 'features', modeBefore: modeBefore ?? maskMode };
  const wanted = modeBefore ?? maskMode;
  return { maskMode: wanted === 'truth' && !view.truth ? 'compare' : wanted, modeBefore: null };
}
