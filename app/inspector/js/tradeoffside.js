// What stands below the trade-off chart: the legend, how far it is, who is left out, a table of it all, and the button
// that measures.

import { keptShare } from './model.js';
import { agreementText, count, el, focusedIn, nodeIn, percent, setStyle } from '../../js/util.js';
import { PAPER_RULE } from '../../js/recipe.js';
import { worthMeasuring } from './curvescale.js';
import { markOf, markSample } from './methodmarks.js';
import { shortName } from './named.js';
import { speedOf } from './speed.js';
import { shownRun } from './store.js';

/**
 * @param {Ui} ui
 * @param {Shown} state
 * @param {Method<PlacedPoint>[]} placed
 * @param {Method[]} known
 * @param {{store: Store, actions: Actions}} given
 */
export function showLegend(ui, state, placed, known, { store, actions }) {
  const names = placed.map(({ method }) => method);
  const focused = focusedIn(ui.legend)?.dataset.method;
  ui.legend.replaceChildren(...(placed.length > 1 ? placed.map((one) => legendButton(one, names, state, store)) : []));
  if (focused) nodeIn(ui.legend, `[data-method="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  showProgress(ui, state);
  const out = known.filter(({ leftOut }) => leftOut);
  ui.leftOut.hidden = !out.length;
  ui.leftOut.replaceChildren(
    ...out.map(({ title, leftOut, points }) =>
      el('p', {}, el('b', {}, `${title} ${points.length ? 'ends here' : 'is left out'}: `), leftOut),
    ),
  );
  showMeasure(ui, state, known, actions);
}

/** @param {Method<PlacedPoint>} method @param {string[]} names @param {Shown} state @param {Store} store */
function legendButton({ method, title }, names, state, { set }) {
  const mark = markOf(method, names);
  const isAlone = state.methodsAlone === method;
  const isPaper = method === PAPER_RULE;
  return el(
    'button',
    {
      type: 'button',
      class: `legend-item ${mark.colour}`,
      'data-method': method,
      'aria-pressed': String(isAlone),
      title: isAlone ? 'Show all methods' : isPaper ? `Show ${title} alone` : `Show ${title} alone, beside MPM`,
      onclick: () => set({ methodsAlone: isAlone ? null : method }),
    },
    markSample(mark),
    el('span', {}, title),
  );
}

// So many runs of so many are in: the bar goes when all are.
/** @param {Ui} ui @param {Pick<Shown, 'view'>} state */
function showProgress(ui, { view }) {
  const { done, of } = view.curves ?? { done: 0, of: 0 };
  const isOn = of > 0 && done < of;
  ui.curvesProgress.hidden = !isOn;
  setStyle(ui.curvesProgress, '--share', of ? done / of : 0);
  ui.curvesProgress.textContent = isOn ? `Other methods on this picture: ${done} of ${of} runs are in` : '';
}

// Reads the methods' times: a race by hand of what is worth knowing.
/** @param {Ui} ui @param {Shown} state @param {Method[]} known @param {Actions} actions */
function showMeasure(ui, state, known, actions) {
  const isSpeed = state.tradeoffAxis === 'latency';
  ui.measureMethods.hidden = !isSpeed;
  if (!isSpeed) return;
  const run = shownRun(state);
  const rivals = run ? worthMeasuring(known, keptShare(run)) : [];
  const isBusy = state.measuring === state.view.key;
  ui.measureMethods.disabled = !rivals.length || isBusy || Boolean(state.pending);
  ui.measureMethods.textContent = isBusy
    ? `Measuring: ${count(speedOf(state, state.shown).runs, 'run')} of each so far…`
    : rivals.length
      ? `Measure these methods (${rivals.length})`
      : 'All methods are measured';
  ui.measureMethods.title = rivals.map((one) => shortName(state, one)).join(', ');
  ui.measureMethods.onclick = () => actions.measure(rivals);
}

/** @param {Ui} ui @param {Shown} state @param {Method[]} known */
export function showTable(ui, state, known) {
  const rows = known.flatMap((one) => one.points.map((point) => tableRow(state, one, point)));
  ui.chartRows.replaceChildren(...rows);
}

/** @param {Shown} state @param {Pick<Method, 'title'>} method @param {MethodPoint} methodPoint */
const tableRow = (state, { title }, { schedule, kept, agreement, speed }) =>
  el(
    'tr',
    {},
    el('th', { scope: 'row' }, title),
    el('td', {}, shortName(state, schedule)),
    el('td', {}, percent(kept, 1)),
    el('td', {}, agreementText(agreement)),
    el(
      'td',
      {},
      speed ? `${speed.value.toFixed(2)}× (${speed.low.toFixed(2)}–${speed.high.toFixed(2)})` : 'not measured',
    ),
  );

/**
 * @param {Pick<Shown, 'tradeoffAxis' | 'view'>} state
 * @param {Method<PlacedPoint>[]} placed
 * @param {Method[]} known
 */
export function tradeoffCaption({ tradeoffAxis, view }, placed, known) {
  if (tradeoffAxis === 'latency') {
    const measured = placed.reduce((sum, { points }) => sum + points.length, 0);
    return measured
      ? `Right is faster, up is closer to the unmerged mask; bars are 95 % intervals. ${count(measured, 'recipe')} raced here so far: nothing else stands here.`
      : 'No speed is measured yet: each recipe that you choose is raced, and then stands here.';
  }
  if (!known.some(({ points }) => points.length))
    return view.runs.size < 2 ? 'The other recipes are being computed.' : 'The unmerged run is being computed.';
  return 'Left is less work, up is closer to the unmerged mask; the thin line joins what nothing beats on both. What agrees far less is in the strip below. Press a point to put its recipe on.';
}
