// The transparent canvas above: the group under the pointer, its links, and the reason where it did not merge.

import { CASING, lineThrough, strokeTwice } from './borders.js';
import { clamp } from '../../js/util.js';
import { stagePairs } from './merges.js';
import { colOf, historyOf, membersOf, rowOf } from './model.js';
import { activePatch, heatApplies, shownRun, shownStage } from './store.js';
import { cellsOn, patchBox, patchCentre } from './viewport.js';

/** @typedef {{colour: string, width: number, dash?: boolean, head?: number}} Arrow */

export const HOT = '#ff3d8b';

/** @param {Context} ctx @param {Shown} state @param {Rect} rect @param {boolean} veiled */
export function drawHighlight(ctx, state, rect, veiled) {
  const patch = activePatch(state);
  const run = shownRun(state);
  if (patch === null || !run) return;
  const scene = {
    view: state.view,
    run,
    rect,
    cell: cellsOn(state.view, rect),
    stage: shownStage(state),
    patch,
  };
  const members = membersOf(run.groups[scene.stage], patch);
  ctx.save();
  ctx.beginPath();
  ctx.rect(rect.x, rect.y, rect.w, rect.h);
  ctx.clip();
  if (veiled && !heatApplies(state)) drawVeil(ctx, scene, members);
  drawMembers(ctx, scene, members);
  if (veiled) drawReasons(ctx, scene);
  drawPatchRing(ctx, scene, patch, state.pinned !== null);
  // Beside a pinned patch the pointer still looks around.
  if (state.hover !== null && state.hover !== patch) drawPatchRing(ctx, scene, state.hover, false);
  ctx.restore();
}

/** @param {Context} ctx @param {Pick<Scene, 'view' | 'rect'>} scene @param {number[]} members */
export function drawVeil(ctx, { view, rect }, members) {
  const hole = new Path2D();
  hole.rect(rect.x, rect.y, rect.w, rect.h);
  for (const member of members) {
    const box = patchBox(view, rect, member);
    hole.rect(box.x, box.y, box.w, box.h);
  }
  ctx.fillStyle = 'rgba(8, 10, 22, 0.36)';
  ctx.fill(hole, 'evenodd');
}

/** @param {Context} ctx @param {Pick<Scene, 'view' | 'cell'>} scene @param {number[]} members */
export function drawMembers(ctx, { view, cell }, members) {
  const inside = new Set(members);
  ctx.beginPath();
  for (const member of members) borderOf(ctx, { view, cell }, member, inside);
  strokeTwice(ctx, 2, '#ffffff', 2);
}

// The sides of a patch at which its group ends.
/**
 * @param {Context} ctx
 * @param {Pick<Scene, 'view' | 'cell'>} scene
 * @param {number} patch
 * @param {Set<number>} inside
 */
function borderOf(ctx, { view, cell }, patch, inside) {
  const row = rowOf(view, patch);
  const col = colOf(view, patch);
  const x = cell.x + col * cell.w;
  const y = cell.y + row * cell.h;
  if (!inside.has(patch - view.cols)) lineThrough(ctx, x, y, cell.w, 0);
  if (!inside.has(patch + view.cols)) lineThrough(ctx, x, y + cell.h, cell.w, 0);
  if (col === 0 || !inside.has(patch - 1)) lineThrough(ctx, x, y, 0, cell.h);
  if (col === view.cols - 1 || !inside.has(patch + 1)) lineThrough(ctx, x + cell.w, y, 0, cell.h);
}

// Links of the group up to the stage shown; where the last step found no partner, who was preferred.
/** @param {Context} ctx @param {Scene & {patch: number}} scene */
function drawReasons(ctx, { view, run, rect, cell, stage, patch }) {
  const group = run.groups[stage][patch];
  ctx.lineCap = 'round';
  for (let k = 0; k < stage; k += 1) {
    for (const pair of stagePairs(run, k)) {
      if (run.groups[stage][pair.from] === group) {
        drawArrow(ctx, view, rect, pair.from, pair.to, { colour: HOT, width: k === stage - 1 ? 3 : 2 });
      }
    }
  }
  if (stage === 0) return;
  const last = historyOf(view, run, patch)[stage - 1];
  const head = clamp(Math.min(cell.w, cell.h) * 0.45, 4, 11);
  const { nearest, rival } = last;
  if (nearest === undefined) return;
  const dashed = { width: 2, dash: true, head };
  if (last.kind === 'preferred' || last.kind === 'unpaired')
    drawArrow(ctx, view, rect, last.self, nearest, { colour: '#ffffff', ...dashed });
  if (last.kind === 'preferred' && rival !== undefined)
    drawArrow(ctx, view, rect, nearest, rival, { colour: '#ffd34d', ...dashed });
}

/**
 * @param {Context} ctx
 * @param {View} view
 * @param {Rect} rect
 * @param {number} from
 * @param {number} to
 * @param {Arrow} arrow
 */
export function drawArrow(ctx, view, rect, from, to, { colour, width, dash = false, head = 0 }) {
  const a = patchCentre(view, rect, from);
  const b = patchCentre(view, rect, to);
  ctx.setLineDash(dash ? [4, 4] : []);
  ctx.beginPath();
  lineThrough(ctx, a.x, a.y, b.x - a.x, b.y - a.y);
  ctx.strokeStyle = CASING;
  ctx.lineWidth = width + 2;
  ctx.stroke();
  ctx.strokeStyle = colour;
  ctx.lineWidth = width;
  ctx.stroke();
  ctx.setLineDash([]);
  if (head) drawHead(ctx, a, b, head, colour);
}

/** @param {Context} ctx @param {Point} a @param {Point} b @param {number} size @param {string} colour */
function drawHead(ctx, a, b, size, colour) {
  const angle = Math.atan2(b.y - a.y, b.x - a.x);
  ctx.beginPath();
  ctx.moveTo(b.x + Math.cos(angle) * size * 0.5, b.y + Math.sin(angle) * size * 0.5);
  for (const side of [2.5, -2.5]) ctx.lineTo(b.x + Math.cos(angle + side) * size, b.y + Math.sin(angle + side) * size);
  ctx.closePath();
  ctx.fillStyle = colour;
  ctx.strokeStyle = CASING;
  ctx.lineWidth = 1;
  ctx.fill();
  ctx.stroke();
}

/** @param {Context} ctx @param {Pick<Scene, 'view' | 'rect'>} scene @param {number} patch @param {boolean} pinned */
export function drawPatchRing(ctx, { view, rect }, patch, pinned) {
  const box = patchBox(view, rect, patch);
  ctx.beginPath();
  ctx.rect(box.x, box.y, box.w, box.h);
  strokeTwice(ctx, pinned ? 3 : 2, HOT, 2);
}
