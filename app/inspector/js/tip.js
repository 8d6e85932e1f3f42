// The tooltip right at the pointer, in whichever pane it is: the patch, its token, why, and its class.

import { againstText } from './against.js';
import { clamp, el } from '../../js/util.js';
import { historyOf, patchClass } from './model.js';
import { classChange, groupText, place, segmentLine, whatHappened } from './readout.js';
import { besideRun, onSide, rivalSide } from './rival.js';
import { shownRun, shownStage } from './store.js';
import { patchCentre, pictureRect } from './viewport.js';

const GAP_PX = 16;

/** @param {Ui} ui @param {Store} store */
export function mountTip(ui, store) {
  let told = '';
  store.on(
    [
      'view',
      'pending',
      'runs',
      'shown',
      'stage',
      'hover',
      'pinned',
      'cursor',
      'pixel',
      'pointer',
      'zoom',
      'against',
      'side',
    ],
    (state) => {
      const patch = tippedPatch(state);
      ui.tip.hidden = patch === null;
      if (!state.view || patch === null) {
        told = '';
        return;
      }
      const key = [
        state.view.key,
        state.runs,
        state.shown,
        shownStage(state),
        patch,
        state.pixel,
        state.side,
        againstText(state.against),
        paneOf(state),
      ].join();
      if (key !== told) ui.tip.replaceChildren(...tipLines(state, patch));
      told = key;
      placeTip(ui, state, patch);
    },
  );
}

// The one under the mouse or the keyboard's cursor; a finger's is the pinned one.
/** @param {State} state */
function tippedPatch({ view, pending, hover, cursor, pinned, pointer }) {
  if (!view || pending) return null;
  return hover ?? cursor ?? (pointer?.isTouch ? pinned : null);
}

/** @param {Shown} state @param {number} patch */
function tipLines(state, patch) {
  const { view } = state;
  const seen = seenOn(state);
  const run = shownRun(seen);
  const stage = shownStage(seen);
  const told = tellingEntry(historyOf(view, run, patch).slice(0, stage));
  return [
    el('strong', {}, place(view, patch)),
    el('span', {}, groupText(run, stage, patch)),
    ...(told ? entryLines(view, told) : []),
    el('span', { class: 'class-now' }, ...classLine(state, patch)),
    segmentLine(state, patch, paneOf(state) === 'baseline' ? besideRun(state) : shownRun(state), state.pixel),
  ].filter((line) => line !== null);
}

// As the pane shows it that the pointer is on.
/** @param {Shown} state */
function seenOn(state) {
  const name = paneOf(state);
  if (name === 'merge') return onSide(state);
  return name === 'baseline' ? rivalSide(state) : state;
}

/** @param {Pick<State, 'pointer' | 'focused'>} state @returns {PaneName} */
const paneOf = ({ pointer, focused }) => pointer?.pane ?? focused ?? 'merge';

// Of what happened so far: the last merge, or else why there was none.
/** @param {HistoryEntry[]} entries */
const tellingEntry = (entries) =>
  entries.findLast(({ kind }) => kind === 'merged' || kind === 'joined') ?? entries.at(-1);

/** @param {View} view @param {HistoryEntry} entry */
function entryLines(view, entry) {
  const where = `${entry.isInside ? 'in' : 'before'} block ${entry.block}: `;
  const similarity = Number.isFinite(entry.similarity)
    ? [el('span', {}, 'similarity ', el('b', {}, entry.similarity.toFixed(3)))]
    : [];
  return [el('span', {}, where, ...whatHappened(view, entry)), ...similarity];
}

// Of the pixel where a mask is pointed at, else of most of the patch.
/** @param {Shown} state @param {number} patch */
function classLine(state, patch) {
  const { view, pixel } = state;
  /** @param {Run} run */
  const classIn = (run) => (pixel === null ? patchClass(view, run.labels, patch) : run.labels[pixel]);
  const [before, after] = [besideRun(state), shownRun(state)].map((run) => run && classIn(run));
  return [classChange(state, before, after)];
}

/** @param {Ui} ui @param {Shown} state @param {number} patch */
function placeTip(ui, state, patch) {
  const stage = ui[`${paneOf(state)}Stage`];
  const at = state.hover !== null || state.pointer?.isTouch ? state.pointer : cursorAt(state, stage, patch);
  if (!at) return;
  const [room, home] = [ui.panes.getBoundingClientRect(), stage.getBoundingClientRect()];
  const [x, y] = [home.left - room.left + at.x, home.top - room.top + at.y];
  const { offsetWidth: wide, offsetHeight: high } = ui.tip;
  const left = x + GAP_PX + wide <= room.width ? x + GAP_PX : x - GAP_PX - wide;
  const isLow = home.top + at.y + GAP_PX + high > window.innerHeight;
  ui.tip.style.left = `${clamp(left, 0, Math.max(0, room.width - wide))}px`;
  ui.tip.style.top = `${isLow ? y - GAP_PX - high : y + GAP_PX}px`;
}

/** @param {Shown} state @param {HTMLElement} stage @param {number} patch */
const cursorAt = (state, stage, patch) =>
  patchCentre(state.view, pictureRect(state.view, stage.clientWidth, stage.clientHeight, state.zoom), patch);
