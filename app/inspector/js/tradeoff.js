// The trade-off of this picture: what each recipe keeps, or gains in speed, against how far its mask agrees with
// the unmerged one. Choosing a point moves the slider. Other methods are lines; what agrees far less leaves the
// plot at its lower edge, else the recipes would all lie on the upper one.

import { agreementText, choice, clamp, percent, svgEl, ticksBetween } from '../../js/util.js';
import { short } from './downloads.js';
import { placeLabels } from './labels.js';
import { compareClasses } from './model.js';
import { shortName } from './named.js';
import { cutShort } from './schedule.js';
import { speedOf } from './speed.js';

const PLOT = { widths: [280, 760], left: 52, right: 14, top: 18, bottom: 38, main: 230 };
const TICKS = 4;
const STEPS = [1, 2, 2.5, 5, 10]; // quarters suit shares
const REACH = 1.6; // how far below the recipes the plot follows other methods, in spreads of the recipes

export function mountTradeoff(ui, store, actions) {
  const show = choice(ui.tradeoffAxis, 'Horizontal axis', (value) => store.set({ tradeoffAxis: value }));
  store.on(['view', 'runs', 'shown', 'speeds', 'tradeoffAxis', 'tradeoffWidth'], (state) => {
    if (!state.view) return;
    show([{ value: 'tokens', text: 'Tokens kept' }, { value: 'latency', text: 'Speed' }], state.tradeoffAxis);
    showTradeoff(ui, state, actions);
  });
  // Drawn as wide as it is shown, so that its letters are as large as all others.
  new ResizeObserver(([{ contentRect }]) => {
    if (contentRect.width) store.set({ tradeoffWidth: Math.round(clamp(contentRect.width, ...PLOT.widths)) });
  }).observe(ui.tradeoff);
}

function showTradeoff(ui, state, actions) {
  const points = tradeoffPoints(state);
  const curves = state.tradeoffAxis === 'tokens' ? otherMethods(state) : [];
  ui.tradeoff.toggleAttribute('data-bare', points.length < 2);
  ui.tradeoff.replaceChildren(...(points.length < 2 ? [] : [tradeoffFigure(state, points, curves, actions)]));
  ui.tradeoffCaption.textContent = points.length < 2 ? nothingYetText(state) : tradeoffCaption(state, curves);
}

function tradeoffPoints(state) {
  const place = state.tradeoffAxis === 'tokens' ? keptOf : (run) => speedPlace(state, run);
  return [...state.view.runs.values()].flatMap((run) => {
    const x = place(run);
    if (x === null || !run.agreement) return [];
    return [{ schedule: run.schedule, x, y: compareClasses(run.agreement, state.view.classes).agreement }];
  }).sort((a, b) => a.x - b.x || b.y - a.y);
}

const keptOf = (run) => run.tokenCounts.at(-1) / run.tokenCounts[0];
// Times as fast as without merging; known from races alone.
const speedPlace = (state, run) =>
  run.schedule === state.view.baseline ? 1 : (speedOf(state, run.schedule).figure?.value ?? null);

// Of each other method: [{title, points: [{x, y}]}], from much to little.
const otherMethods = ({ view }) => (view.curves?.curves ?? []).map(({ method, title, points }) => ({
  method,
  title,
  points: points.map(({ kept, agreement }) => ({ x: kept, y: agreement })).sort((a, b) => b.x - a.x),
})).filter(({ points }) => points.length);

// Points that no other beats on both axes, from the best agreement on.
function frontierOf(points, isLessBetter) {
  let best = -Infinity;
  const inOrder = isLessBetter ? points : [...points].reverse();
  return inOrder.filter(({ y }) => { const better = y > best; best = Math.max(best, y); return better; });
}

function tradeoffScales(points, curves, width) {
  const [x0, x1] = padded([...points, ...curves.flatMap((one) => one.points)].map(({ x }) => x), 1e-3);
  const [low] = padded([lowest(points, curves)], 1e-3);
  const high = 1 + (1 - low) * 0.06;
  const bottom = PLOT.top + PLOT.main;
  return {
    width, bottom, right: width - PLOT.right,
    x: linear(x0, x1, PLOT.left, width - PLOT.right), xTicks: ticksBetween(x0, x1, TICKS, STEPS),
    y: linear(low, high, bottom, PLOT.top), yTicks: ticksBetween(low, 1, TICKS, STEPS),
  };
}

function lowest(points, curves) {
  const own = Math.min(...points.map(({ y }) => y));
  const others = Math.min(own, ...curves.flatMap((one) => one.points.map(({ y }) => y)));
  return Math.max(others, own - (1 - own) * REACH) - (1 - own) * 0.08;
}

function padded(values, least) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const pad = Math.max((high - low) * 0.08, least);
  return [low - pad, high + pad];
}

const linear = (low, high, from, to) => (value) => from + ((value - low) / (high - low)) * (to - from);

// As many digits as the ticks need: 97.5 % must not read as 98 %.
function percentText(ticks) {
  const isExact = (digits) => ticks.every((value) => Math.abs(value * 100 - Number((value * 100).toFixed(digits))) < 1e-6);
  const digits = [0, 1, 2].find(isExact) ?? 2;
  return (value) => percent(value, digits);
}

