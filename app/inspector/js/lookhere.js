// Places worth a look in what is shown: the largest group, the longest link, the largest change of the mask.

import { count, el, storedIn } from '../../js/util.js';
import { stagePairs } from './merges.js';
import { colOf, distanceBetween, isInside, pairsInside, rowOf } from './model.js';
import { besideRun } from './rival.js';
import { shownRun, shownStage } from './store.js';

/** @typedef {{patch: number, text: string, note: string}} Place */

// Each a patch and what is to be seen there; none where nothing merged.
/** @param {Shown} state */
export function placesToLook(state) {
  const run = shownRun(state);
  if (!run?.stages.length) return [];
  return [largestGroupPlace(state, run), longestLinkPlace(state, run), largestChangePlace(state, run)].filter(
    (place) => place !== null,
  );
}

/** @param {Shown} state @param {Run} run */
function largestGroupPlace(state, run) {
  const [groups, sizes] = [run.groups[shownStage(state)], run.sizes[shownStage(state)]];
  let best = { patch: 0, size: 1 };
  groups.forEach((group, patch) => {
    if (sizes[group] > best.size && isInside(state.view, patch)) best = { patch, size: sizes[group] };
  });
  return best.size > 1 ? { patch: best.patch, text: 'largest group', note: `${best.size} patches, one token` } : null;
}

/** @param {Shown} state @param {Run} run */
function longestLinkPlace(state, run) {
  const pairs = pairsInside(
    state.view,
    run.stages.slice(0, shownStage(state)).flatMap((_, k) => stagePairs(run, k)),
  );
  if (!pairs.length) return null;
  /** @param {Pair} pair */
  const length = ({ from, to }) => distanceBetween(state.view, from, to);
  const longest = pairs.reduce((best, pair) => (length(pair) > length(best) ? pair : best));
  return { patch: longest.from, text: 'longest link', note: `partners ${count(length(longest), 'patch')} apart` };
}

// The patch with the most pixels whose class changed.
/** @param {Shown} state @param {Run} run */
function largestChangePlace(state, run) {
  const before = besideRun(state);
  if (!before) return null;
  const made = (run.largestChange ??= new Map());
  const { patch, pixels } =
    made.get(before) ?? storedIn(made, before, mostChanged(state.view, before.labels, run.labels));
  return pixels ? { patch, text: 'largest change', note: 'most pixels with another class' } : null;
}

/** @param {View} view @param {Labels} before @param {Labels} after */
function mostChanged(view, before, after) {
  let best = { patch: 0, pixels: 0 };
  for (let patch = 0; patch < view.size; patch += 1) {
    const pixels = changedIn(view, before, after, patch);
    if (pixels > best.pixels) best = { patch, pixels };
  }
  return best;
}

/** @param {View} view @param {Labels} before @param {Labels} after @param {number} patch */
function changedIn(view, before, after, patch) {
  const [x0, x1] = view.xSpans[colOf(view, patch)];
  const [y0, y1] = view.ySpans[rowOf(view, patch)];
  let pixels = 0;
  for (let y = y0; y < y1; y += 1)
    for (let at = y * view.width + x0; at < y * view.width + x1; at += 1) if (before[at] !== after[at]) pixels += 1;
  return pixels;
}

/** @param {Shown} state @param {Actions} actions */
export function lookButtons(state, actions) {
  const places = placesToLook(state);
  if (!places.length) return null;
  /** @param {Place} place */
  const button = ({ patch, text, note }) =>
    el(
      'button',
      { type: 'button', class: 'quiet', title: note, 'data-look': text, onclick: () => actions.pin(patch) },
      text,
    );
  return el(
    'div',
    { class: 'look', role: 'group', 'aria-label': 'Look here' },
    el('span', {}, 'Look here:'),
    ...places.map(button),
  );
}
