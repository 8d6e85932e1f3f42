// The read-out beside the canvas: where the patch is, what each insertion did to it and why, its class.

import { patchCrop } from './crop.js';
import { againstText } from './against.js';
import { count, el, focusedIn, nodeIn, onceQuiet, setStyle } from '../../js/util.js';
import { pressWord } from './words.js';
import { lookButtons } from './lookhere.js';
import { colOf, historyOf, patchClass, rowOf } from './model.js';
import { besideRun, isAgainst, rivalRun, sideNames } from './rival.js';
import { segmentText } from './segments.js';
import { activePatch, heatApplies, shownRun, shownStage } from './store.js';

/** @param {Ui} ui @param {Store} store @param {Actions} actions */
export function mountReadout(ui, store, actions) {
  const say = onceQuiet(250, (/** @type {string} */ text) => {
    ui.spoken.textContent = text;
  });
  let shownNow = '';
  store.on(
    ['view', 'pending', 'runs', 'shown', 'stage', 'hover', 'pinned', 'cursor', 'heat', 'heatWanted', 'against'],
    (state) => {
      // A button that is replaced under the pointer loses the click: so nothing is redrawn without need.
      const wanted = state.view && !state.pending ? readoutKey(state) : '';
      if (wanted === shownNow) return;
      shownNow = wanted;
      if (!state.view || !wanted) return;
      const patch = activePatch(state);
      showReadout(ui.readout, state, patch, actions);
      say(patch === null ? '' : spokenPatch(state, patch));
    },
  );
}

/** @param {Shown} state */
function readoutKey(state) {
  const { view, runs, shown, pinned, heatWanted } = state;
  const heat = heatWanted && Boolean(heatApplies(state));
  return [
    view.key,
    runs,
    shown,
    shownStage(state),
    activePatch(state),
    pinned,
    heatWanted,
    heat,
    againstText(state.against),
  ].join();
}

/** @param {HTMLElement} readout @param {Shown} state @param {number | null} patch @param {Actions} actions */
function showReadout(readout, state, patch, actions) {
  setStyle(readout, '--steps', Math.max(1, shownRun(state).stages.length));
  const focused = focusedIn(readout)?.dataset.act;
  readout.replaceChildren(...(patch === null ? emptyReadout(state, actions) : patchReadout(state, patch, actions)));
  if (focused) nodeIn(readout, `[data-act=${focused}]`)?.focus();
}

/** @param {Shown} state @param {Actions} actions */
const emptyReadout = (state, actions) => [
  lookButtons(state, actions) ?? '',
  el(
    'p',
    { class: 'invite' },
    pressWord() === 'Tap'
      ? 'Tap a patch above: with whom it merged, how alike they were, and why not where it did not.'
      : 'Point at a patch above: with whom it merged, how alike they were, and why not where it did not. ' +
          'Click to keep it here; arrow keys work too.',
  ),
];

/** @param {Shown} state @param {number} patch @param {Actions} actions */
function patchReadout(state, patch, actions) {
  const { view } = state;
  const run = shownRun(state);
  return [
    el(
      'div',
      { class: 'readout-head' },
      patchCrop(state, patch),
      el(
        'div',
        { class: 'readout-title' },
        el('strong', {}, place(view, patch)),
        el('span', {}, groupText(run, shownStage(state), patch)),
        classText(state, patch),
        segmentLine(state, patch, shownRun(state)),
      ),
      readoutButtons(state, actions),
    ),
    ...bothHistories(state, patch),
  ];
}

// What the shown recipe did to the patch, and below it what the one did that it is put against.
/** @param {Shown} state @param {number} patch */
function bothHistories(state, patch) {
  const own = historyList(state, shownRun(state), patch, shownStage(state));
  const rival = isAgainst(state) ? rivalRun(state) : null;
  if (!rival) return [own];
  const [name, other] = sideNames(state);
  const stage = rival.stages.length;
  return [
    el('h3', { class: 'whose' }, name),
    own,
    el('h3', { class: 'whose' }, other, el('small', {}, groupText(rival, stage, patch))),
    historyList(state, rival, patch, stage),
  ];
}

/** @param {Pick<Shown, 'view'>} state @param {Run} run @param {number} patch @param {number} stage */
function historyList({ view }, run, patch, stage) {
  const history = historyOf(view, run, patch);
  if (!history.length) return el('p', { class: 'history-none' }, 'This recipe merges nothing.');
  return el('ol', { class: 'history' }, ...history.map((entry, k) => historyRow(view, entry, k, stage)));
}

/** @param {Pick<GridShape, 'cols'>} view @param {number} patch */
export const place = (view, patch) => `Row ${rowOf(view, patch)}, column ${colOf(view, patch)}`;
/** @param {Pick<GridShape, 'cols'>} view @param {number} patch */
const shortPlace = (view, patch) => `row ${rowOf(view, patch)} col ${colOf(view, patch)}`;

/** @param {Run} run @param {number} stage @param {number} patch */
export function groupText(run, stage, patch) {
  const size = run.sizes[stage][run.groups[stage][patch]];
  return size > 1 ? `one token for ${size} patches` : 'a token of its own';
}

/** @param {Shown} state @param {number} patch */
function classText(state, patch) {
  const [before, after] = [besideRun(state), shownRun(state)].map(
    (run) => run && patchClass(state.view, run.labels, patch),
  );
  return classChange(state, before, after);
}

// What is there of things told apart: "person 2 of 5, score 0.97", of a pixel or else of most of the patch.
/** @param {Pick<Shown, 'view'>} state @param {number} patch @param {Run | null} run @param {number | null} [pixel] */
export function segmentLine({ view }, patch, run, pixel = null) {
  if (!run?.segments) return null;
  const { segments } = run;
  const text = segmentText(
    view,
    segments,
    pixel === null ? patchClass(view, segments.ids, patch) : segments.ids[pixel],
  );
  return text ? el('span', { class: 'segment-now' }, text) : null;
}

