// The trade-off of this picture: what each schedule keeps or costs against how far its mask agrees with the
// baseline. Choosing a point moves the slider. The random-pairs control, at the same counts, agrees so much
// less that it has a band of its own below: on one scale the schedules would all lie on the upper edge.

import { recipeName } from '../../js/recipe.js';
import { agreementText, choice, clamp, percent, svgEl, ticksBetween } from '../../js/util.js';
import { short } from './downloads.js';
import { placeLabels } from './labels.js';
import { compareClasses } from './model.js';
import { shortName } from './named.js';
import { cutShort, milliseconds } from './schedule.js';

const PLOT = { widths: [280, 460], left: 48, right: 14, top: 18, bottom: 38, main: 196, gap: 18, band: 44 };
const TICKS = 4;
const STEPS = [1, 2, 2.5, 5, 10]; // quarters suit shares

export function mountTradeoff(ui, store, actions) {
  const show = choice(ui.tradeoffAxis, 'Horizontal axis', (value) => store.set({ tradeoffAxis: value }));
  store.on(['view', 'runs', 'shown', 'tradeoffAxis', 'tradeoffWidth'], (state) => {
    if (!state.view) return;
    show([{ value: 'tokens', text: 'Tokens kept' }, { value: 'latency', text: 'Latency' }], state.tradeoffAxis);
    showTradeoff(ui, state, actions);
  });
  // Drawn about as wide as it is shown, so that its letters are as large as all others.
  new ResizeObserver(([{ contentRect }]) => {
    if (contentRect.width) store.set({ tradeoffWidth: Math.round(clamp(contentRect.width, ...PLOT.widths)) });
  }).observe(ui.tradeoff);
}

function showTradeoff(ui, state, actions) {
  const points = tradeoffPoints(state);
  const controls = state.tradeoffAxis === 'tokens' ? controlPoints(state) : [];
  if (points.length < 2) {
    ui.tradeoff.replaceChildren();
    ui.tradeoffCaption.textContent = 'The other schedules are being computed.';
    return;
  }
  ui.tradeoff.replaceChildren(tradeoffFigure(state, points, controls, actions));
  ui.tradeoffCaption.textContent = tradeoffCaption(state, points, controls);
}

function tradeoffPoints(state) {
  return [...state.view.runs.values()].flatMap((run) => {
    const x = state.tradeoffAxis === 'tokens' ? run.tokenCounts.at(-1) / run.tokenCounts[0] : run.timing?.median_ms;
    if (x === undefined || !run.agreement) return [];
    const { agreement } = compareClasses(run.agreement, state.view.classes);
    return [{ schedule: run.schedule, x, y: agreement, estimated: Boolean(run.timing?.estimated) }];
  }).sort((a, b) => a.x - b.x || b.y - a.y);
}

// The empty schedule merges nothing, so drawing its pairs at random changes nothing.
const controlPoints = (state) => Object.entries(state.view.controls ?? {})
  .filter(([schedule]) => schedule !== state.view.baseline)
  .map(([schedule, { kept, agreement }]) => ({ schedule, x: kept, y: agreement }));

// Points that no other beats on both axes: walking to the right, each must agree better than all before.
function frontierOf(points) {
  let best = -Infinity;
  return points.filter(({ y }) => { const better = y > best; best = Math.max(best, y); return better; });
}

