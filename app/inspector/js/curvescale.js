// The numbers of the trade-off chart: methods as curves, their frontier, and scales. Pure functions.

import { storedIn, ticksBetween } from '../../js/util.js';
import { familyOf, ruleName } from './against.js';
import { compareClasses, keptShare } from './model.js';
import { speedKey } from './speed.js';

/** @typedef {{view: Pick<View, 'key' | 'runs' | 'curves' | 'classes' | 'rules' | 'schedules'>, speeds: Speeds}} ChartState */
/** @typedef {{method: string, points: {y: number}[]}[]} Heights */

export const SMALLER = 'smaller-picture';
const OWN = 'own'; // recipes of one's own making that no single rule stands for

const MAIN_TICKS = 4;
const BAND_TICKS = 1;
const STEPS = [1, 2, 2.5, 5, 10]; // quarters suit shares
const REACH = 1.6; // how far below the best method the main part follows others, in that method's own spread
const PAD = 0.08;
const LEAST_REACH = 0.002; // of the axis, where all agree

// [{method, title, points: [{schedule, kept, agreement, speed, isOnLine}], leftOut}]: those of the message, with the
// runs at hand among them. speed: {value, low, high, runs} or null; isOnLine: a step of the method's own strengths.
/** @param {ChartState} state @returns {Method[]} */
export function methodsOf({ view, speeds }) {
  const methods = new Map(
    (view.curves?.curves ?? []).map(({ method, title, points, left_out: leftOut }) => [
      method,
      {
        method,
        title: titleOf(view, method, title),
        points: new Map(points.map((one) => [one.schedule, { ...one, isOnLine: true }])),
        leftOut,
      },
    ]),
  );
  for (const run of view.runs.values()) {
    if (!run.agreement || !run.stages.length) continue;
    const name = familyOf(run.schedule) ?? OWN;
    const { points } =
      methods.get(name) ??
      storedIn(methods, name, {
        method: name,
        title: titleOf(view, name, 'Several rules'),
        points: new Map(),
        leftOut: null,
      });
    if (!points.has(run.schedule))
      points.set(run.schedule, { ...pointOf(run, view.classes), isOnLine: view.schedules.includes(run.schedule) });
  }
  /** @param {CurvePoint & {isOnLine: boolean}} point @returns {MethodPoint} */
  const withSpeed = (point) => ({ ...point, speed: speeds.get(speedKey(view.key, point.schedule))?.figure ?? null });
  return [...methods.values()].map((one) => ({ ...one, points: [...one.points.values()].map(withSpeed) }));
}

/** @param {Run} run @param {Class[]} classes */
const pointOf = (run, classes) => ({
  schedule: run.schedule,
  kept: keptShare(run),
  agreement: compareClasses(run.agreement ?? [], classes).agreement,
});

/** @param {Pick<View, 'rules'>} view @param {string} method @param {string} title */
function titleOf(view, method, title) {
  const rule = view.rules.find(({ name }) => name === method);
  return rule ? ruleName(rule) : title;
}

// The same with places on the chart: x is a share of tokens, or times as fast with its interval.
/** @param {Method[]} methods @param {'tokens' | 'latency'} axis @returns {Method<PlacedPoint>[]} */
export function placedMethods(methods, axis) {
  /** @param {MethodPoint} point @returns {PlacedPoint | null} */
  const place = (point) => {
    if (axis === 'tokens') return { ...point, x: point.kept, y: point.agreement };
    const { speed } = point;
    return speed && { ...point, x: speed.value, low: speed.low, high: speed.high, y: point.agreement };
  };
  return methods
    .map((one) => ({
      ...one,
      points: one.points
        .map(place)
        .filter((point) => point !== null)
        .sort((a, b) => b.x - a.x),
    }))
    .filter(({ points }) => points.length);
}

// Points that no other beats on both axes, from the best agreement on.
/** @template {Pick<PlacedPoint, 'x' | 'y'>} P @param {P[]} points @param {boolean} isLessBetter @returns {P[]} */
export function frontierOf(points, isLessBetter) {
  let best = -Infinity;
  const sorted = [...points].sort((a, b) => (isLessBetter ? a.x - b.x : b.x - a.x) || b.y - a.y);
  return sorted.filter(({ y }) => {
    const better = y > best;
    best = Math.max(best, y);
    return better;
  });
}

