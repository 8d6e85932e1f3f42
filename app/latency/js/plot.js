// The live plot on a canvas: points, running medians, and the middle 80 % of the runs so far.

import { contextOf, ticksBetween } from '../../js/util.js';

/** @typedef {ReturnType<typeof plotScales>} PlotScales */

const MARGIN = { left: 52, right: 14, top: 14, bottom: 34 };
const LEAST_RUNS = 5;
// One slow run must not press all others flat: what lies above this many 90th percentiles is drawn at the edge.
const CEILING = 1.5;

/** @param {number[]} sorted @param {number} share */
const rank = (sorted, share) => {
  const place = (sorted.length - 1) * share;
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
};

// After each run: median, p10 and p90 of all runs so far.
/** @param {number[]} values */
function runningRanks(values) {
  /** @type {number[]} */
  const sorted = [];
  return values.map((value) => {
    let place = sorted.findIndex((other) => other > value);
    if (place < 0) place = sorted.length;
    sorted.splice(place, 0, value);
    return { median: rank(sorted, 0.5), low: rank(sorted, 0.1), high: rank(sorted, 0.9) };
  });
}

/** @param {Contender[]} contenders @param {number} width @param {number} height */
function plotScales(contenders, width, height) {
  const runs = Math.max(LEAST_RUNS, ...contenders.map(({ ms }) => ms.length));
  const highest = Math.max(...contenders.flatMap(({ ms }) => ms), 0);
  const usual = Math.max(...contenders.map(({ summary }) => (summary ? summary.p90 : 0)), 0);
  const top = Math.min(highest * 1.08, usual * CEILING) || 1;
  const inner = { width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
  return {
    runs,
    top,
    /** @param {number} run */
    x: (run) => MARGIN.left + ((run - 0.5) / runs) * inner.width,
    /** @param {number} ms */
    y: (ms) => MARGIN.top + (1 - Math.min(ms, top) / top) * inner.height,
    bottom: MARGIN.top + inner.height,
    right: MARGIN.left + inner.width,
  };
}

/** @param {HTMLCanvasElement} canvas @param {Contender[]} contenders @param {Theme} theme */
export function drawPlot(canvas, contenders, theme) {
  const { clientWidth: width, clientHeight: height } = canvas;
  if (!width || !height) return false;
  const ratio = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  const pen = contextOf(canvas);
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  const scales = plotScales(contenders, width, height);
  pen.font = `12px ${getComputedStyle(canvas).fontFamily}`;
  drawAxes(pen, scales, theme);
  contenders.forEach(({ ms, place, isThere }) => drawContender(pen, ms, scales, theme.tints[place], isThere));
  return true;
}

/** @param {Context} pen @param {PlotScales} scales @param {Theme} theme */
function drawAxes(pen, scales, theme) {
  pen.lineWidth = 1;
  pen.strokeStyle = theme.line;
  pen.fillStyle = theme.ink;
  pen.textBaseline = 'middle';
  pen.textAlign = 'right';
  for (const ms of ticksBetween(0, scales.top, 5)) {
    const y = Math.round(scales.y(ms)) + 0.5;
    pen.beginPath();
    pen.moveTo(MARGIN.left, y);
    pen.lineTo(scales.right, y);
    pen.stroke();
    pen.fillText(String(ms), MARGIN.left - 8, y);
  }
  pen.textAlign = 'center';
  pen.textBaseline = 'top';
  for (const run of ticksBetween(1, scales.runs, 6)) {
    if (Number.isInteger(run)) pen.fillText(String(run), scales.x(run), scales.bottom + 6);
  }
  pen.textAlign = 'left';
  pen.fillText('ms', 8, 6);
  pen.textAlign = 'right';
  pen.fillText('run', scales.right, scales.bottom + 19);
}

// isHollow: of another runtime than the page's own.
/**
 * @param {Context} pen
 * @param {number[]} values
 * @param {PlotScales} scales
 * @param {string} colour
 * @param {boolean} isHollow
 */
function drawContender(pen, values, scales, colour, isHollow) {
  if (!values.length) return;
  const ranks = runningRanks(values);
  pen.fillStyle = colour;
  pen.strokeStyle = colour;
  if (values.length > 1) {
    pen.globalAlpha = 0.16;
    pen.beginPath();
    ranks.forEach(({ high }, place) => pen.lineTo(scales.x(place + 1), scales.y(high)));
    [...ranks].reverse().forEach(({ low }, place) => pen.lineTo(scales.x(ranks.length - place), scales.y(low)));
    pen.fill();
    pen.globalAlpha = 1;
    pen.lineWidth = 2;
    pen.setLineDash(isHollow ? [6, 4] : []);
    pen.beginPath();
    ranks.forEach(({ median }, place) => pen.lineTo(scales.x(place + 1), scales.y(median)));
    pen.stroke();
    pen.setLineDash([]);
  }
  pen.globalAlpha = 0.75;
  pen.lineWidth = 1.3;
  values.forEach((ms, place) => drawRun(pen, scales.x(place + 1), scales.y(ms), ms > scales.top, isHollow));
  pen.globalAlpha = 1;
}

/** @param {Context} pen @param {number} x @param {number} y @param {boolean} beyond @param {boolean} isHollow */
function drawRun(pen, x, y, beyond, isHollow) {
  pen.beginPath();
  if (beyond) {
    pen.moveTo(x - 4, y + 6);
    pen.lineTo(x, y - 1);
    pen.lineTo(x + 4, y + 6);
    pen.closePath();
  } else pen.arc(x, y, 2.6, 0, 2 * Math.PI);
  if (isHollow) pen.stroke();
  else pen.fill();
}
