// Agreement of the two masks, what became what, and the class table with its filter.

import { agreementText, choice, count, el, focusedIn, nodeIn, percent } from '../../js/util.js';
import { confusionOf } from './against.js';
import { maskModes, modeOf } from './masks.js';
import { compareClasses } from './model.js';
import { classMark } from './readout.js';
import { pressWord } from './words.js';
import { figure } from './schedule.js';
import { besideRun, comparison, isAgainst, sideNames } from './rival.js';
import { countText } from './segments.js';
import { shownRun } from './store.js';

/** @typedef {{before: Comparison | null, after: Comparison | null}} Tables */

const SHOWN_FLOWS = 6;

/** @param {Ui} ui @param {Store} store @param {Actions} actions */
export function mountClasses(ui, store, actions) {
  const show = choice(ui.modes, 'Masks shown', (/** @type {MaskMode} */ value) =>
    store.set({ maskMode: value, modeBefore: null, focusFlow: null }),
  );
  store.on(['view', 'maskMode'], (state) => {
    if (!state.view) return;
    show(maskModes(state.view), modeOf(state));
  });
  ui.maskOpacity.addEventListener('input', () => store.set({ maskOpacity: Number(ui.maskOpacity.value) / 100 }));
  store.on(['maskOpacity'], (state) => {
    ui.maskOpacity.value = String(Math.round(state.maskOpacity * 100));
    ui.maskOpacity.style.setProperty('--fill', `${state.maskOpacity * 100}%`);
  });
  store.on(
    ['view', 'runs', 'shown', 'against'],
    (state) => state.view && ui.agrees.replaceChildren(...changeLine(state)),
  );
  store.on(['view', 'runs', 'shown', 'against'], (state) => {
    if (!state.view) return;
    showAgreement(ui, state);
    showFlows(ui, state, store);
  });
  store.on(
    ['view', 'runs', 'shown', 'against', 'hiddenClasses'],
    (state) => state.view && showClasses(ui, state, store, actions),
  );
}

/** @param {Shown} state @param {Run | null} run @returns {Comparison | null} */
const judged = (state, run) => {
  if (!run?.truth?.length) return null;
  run.judged ??= compareClasses(run.truth, state.view.classes);
  return run.judged;
};

// Under the merged mask: how much of it changed, and the largest part of that.
/** @param {Shown} state */
function changeLine(state) {
  const found = comparison(state);
  if (!found || shownRun(state) === besideRun(state)) return [];
  const [most] = found.flows;
  if (!most) return [isAgainst(state) ? `not one pixel differs from ${sideNames(state)[1]}` : 'not one pixel changed'];
  return [
    el(
      'span',
      {},
      `${agreementText(found.agreement)} the same${isAgainst(state) ? ` as ${sideNames(state)[1]}, most different` : ', most changed'}:`,
    ),
    classMark(state.view, most.from),
    el('span', { class: 'arrow', 'aria-label': 'became' }, '→'),
    classMark(state.view, most.to),
    el('span', {}, smallShare(most.share)),
  ];
}

// Whom everything in this card is compared with.
/** @param {Ui} ui @param {Shown} state */
function showAgreement(ui, state) {
  ui.lostTitle.textContent = isAgainst(state) ? `What differs, against ${sideNames(state)[1]}` : 'What the mask lost';
  const found = comparison(state);
  const before = judged(state, besideRun(state));
  const after = judged(state, shownRun(state));
  ui.agreement.replaceChildren(
    el(
      'dl',
      { class: 'figures small' },
      found
        ? figure(
            agreementText(found.agreement),
            isAgainst(state) ? `of the pixels as by ${sideNames(state)[1]}` : 'of the pixels as without merging',
          )
        : null,
      found ? figure(found.miou.toFixed(3), 'mIoU between the two') : null,
      before && after
        ? figure(
            el(
              'span',
              {},
              before.miou.toFixed(3),
              el('span', { class: 'arrow', 'aria-label': 'then' }, '→'),
              after.miou.toFixed(3),
            ),
            'mIoU against the truth',
          )
        : null,
    ),
  );
}

/** @param {Ui} ui @param {Shown} state @param {Store} store */
function showFlows(ui, state, store) {
  const found = comparison(state);
  ui.flows.hidden = !found;
  if (!found) return;
  const rows = found.flows.slice(0, SHOWN_FLOWS).map((flow) => flowButton(state, flow, store));
  ui.flows.replaceChildren(
    ...(rows.length ? rows : [el('p', { class: 'caption' }, 'Not one pixel has another class.')]),
  );
}

