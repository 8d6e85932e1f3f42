// Borders between patches of different tokens, and other lines that must be seen on any picture.

import { clamp, NONE } from '../../js/util.js';

export const CASING = 'rgba(10, 12, 24, 0.75)';

/** @param {Context} ctx @param {number} x @param {number} y @param {number} dx @param {number} dy */
export function lineThrough(ctx, x, y, dx, dy) {
  ctx.moveTo(x, y);
  ctx.lineTo(x + dx, y + dy);
}

// White over a dark casing: visible on any picture.
/** @param {Context} ctx @param {number} width @param {string} colour @param {number} [casing] */
export function strokeTwice(ctx, width, colour, casing = 1) {
  ctx.lineCap = 'square';
  ctx.strokeStyle = CASING;
  ctx.lineWidth = width + casing;
  ctx.stroke();
  ctx.strokeStyle = colour;
  ctx.lineWidth = width;
  ctx.stroke();
}

// Whether two neighbouring patches belong to different tokens, one of them merged.
/** @param {Pick<Scene<Painted>, 'run' | 'stage'>} scene @returns {(a: number, b: number) => boolean} */
export function groupBorder({ run, stage }) {
  const groups = run.groups[stage];
  const sizes = run.sizes[stage];
  return (a, b) => groups[a] !== groups[b] && (sizes[groups[a]] > 1 || sizes[groups[b]] > 1);
}

/** @param {Rect} cell */
export const outlineWidth = (cell) => clamp(Math.min(cell.w, cell.h) * 0.08, 0.7, 2.4);

// Thin lines, so that hundreds of groups stay a picture: a dark side only where patches are large. Rectangles on
// whole device pixels instead of one stroked path: sharper, and twice as fast to rasterise.
/**
 * @param {Context} ctx
 * @param {Scene<Painted, Gridded>} scene
 * @param {(a: number, b: number) => boolean} apart
 * @param {string} colour
 */
export function paintBorders(ctx, scene, apart, colour) {
  const ratio = ctx.getTransform().a;
  const line = Math.max(1, Math.round(outlineWidth(scene.cell) * ratio)) / ratio;
  /** @param {number} value */
  const snap = (value) => Math.round(value * ratio) / ratio;
  /** @type {[number, number, number, number][]} */
  const lines = [];
  eachBorder(scene, apart, (x, y, dx, dy) =>
    lines.push([snap(x - line / 2), snap(y - line / 2), dx + line, dy + line]),
  );
  if (Math.min(scene.cell.w, scene.cell.h) > ROOMY_PX) {
    ctx.fillStyle = CASING;
    const edge = 1 / ratio;
    for (const [x, y, w, h] of lines) ctx.fillRect(x - edge, y - edge, w + 2 * edge, h + 2 * edge);
  }
  ctx.fillStyle = colour;
  for (const [x, y, w, h] of lines) ctx.fillRect(x, y, w, h);
}

const ROOMY_PX = 22; // sides of a patch from which two lines beside each other do not fill it

// Visits a line wherever two neighbouring patches are apart; straight runs are one line.
/**
 * @param {{view: GridShape, cell: Rect}} given
 * @param {(a: number, b: number) => boolean} apart
 * @param {(x: number, y: number, dx: number, dy: number) => void} visit
 */
export function eachBorder({ view, cell }, apart, visit) {
  for (let row = 1; row < view.rows; row += 1) {
    eachRun(
      view.cols,
      (col) => apart((row - 1) * view.cols + col, row * view.cols + col),
      (from, to) => visit(cell.x + from * cell.w, cell.y + row * cell.h, (to - from) * cell.w, 0),
    );
  }
  for (let col = 1; col < view.cols; col += 1) {
    eachRun(
      view.rows,
      (row) => apart(row * view.cols + col - 1, row * view.cols + col),
      (from, to) => visit(cell.x + col * cell.w, cell.y + from * cell.h, 0, (to - from) * cell.h),
    );
  }
}

/**
 * @param {number} length
 * @param {(place: number) => boolean} holds
 * @param {(from: number, to: number) => void} visit
 */
function eachRun(length, holds, visit) {
  let start = NONE;
  for (let i = 0; i <= length; i += 1) {
    const here = i < length && holds(i);
    if (here && start === NONE) start = i;
    if (!here && start !== NONE) {
      visit(start, i);
      start = NONE;
    }
  }
}