// From one class to another; before: null while the unmerged run is missing.
/** @param {Pick<Shown, 'view'>} state @param {number | null} before @param {number} after */
export function classChange(state, before, after) {
  if (before === null || before === after)
    return el('span', { class: 'class-now' }, classMark(state.view, after), before === null ? '' : 'in both');
  return el(
    'span',
    { class: 'class-now' },
    classMark(state.view, before),
    el('span', { 'aria-label': 'becomes' }, '→'),
    classMark(state.view, after),
  );
}

/** @param {Pick<View, 'classes'>} view @param {number} index */
export const classMark = (view, index) =>
  el(
    'span',
    { class: 'class-mark' },
    el('i', { class: 'swatch', style: { background: view.classes[index]?.colour ?? 'transparent' } }),
    el('span', { class: 'class-name', title: view.classes[index]?.name }, view.classes[index]?.name ?? 'ignored'),
  );

/** @param {Shown} state @param {Actions} actions */
function readoutButtons(state, actions) {
  const pinned = state.pinned !== null;
  return el(
    'div',
    { class: 'readout-buttons' },
    state.view.can.has('heat') && pinned
      ? el(
          'button',
          {
            type: 'button',
            class: 'quiet',
            'data-act': 'heat',
            'aria-pressed': String(state.heatWanted),
            onclick: actions.toggleHeat,
            title: 'Colours every patch by its similarity to this one',
          },
          state.heatWanted && !heatApplies(state) ? 'Asking …' : 'Similar patches',
        )
      : null,
    pinned
      ? el(
          'button',
          {
            type: 'button',
            class: 'quiet',
            'data-act': 'release',
            onclick: actions.release,
            title: 'Escape does the same',
          },
          'Release',
        )
      : null,
  );
}

/** @param {View} view @param {HistoryEntry} entry @param {number} k @param {number} stage */
function historyRow(view, entry, k, stage) {
  const state = k === stage - 1 ? 'now' : k < stage ? 'past' : 'later';
  return el(
    'li',
    { 'data-state': state, 'data-kind': entry.kind, 'aria-current': state === 'now' ? 'step' : null },
    el('span', { class: 'when' }, `${entry.isInside ? 'in' : 'before'} block ${entry.block}`),
    el('span', { class: 'what' }, ...whatHappened(view, entry)),
    el('span', { class: 'how' }, ...measured(entry)),
  );
}

/** @param {View} view @param {HistoryEntry} entry @param {keyof Places} which */
const placeOf = (view, entry, which) => {
  const patch = entry[which];
  return patch === undefined ? '' : shortPlace(view, patch);
};

// The rule's sentence, with the places of its tokens in bold.
/** @param {View} view @param {HistoryEntry} entry */
export const whatHappened = (view, entry) =>
  entry.sentence
    .split(/\{(partner|nearest|rival)\}/)
    .map((part, i) => (i % 2 ? el('b', {}, placeOf(view, entry, /** @type {keyof Places} */ (part))) : part))
    .filter(Boolean);

/** @param {HistoryEntry} entry */
function measured(entry) {
  const own = Number.isFinite(entry.similarity) ? [entry.similarity.toFixed(3)] : [];
  if (entry.kind === 'merged') return [...own, el('small', {}, apart(entry))];
  if (entry.kind === 'preferred') return rivals(entry);
  return entry.kind === 'joined' ? [] : own;
}

// Three digits, or as many as tell the two apart; the first index wins a tie.
/** @param {HistoryEntry} historyEntry */
function rivals({ similarity, nearestSimilarity = NaN }) {
  if (similarity === nearestSimilarity) return [similarity.toFixed(3), el('small', {}, 'equal: the first wins')];
  const digits = [3, 4, 5, 6].find((n) => similarity.toFixed(n) !== nearestSimilarity.toFixed(n)) ?? 7;
  return [similarity.toFixed(digits), el('small', {}, `against ${nearestSimilarity.toFixed(digits)}`)];
}

/** @param {HistoryEntry} entry */
const apart = (entry) => `${count(entry.distance ?? NaN, 'patch')} apart`;

/** @param {Shown} state @param {number} patch */
function spokenPatch(state, patch) {
  const { view } = state;
  const run = shownRun(state);
  const rival = isAgainst(state) ? rivalRun(state) : null;
  const [name, other] = sideNames(state);
  const steps = rival
    ? `${name}: ${spokenSteps(view, run, patch)} ${other}: ${spokenSteps(view, rival, patch)}`
    : spokenSteps(view, run, patch);
  const classes = [besideRun(state), run].map((one) => one && view.classes[patchClass(view, one.labels, patch)]?.name);
  const before =
    classes[0] && classes[0] !== classes[1] ? `, ${classes[0]} ${rival ? `by ${other}` : 'in the baseline'}` : '';
  return `${place(view, patch)}, ${groupText(run, shownStage(state), patch)}. ${steps} Class ${classes[1]}${before}.`;
}

/** @param {View} view @param {Run} run @param {number} patch */
function spokenSteps(view, run, patch) {
  const steps = historyOf(view, run, patch).map((entry) => {
    const what = whatHappened(view, entry)
      .map((part) => (typeof part === 'string' ? part : part.textContent))
      .join('');
    const similarity = Number.isFinite(entry.similarity) ? `, cosine similarity ${entry.similarity.toFixed(3)}` : '';
    const far = entry.kind === 'merged' ? `, ${apart(entry)}` : '';
    return `${entry.isInside ? 'In' : 'Before'} block ${entry.block}: ${what}${similarity}${far}.`;
  });
  return steps.join(' ');
}
