// Numbers as text, and ratios on a scale, shared by the live view and the device cards.

import { recipeName } from '../../js/recipe.js';
import { clamp, svgEl } from '../../js/util.js';

export const LAT_SCHEMA = 3;
export const BASELINE_NAME = 'none';

/** @param {number} value */
export const ratioText = (value) => `${value.toFixed(2)}×`;
// runtime: its title, empty where there is only one.
/** @param {{schedule: string, runtime?: string}} of */
export const contenderName = ({ schedule, runtime }) =>
  (schedule === BASELINE_NAME ? 'baseline' : `merged at ${recipeName(schedule)}`) + (runtime ? ` in ${runtime}` : '');

// A ratio's dot and interval on a scale of ratios that always holds 1.
/** @param {Wire.Triple} speedup @param {[number, number]} of @param {string} label */
export function whisker(speedup, [low, high], label) {
  const width = 150;
  /** @param {number} value */
  const x = (value) => 6 + ((clamp(value, low, high) - low) / (high - low)) * (width - 12);
  const [value, from, to] = speedup;
  return svgEl(
    'svg',
    { viewBox: `0 0 ${width} 20`, class: 'whisker', role: 'img', 'aria-label': label },
    svgEl('line', { x1: x(1), x2: x(1), y1: 0, y2: 20, class: 'one' }),
    svgEl('line', { x1: x(from), x2: Math.max(x(to), x(from) + 1), y1: 10, y2: 10, class: 'interval' }),
    svgEl('circle', { cx: x(value), cy: 10, r: 4, class: 'dot' }),
  );
}

/** @param {Wire.Triple[]} speedups @returns {[number, number]} */
export function ratioRange(speedups) {
  const ends = speedups.flatMap(([value, low, high]) => [value, low, high]);
  const low = Math.min(0.95, ...ends);
  const high = Math.max(1.05, ...ends);
  const pad = (high - low) * 0.08;
  return [low - pad, high + pad];
}

/** @param {Wire.Triple} of */
export const speedupWords = ([value, low, high]) =>
  `${value.toFixed(2)} times the baseline’s speed, 95 % interval ${low.toFixed(2)} to ${high.toFixed(2)}`;
