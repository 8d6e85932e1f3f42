// The trade-off of this picture: each method is a curve of what it keeps, or gains in speed, against how far its mask
// agrees with the unmerged one. Choosing a point puts its recipe on.

import { agreementText, choice, clamp, focusedIn, nodeIn, percent, svgEl } from '../../js/util.js';
import { PAPER_RULE } from '../../js/recipe.js';
import { chartScales, frontierOf, methodsOf, placedMethods, SMALLER } from './curvescale.js';
import { short } from './downloads.js';
import { placeLabels } from './labels.js';
import { markOf, markShape } from './methodmarks.js';
import { shortName } from './named.js';
import { cutShort } from './schedule.js';
import { showLegend, showTable, tradeoffCaption } from './tradeoffside.js';

/** @typedef {{show: (text: string, across: number, down: number) => void, hide: () => void}} ChartTip */
/** @typedef {{store: Store, actions: Actions, tip: ChartTip}} ChartPage */
/** @typedef {{state: Shown, scales: ChartScales, page: ChartPage, names: string[]}} ChartScene */

const PLOT = { left: 52, top: 16, main: 240, band: 46, gap: 14 };
const RIGHT = 14;
const FOOT = 38;
const [NARROWEST, WIDEST] = [280, 760];

/** @param {Ui} ui @param {Store} store @param {Actions} actions */
export function mountTradeoff(ui, store, actions) {
  const show = choice(ui.tradeoffAxis, 'Horizontal axis', (/** @type {State['tradeoffAxis']} */ value) =>
    store.set({ tradeoffAxis: value }),
  );
  const tip = mountChartTip(ui);
  store.on(
    ['view', 'runs', 'shown', 'speeds', 'tradeoffAxis', 'tradeoffWidth', 'methodsAlone', 'measuring'],
    (state) => {
      if (!state.view) return;
      show(
        [
          { value: 'tokens', text: 'Tokens kept' },
          { value: 'latency', text: 'Speed' },
        ],
        state.tradeoffAxis,
      );
      tip.hide();
      showTradeoff(ui, state, { store, actions, tip });
    },
  );
  // Drawn as wide as it is shown, so that its letters are as large as all others.
  new ResizeObserver(([{ contentRect }]) => {
    if (contentRect.width) store.set({ tradeoffWidth: Math.round(clamp(contentRect.width, NARROWEST, WIDEST)) });
  }).observe(ui.tradeoff);
}