/** @param {Shown} state @param {Flow} flow @param {Store} store */
function flowButton(state, flow, store) {
  /** @param {Flow | null} value */
  const focus = (value) => () => store.set({ focusFlow: value });
  return el(
    'button',
    {
      type: 'button',
      class: 'flow',
      title: 'Shows the pixels that changed',
      onpointerenter: focus(flow),
      onpointerleave: focus(null),
      onclick: () => store.set({ maskMode: 'changes' }),
      onfocus: focus(flow),
      onblur: focus(null),
    },
    classMark(state.view, flow.from),
    el('span', { class: 'arrow', 'aria-label': 'became' }, '→'),
    classMark(state.view, flow.to),
    el('span', { class: 'share' }, smallShare(flow.share)),
  );
}

/** @param {string} text */
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
/** @param {number} share */
const smallShare = (share) => (share > 0 && share < 0.0005 ? '< 0.1 %' : percent(share, 1));

/** @param {Ui} ui @param {Shown} state @param {Store} store @param {Actions} actions */
function showClasses(ui, state, store, actions) {
  const found =
    comparison(state) ??
    compareClasses(confusionOf(shownRun(state).labels, shownRun(state).labels), state.view.classes);
  const tables = { before: judged(state, besideRun(state)), after: judged(state, shownRun(state)) };
  const focused = focusedIn(ui.classes)?.dataset.class;
  const rows = [...found.rows].sort((a, b) => b.before + b.after - a.before - a.after);
  const absent = state.view.classes.length - rows.length;
  ui.classes.replaceChildren(
    el(
      'table',
      {},
      classHead(state, tables),
      el('tbody', {}, ...rows.map((row) => classRow(state, row, tables, store, actions))),
    ),
    el('p', { class: 'caption' }, classCaption(state, absent, actions)),
  );
  if (focused) nodeIn(ui.classes, `[data-class="${focused}"]`)?.focus();
}

/** @param {Shown} state @param {Tables} tables */
const classHead = (state, { before, after }) =>
  el(
    'thead',
    {},
    el(
      'tr',
      {},
      el('th', { scope: 'col' }, 'Class'),
      el('th', { scope: 'col' }, capital(sideNames(state)[1])),
      el('th', { scope: 'col' }, capital(sideNames(state)[0])),
      el('th', { scope: 'col', title: 'Intersection over union of the two masks' }, 'IoU'),
      before && after
        ? el('th', { scope: 'col', title: 'IoU against the ground truth, of both masks' }, 'True IoU')
        : null,
    ),
  );

/** @param {Shown} state @param {ClassRow} row @param {Tables} tables @param {Store} store @param {Actions} actions */
function classRow(state, row, { before, after }, store, actions) {
  const hidden = state.hiddenClasses.has(row.index);
  /** @param {number | null} value */
  const focus = (value) => () => store.set({ focusClass: value });
  return el(
    'tr',
    { 'data-hidden': String(hidden), onpointerenter: focus(row.index), onpointerleave: focus(null) },
    el(
      'th',
      { scope: 'row' },
      el(
        'button',
        {
          type: 'button',
          class: 'class-button',
          'data-class': row.index,
          'aria-pressed': String(!hidden),
          title: hidden ? 'Show this class' : 'Hide this class',
          onclick: () => actions.toggleClass(row.index),
          onfocus: focus(row.index),
          onblur: focus(null),
        },
        classMark(state.view, row.index),
        countMark(state, row.index),
      ),
    ),
    el('td', {}, smallShare(row.before)),
    el('td', {}, smallShare(row.after)),
    el('td', {}, el('span', { class: 'iou', style: { '--share': row.iou } }, row.iou.toFixed(3))),
    before && after ? el('td', {}, `${truthIou(before, row.index)} → ${truthIou(after, row.index)}`) : null,
  );
}

// How many things of a class, where the model tells them apart.
/** @param {Shown} state @param {number} label */
function countMark(state, label) {
  const text = countText(label, besideRun(state)?.segments, shownRun(state).segments);
  return text ? el('small', { class: 'things', title: 'Things told apart' }, text) : null;
}

/** @param {Comparison} table @param {number} index */
const truthIou = (table, index) => table.rows.find((row) => row.index === index)?.iou.toFixed(2) ?? '–';

/** @param {Shown} state @param {number} absent @param {Actions} actions */
function classCaption(state, absent, actions) {
  const text = `Share of the picture, and overlap of the two masks. Point at a class to find it, ${pressWord().toLowerCase()} it to hide it.`;
  /** @type {Child[]} */
  const parts = [absent ? `${text} ${count(absent, 'class')} of ${state.view.classes.length} do not occur.` : text];
  if (state.hiddenClasses.size)
    parts.push(' ', el('button', { type: 'button', class: 'quiet', onclick: actions.showAllClasses }, 'Show all'));
  return el('span', {}, ...parts);
}