function tradeoffFigure(state, points, curves, actions) {
  const scales = tradeoffScales(points, curves, state.tradeoffWidth);
  const isTokens = state.tradeoffAxis === 'tokens';
  const line = frontierOf(points, isTokens).map(({ x, y }) => `${short(scales.x(x))},${short(scales.y(y))}`).join(' ');
  const placed = points.map((point) => ({ ...point, cx: scales.x(point.x), cy: scales.y(point.y), text: cutShort(shortName(state, point.schedule)) }));
  const labels = placeLabels(placed, { left: PLOT.left, right: scales.right, top: 0, bottom: scales.bottom + 4 });
  return svgEl('svg', { viewBox: `0 0 ${scales.width} ${scales.bottom + PLOT.bottom}`, role: 'group', 'aria-label': 'Recipes by cost and agreement' },
    svgEl('clipPath', { id: 'mpm-tradeoff-plot' }, svgEl('rect', { x: PLOT.left, y: 0, width: scales.right - PLOT.left, height: scales.bottom })),
    ...horizontalLines(scales.yTicks, scales.y, scales),
    ...horizontalTicks(scales, isTokens),
    svgEl('g', { 'clip-path': 'url(#mpm-tradeoff-plot)' }, ...curves.map((curve, i) => curveLine(curve, i, scales))),
    ...curves.map((curve, i) => curveName(curve, i, scales)),
    svgEl('polyline', { points: line, class: 'frontier' }),
    ...placed.map((point, i) => tradeoffPoint(state, point, labels[i], actions)));
}

const curveLine = ({ method, title, points }, i, { x, y }) =>
  svgEl('g', { class: `curve c${i % 6}`, 'data-method': method },
    svgEl('polyline', { points: points.map((one) => `${short(x(one.x))},${short(y(one.y))}`).join(' ') }),
    ...points.map((one) => svgEl('circle', { cx: x(one.x), cy: y(one.y), r: 3 },
      svgEl('title', {}, `${title}: ${percent(one.x)} of the tokens, ${agreementText(one.y)} of the pixels agree`))));

// In a column at the lower right, where good recipes are not.
const curveName = ({ title }, i, { right, bottom }) => svgEl('g', { class: `curve-name c${i % 6}` },
  svgEl('line', { x1: right - 16, x2: right, y1: bottom - 12 - i * 16, y2: bottom - 12 - i * 16 }),
  svgEl('text', { x: right - 21, y: bottom - 8 - i * 16 }, title));

function horizontalLines(ticks, place, { right }) {
  const text = percentText(ticks);
  return ticks.flatMap((value) => [
    svgEl('line', { x1: PLOT.left, x2: right, y1: place(value), y2: place(value), class: 'axis' }),
    svgEl('text', { x: PLOT.left - 6, y: place(value) + 4, class: 'tick-y' }, text(value)),
  ]);
}

function horizontalTicks({ x, xTicks, right, bottom }, isTokens) {
  const text = isTokens ? percentText(xTicks) : (value) => `${Number(value.toFixed(2))}×`;
  const name = isTokens ? 'patch tokens kept' : 'times as fast as without merging';
  return [
    ...xTicks.map((value) => svgEl('text', { x: x(value), y: bottom + 16, class: 'name' }, text(value))),
    svgEl('text', { x: (PLOT.left + right) / 2, y: bottom + PLOT.bottom - 5, class: 'name' }, name),
  ];
}

function tradeoffPoint(state, { schedule, x, y, cx, cy, text }, label, actions) {
  const cost = state.tradeoffAxis === 'tokens' ? `${percent(x, 1)} of the tokens` : `${x.toFixed(2)} times as fast`;
  const pick = () => actions.chooseSchedule(schedule);
  return svgEl('g', {
    class: 'point', tabindex: 0, role: 'button', 'data-point': schedule,
    'data-chosen': String(schedule === state.shown),
    'aria-label': `Recipe ${text}: ${cost}, ${agreementText(y)} agree`,
    onclick: pick,
    onkeydown: (event) => { if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); pick(); } },
  },
  svgEl('circle', { cx, cy, r: 14, class: 'reach' }),
  svgEl('circle', { cx, cy, r: schedule === state.shown ? 7 : 5 }),
  svgEl('text', { x: label.x, y: label.y, class: 'label' }, text),
  svgEl('title', {}, `${text}: ${cost}, ${agreementText(y)} of the pixels agree`));
}

function nothingYetText({ view, tradeoffAxis }) {
  if (tradeoffAxis === 'latency') return 'No speed is measured yet: each recipe that you choose is raced, and then stands here.';
  return view.runs.size < 2 ? 'The other recipes are being computed.' : 'The unmerged run is being computed.';
}

function tradeoffCaption({ tradeoffAxis, view }, curves) {
  if (tradeoffAxis === 'latency') return 'Right is faster, up is closer to the unmerged mask. Only what was raced here stands here.';
  const axis = 'Left is less work, up is closer to the unmerged mask; the line joins the recipes that no other beats on both.';
  const { done, of } = view.curves ?? {};
  const others = curves.length ? ` Thin lines: other methods on this picture${done < of ? `, ${done} of ${of} so far` : ''}.` : '';
  return axis + others;
}