/** @param {Ui} ui @param {Shown} state @param {ChartPage} page */
function showTradeoff(ui, state, page) {
  const known = methodsOf(state);
  const placed = placedMethods(known, state.tradeoffAxis);
  const isAlone = state.methodsAlone !== null && placed.some(({ method }) => method === state.methodsAlone);
  const methods = isAlone
    ? placed.filter(({ method }) => method === state.methodsAlone || method === PAPER_RULE)
    : placed;
  const isBare = !methods.length;
  const focused = focusedIn(ui.tradeoff)?.dataset.point;
  ui.tradeoff.toggleAttribute('data-bare', isBare);
  ui.tradeoff.replaceChildren(...(isBare ? [] : [tradeoffFigure(state, methods, page)]));
  if (focused) nodeIn(ui.tradeoff, `[data-point="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  showLegend(ui, state, placed, known, page);
  showTable(ui, state, known);
  ui.tradeoffCaption.textContent = tradeoffCaption(state, placed, known);
}

/** @param {Shown} state @param {Method<PlacedPoint>[]} methods @param {ChartPage} page */
function tradeoffFigure(state, methods, page) {
  const isTokens = state.tradeoffAxis === 'tokens';
  const plot = { ...PLOT, width: state.tradeoffWidth, right: state.tradeoffWidth - RIGHT };
  const scales = chartScales(methods, PAPER_RULE, plot, isTokens ? [] : [1]);
  const names = methods.map(({ method }) => method);
  const front = frontierOf(
    methods.flatMap(({ points }) => points),
    isTokens,
  );
  const scene = { state, scales, page, names };
  const inOrder = [...methods].sort((a, b) => Number(a.method === PAPER_RULE) - Number(b.method === PAPER_RULE));
  return svgEl(
    'svg',
    {
      viewBox: `0 0 ${scales.width} ${scales.bottom + FOOT}`,
      role: 'group',
      'aria-label': 'Methods by cost and agreement',
    },
    ...gridLines(scales),
    ...horizontalTicks(scales, isTokens),
    svgEl('polyline', { points: lineThroughPoints(front, scales), class: 'frontier' }),
    ...inOrder.map((one) => methodLine(one, scene)),
    ...inOrder.flatMap((one) => one.points.map((point) => methodPoint(one, point, scene))),
    ...chartLabels(state, methods, scales),
  );
}

/** @param {PlacedPoint[]} points @param {Pick<ChartScales, 'x' | 'y'>} chartScales */
const lineThroughPoints = (points, { x, y }) => points.map((one) => `${short(x(one.x))},${short(y(one.y))}`).join(' ');

/** @param {Method<PlacedPoint>} method @param {ChartScene} scene */
function methodLine({ method, points }, { scales, names, state }) {
  const { colour, dash } = markOf(method, names);
  const line = state.tradeoffAxis === 'tokens' ? points.filter(({ isOnLine }) => isOnLine) : [];
  return svgEl(
    'g',
    { class: `curve ${colour}`, 'data-method': method },
    line.length ? svgEl('polyline', { points: lineThroughPoints(line, scales), 'stroke-dasharray': dash }) : null,
    ...points.filter(({ low }) => low !== undefined).map((one) => intervalBar(one, scales)),
  );
}

// From the lower to the upper end of the interval, with caps.
/** @param {PlacedPoint} placedPoint @param {Pick<ChartScales, 'x' | 'y'>} chartScales */
function intervalBar({ low = NaN, high = NaN, y: value }, { x, y }) {
  const [x0, x1, at] = [x(low), x(high), y(value)].map(short);
  return svgEl('path', {
    class: 'interval',
    d: `M${x0} ${at}H${x1}M${x0} ${Number(at) - 4}v8M${x1} ${Number(at) - 4}v8`,
  });
}

/** @param {Shown} state @param {Pick<Method, 'method' | 'title'>} method @param {string} schedule */
export const pointName = (state, { method, title }, schedule) =>
  method === SMALLER
    ? `${title}, ${schedule.split('|')[1] ?? schedule}`
    : `${title}: ${cutShort(shortName(state, schedule))}`;

/** @param {Shown} state @param {Pick<Method, 'method' | 'title'>} one @param {MethodPoint} point */
function pointText(state, one, point) {
  const cost = [`${percent(point.kept, 1)} of the tokens`];
  if (point.speed)
    cost.push(
      `${point.speed.value.toFixed(2)} times as fast (${point.speed.low.toFixed(2)}–${point.speed.high.toFixed(2)}, ${point.speed.runs} runs)`,
    );
  const text = `${pointName(state, one, point.schedule)} · ${cost.join(' · ')} · ${agreementText(point.agreement)} of the pixels agree`;
  return one.method === SMALLER ? `${text} · this view cannot draw it: its patches are not these` : text;
}

/** @param {Method<PlacedPoint>} one @param {PlacedPoint} point @param {ChartScene} scene */
function methodPoint(one, point, { state, scales, page, names }) {
  const { colour, shape, isPaper } = markOf(one.method, names);
  const [cx, cy] = [scales.x(point.x), scales.y(point.y)];
  const isChosen = point.schedule === state.shown;
  const canShow = one.method !== SMALLER;
  const pick = () => canShow && page.actions.chooseSchedule(point.schedule);
  const text = pointText(state, one, point);
  const tell = () => page.tip.show(text, cx / scales.width, cy / (scales.bottom + FOOT));
  return svgEl(
    'g',
    {
      class: `point ${colour}`,
      tabindex: 0,
      role: canShow ? 'button' : 'img',
      'data-point': point.schedule,
      'data-method': one.method,
      'data-chosen': String(isChosen),
      'aria-label': text,
      onclick: pick,
      onpointerenter: tell,
      onfocus: tell,
      onpointerleave: page.tip.hide,
      onblur: page.tip.hide,
      onkeydown: (event) => {
        if (event.key === 'Enter' || event.key === ' ') {
          event.preventDefault();
          pick();
        }
      },
    },
    svgEl('circle', { cx, cy, r: 12, class: 'reach' }),
    markShape(shape, short(cx), short(cy), isChosen ? 7 : isPaper ? 5 : 4),
  );
}

// Only the method that the page is about and the chosen recipe have names on the chart: the rest is in the legend.
/** @param {Shown} state @param {Method<PlacedPoint>[]} methods @param {ChartScales} scales */
function chartLabels(state, methods, scales) {
  const named = methods.flatMap((one) =>
    one.points
      .filter(
        ({ schedule }) =>
          schedule === state.shown || (one.method === PAPER_RULE && state.view.schedules.includes(schedule)),
      )
      .map((point) => ({
        cx: scales.x(point.x),
        cy: scales.y(point.y),
        schedule: point.schedule,
        text: cutShort(shortName(state, point.schedule)),
      })),
  );
  const places = placeLabels(named, { left: scales.left, right: scales.right, top: 0, bottom: scales.foot + 4 });
  return named.map(({ schedule, text }, i) =>
    svgEl(
      'text',
      { ...places[i], class: 'label', 'data-chosen': String(schedule === state.shown), 'aria-hidden': 'true' },
      text,
    ),
  );
}

// As many digits as the ticks need: 97.5 % must not read as 98 %.
/** @param {number[]} ticks */
function percentText(ticks) {
  /** @param {number} digits */
  const isExact = (digits) =>
    ticks.every((value) => Math.abs(value * 100 - Number((value * 100).toFixed(digits))) < 1e-6);
  const digits = [0, 1, 2].find(isExact) ?? 2;
  return (/** @type {number} */ value) => percent(value, digits);
}

/** @param {ChartScales} scales */
function gridLines(scales) {
  const { left, right, foot, gap, isSplit, y, yTicks, bandTicks } = scales;
  /** @param {(value: number) => string} text @returns {(value: number) => SVGElement[]} */
  const tick = (text) => (value) => [
    svgEl('line', { x1: left, x2: right, y1: y(value), y2: y(value), class: 'axis' }),
    svgEl('text', { x: left - 6, y: y(value) + 4, class: 'tick-y' }, text(value)),
  ];
  const zigzag = Array.from(
    { length: Math.floor((right - left) / 12) + 1 },
    (_, i) => `${left + i * 12},${foot + gap / 2 + (i % 2 ? 2.5 : -2.5)}`,
  );
  return [
    ...yTicks.flatMap(tick(percentText(yTicks))),
    ...bandTicks.flatMap(tick(percentText(bandTicks))),
    isSplit ? svgEl('polyline', { points: zigzag.join(' '), class: 'break' }) : null,
  ].filter(Boolean);
}

/** @param {ChartScales} chartScales @param {boolean} isTokens */
function horizontalTicks({ x, xTicks, left, right, bottom }, isTokens) {
  const text = isTokens ? percentText(xTicks) : (/** @type {number} */ value) => `${Number(value.toFixed(2))}×`;
  const name = isTokens ? 'patch tokens kept' : 'times as fast as without merging, measured here';
  return [
    ...xTicks.map((value) => svgEl('text', { x: x(value), y: bottom + 16, class: 'name' }, text(value))),
    svgEl('text', { x: (left + right) / 2, y: bottom + FOOT - 5, class: 'name' }, name),
  ];
}

// Names the point under the pointer or the keyboard.
/** @param {Ui} ui */
function mountChartTip(ui) {
  const { chartTip: tip } = ui;
  return {
    /** @param {string} text @param {number} across @param {number} down */
    show(text, across, down) {
      tip.textContent = text;
      tip.hidden = false;
      tip.style.left = `${across * 100}%`;
      tip.style.top = `${down * 100}%`;
      tip.dataset.side = across > 0.5 ? 'left' : 'right';
    },
    hide: () => {
      tip.hidden = true;
    },
  };
}