// A share of the chart's height for what agrees far less than the method that the page is about, where there is such.
// Gives {low, split, high}: from `split` to `high` is the main part; split === low where no band is needed.
/** @param {Heights} methods @param {string} main */
export function bandsOf(methods, main) {
  const all = methods.flatMap(({ points }) => points.map(({ y }) => y));
  const own = methods.find(({ method }) => method === main)?.points.map(({ y }) => y) ?? all;
  const [lowest, ownLow] = [Math.min(...all), Math.min(...(own.length ? own : all))];
  const spread = Math.max(1 - ownLow, 1e-3);
  const high = 1 + spread * PAD;
  const main_ = ownLow - spread * REACH;
  const floor = Math.min(lowest - (high - lowest) * PAD, 1 - LEAST_REACH); // masks of one class always agree
  if (lowest >= main_) return { low: floor, split: floor, high };
  const inside = all.filter((y) => y >= main_);
  const split = Math.min(...inside) - spread * PAD;
  return { low: lowest - Math.max((split - lowest) * PAD, 1e-3), split, high };
}

// From values to pixels. plot: {left, right, top, main, band, gap}: heights of the main part, and of the lower one.
/** @param {Method<PlacedPoint>[]} methods @param {string} main @param {Plot} plot @param {number[]} [extra] */
export function chartScales(methods, main, plot, extra = []) {
  const xs = [...methods.flatMap(({ points }) => points.flatMap(({ x, low = x, high = x }) => [low, high])), ...extra];
  const [x0, x1] = padded(Math.min(...xs), Math.max(...xs));
  const bands = bandsOf(methods, main);
  const isSplit = bands.split > bands.low;
  const foot = plot.top + plot.main;
  const upper = linear(bands.split, bands.high, foot, plot.top);
  const lower = linear(bands.low, bands.split, foot + plot.gap + plot.band, foot + plot.gap);
  return {
    ...plot,
    isSplit,
    foot,
    bottom: isSplit ? foot + plot.gap + plot.band : foot,
    x: linear(x0, x1, plot.left, plot.right),
    xTicks: ticksBetween(x0, x1, MAIN_TICKS, STEPS),
    /** @param {number} value */
    y: (value) => (value >= bands.split ? upper(value) : lower(value)),
    yTicks: ticksBetween(bands.split, 1, MAIN_TICKS, STEPS),
    bandTicks: isSplit ? bandTicks(bands) : [],
  };
}

// One or two round numbers that lie within the band and not at its edges.
/** @param {{low: number, split: number}} given */
function bandTicks({ low, split }) {
  const edge = (split - low) * 0.12;
  /** @param {number[]} ticks */
  const inside = (ticks) => ticks.filter((value) => value > low + edge && value < split - edge);
  return (
    [BAND_TICKS, 2, 3].map((many) => inside(ticksBetween(low, split, many, STEPS))).find((ticks) => ticks.length) ?? []
  );
}

/** @param {number} low @param {number} high @returns {[number, number]} */
function padded(low, high) {
  const pad = Math.max((high - low) * PAD, 1e-3);
  return [low - pad, high + pad];
}

/**
 * @param {number} low
 * @param {number} high
 * @param {number} from
 * @param {number} to
 * @returns {(value: number) => number}
 */
const linear = (low, high, from, to) => (value) => from + ((value - low) / (high - low)) * (to - from);

export const MOST_RIVALS = 8;

// What is worth measuring: the frontier, from its best agreement on, then of each other method what is nearest to the
// shown share of tokens. What was measured already is left out, and so are random pairs, which nobody would run.
/** @param {Method[]} methods @param {number} kept @param {number} [most] @returns {string[]} */
export function worthMeasuring(methods, kept, most = MOST_RIVALS) {
  const sensible = methods.filter(({ method }) => method !== 'random');
  /** @param {MethodPoint[]} points */
  const unknown = (points) => points.filter(({ speed }) => !speed);
  const frontier = frontierOf(
    sensible.flatMap(({ points }) => points.map((one) => ({ ...one, x: one.kept, y: one.agreement }))),
    true,
  );
  /** @param {MethodPoint} point */
  const off = (point) => Math.abs(point.kept - kept);
  const nearest = sensible.flatMap(({ points }) => {
    const own = unknown(points);
    return own.length ? [own.reduce((best, one) => (off(one) < off(best) ? one : best))] : [];
  });
  const spread = everyFew(unknown(frontier), Math.ceil(most / 2));
  return [...new Set([...spread, ...nearest].map(({ schedule }) => schedule))].slice(0, most);
}

/** @template T @param {T[]} list @param {number} wanted @returns {T[]} */
function everyFew(list, wanted) {
  if (list.length <= wanted) return list;
  return Array.from({ length: wanted }, (_, i) => list[Math.round((i * (list.length - 1)) / (wanted - 1))]);
}