// From values to places, for both parts of the figure: `y` in the main one, `yBand` in the controls' band.
function tradeoffScales(points, controls, width) {
  const [x0, x1] = padded([...points, ...controls].map(({ x }) => x), 1e-6);
  const [low] = padded(points.map(({ y }) => y), 1e-3);
  const high = 1 + (1 - low) * 0.06;
  const mainBottom = PLOT.top + PLOT.main;
  const bottom = mainBottom + (controls.length ? PLOT.gap + PLOT.band : 0);
  const scales = {
    width, bottom, mainBottom, right: width - PLOT.right,
    x: linear(x0, x1, PLOT.left, width - PLOT.right), xTicks: ticksBetween(x0, x1, TICKS, STEPS),
    y: linear(low, high, mainBottom, PLOT.top), yTicks: ticksBetween(low, 1, TICKS, STEPS),
  };
  if (!controls.length) return scales;
  const [bandLow, bandHigh] = padded(controls.map(({ y }) => y), 0.01);
  const yBand = linear(bandLow, bandHigh, bottom, mainBottom + PLOT.gap);
  return { ...scales, yBand, bandTicks: ticksBetween(bandLow, bandHigh, 3, STEPS) };
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

function tradeoffFigure(state, points, controls, actions) {
  const scales = tradeoffScales(points, controls, state.tradeoffWidth);
  const tokens = state.tradeoffAxis === 'tokens';
  const line = frontierOf(points).map(({ x, y }) => `${short(scales.x(x))},${short(scales.y(y))}`).join(' ');
  const placed = points.map((point) => ({ ...point, cx: scales.x(point.x), cy: scales.y(point.y), text: cutShort(shortName(state, point.schedule)) }));
  const labels = placeLabels(placed, { left: PLOT.left, right: scales.right, top: 0, bottom: scales.mainBottom + 4 });
  return svgEl('svg', { viewBox: `0 0 ${scales.width} ${scales.bottom + PLOT.bottom}`, role: 'group', 'aria-label': 'Schedules by cost and agreement' },
    ...horizontalLines(scales.yTicks, scales.y, scales),
    ...(controls.length ? controlBand(controls, scales) : []),
    ...horizontalTicks(scales, tokens),
    svgEl('polyline', { points: line, class: 'frontier' }),
    ...placed.map((point, i) => tradeoffPoint(state, point, labels[i], actions)));
}

function horizontalLines(ticks, place, { right }) {
  const text = percentText(ticks);
  return ticks.flatMap((value) => [
    svgEl('line', { x1: PLOT.left, x2: right, y1: place(value), y2: place(value), class: 'axis' }),
    svgEl('text', { x: PLOT.left - 6, y: place(value) + 4, class: 'tick-y' }, text(value)),
  ]);
}

function horizontalTicks({ x, xTicks, right, bottom }, tokens) {
  const text = tokens ? percentText(xTicks) : milliseconds;
  return [
    ...xTicks.map((value) => svgEl('text', { x: x(value), y: bottom + 16, class: 'name' }, text(value))),
    svgEl('text', { x: (PLOT.left + right) / 2, y: bottom + PLOT.bottom - 5, class: 'name' }, tokens ? 'patch tokens kept' : 'latency, ms'),
  ];
}

function controlBand(controls, scales) {
  const top = scales.mainBottom + PLOT.gap / 2;
  return [
    svgEl('rect', { x: PLOT.left, y: top, width: scales.right - PLOT.left, height: scales.bottom - top, rx: 4, class: 'band' }),
    ...horizontalLines(scales.bandTicks, scales.yBand, scales),
    ...controls.map(({ schedule, x, y }) => svgEl('circle', { cx: scales.x(x), cy: scales.yBand(y), r: 4, class: 'control' },
      svgEl('title', {}, `random pairs at ${recipeName(schedule)}: ${agreementText(y)} agree`))),
    svgEl('text', { x: scales.right - 6, y: scales.bottom - 6, class: 'band-name' }, 'random pairs'),
  ];
}

function tradeoffPoint(state, { schedule, x, y, estimated, cx, cy, text }, label, actions) {
  const tokens = state.tradeoffAxis === 'tokens';
  const cost = tokens ? `${percent(x, 1)} of the tokens` : `${milliseconds(x)} ms${estimated ? ', estimated' : ''}`;
  const pick = () => actions.chooseSchedule(schedule);
  return svgEl('g', {
    class: 'point', tabindex: 0, role: 'button', 'data-point': schedule,
    'data-chosen': String(schedule === state.shown), 'data-estimated': String(estimated && !tokens),
    'aria-label': `Schedule ${text}: ${cost}, ${agreementText(y)} agree`,
    onclick: pick,
    onkeydown: (event) => { if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); pick(); } },
  },
  svgEl('circle', { cx, cy, r: 14, class: 'reach' }),
  svgEl('circle', { cx, cy, r: schedule === state.shown ? 7 : 5 }),
  svgEl('text', { x: label.x, y: label.y, class: 'label' }, text),
  svgEl('title', {}, `${text}: ${cost}, ${agreementText(y)} of the pixels agree`));
}

function tradeoffCaption(state, points, controls) {
  const axis = state.tradeoffAxis === 'tokens'
    ? 'Left is less work, up is closer to the baseline’s mask; the line joins the schedules that no other beats on both.'
    : 'Left is faster. Hollow points are estimates from one shared sweep; measuring turns them solid.';
  return controls.length ? `${axis} Grey, on a scale of its own: as many pairs, drawn at random.` : axis;
}
