// What one merge does, as a film on the merges: the tokens' grid, each token points at its nearest, those that
// found each other light up, and partners flow together into their mean colour while the counter rolls down.

import { CASING, lineThrough } from './borders.js';
import { storedIn, NONE } from '../../js/util.js';
import { stagePairs } from './merges.js';
import { groupColours } from './model.js';
import { cssColour } from './ramps.js';
import { shownRun } from './store.js';
import { patchCell, patchCentre } from './viewport.js';

/** @typedef {{view: View, rect: Rect, run: Run, stage: Stage, motion: Motion}} Film */

/** @type {[Moment['phase'], number][]} */
const PHASES = [
  ['grid', 500],
  ['nearest', 1000],
  ['found', 900],
  ['flow', 1000],
]; // milliseconds
const LIT = '#ff3d8b';
const FAINT = 0.28;

// {phase, share} so long after a merge began; null when it is over.
/** @param {number} elapsedMs @returns {Moment | null} */
export function phaseAt(elapsedMs) {
  let left = elapsedMs;
  for (const [phase, length] of PHASES) {
    if (left < length) return { phase, share: left / length };
    left -= length;
  }
  return null;
}

// Tokens left while they flow together.
/** @param {Motion} motion @param {Pick<Run, 'tokenCounts'>} run */
export function countAt({ phase, share, stage }, { tokenCounts }) {
  const [before, after] = [tokenCounts[stage - 1], tokenCounts[stage]];
  return phase === 'flow' ? Math.round(before + (after - before) * share) : before;
}

/** @type {Partial<Record<Moment['phase'], string>>} */
const WORDS = {
  nearest: ': each looks for its nearest',
  found: ': these found each other',
  flow: ': they become one',
};
/** @param {Pick<Motion, 'phase'>} motion */
export const wordsOf = ({ phase }) => WORDS[phase] ?? '';

/** @param {Context} ctx @param {Shown} state @param {Rect} rect */
export function drawMotion(ctx, state, rect) {
  const { view, motion } = state;
  const run = shownRun(state);
  const stage = motion && run.stages[motion.stage - 1];
  if (!stage) return;
  ctx.save();
  ctx.beginPath();
  ctx.rect(rect.x, rect.y, rect.w, rect.h);
  ctx.clip();
  PAINTERS[motion.phase](ctx, { view, rect, run, stage, motion });
  ctx.restore();
}

/** @type {Record<Moment['phase'], (ctx: Context, film: Film) => void>} */
const PAINTERS = {
  grid: (ctx, scene) => drawGrid(ctx, scene, scene.motion.share),
  nearest: (ctx, scene) => {
    drawGrid(ctx, scene, 1);
    drawPointers(ctx, scene, scene.motion.share, 0.9);
  },
  found: (ctx, scene) => {
    drawPointers(ctx, scene, 1, 0.9 - (0.9 - FAINT) * scene.motion.share);
    drawFound(ctx, scene, scene.motion.share);
  },
  flow: (ctx, scene) => drawFlow(ctx, scene, easeOf(scene.motion.share)),
};

/** @param {number} share */
const easeOf = (share) => share * share * (3 - 2 * share);

// One square a token, at the patch that stands for it.
/** @param {Context} ctx @param {Film} film @param {number} strength */
function drawGrid(ctx, { view, rect, stage }, strength) {
  ctx.globalAlpha = 0.55 * strength;
  ctx.strokeStyle = '#ffffff';
  ctx.lineWidth = 0.75;
  ctx.beginPath();
  for (const place of stage.position) {
    const { x, y, w, h } = patchCell(view, rect, place);
    ctx.rect(x, y, w, h);
  }
  ctx.stroke();
}

// From each token towards its nearest, as far as they have grown.
/** @param {Context} ctx @param {Film} film @param {number} grown @param {number} strength */
function drawPointers(ctx, { view, rect, stage }, grown, strength) {
  ctx.globalAlpha = strength;
  ctx.beginPath();
  stage.nearest.forEach((nearest, token) => {
    if (nearest === NONE) return;
    const a = patchCentre(view, rect, stage.position[token]);
    const b = patchCentre(view, rect, stage.position[nearest]);
    lineThrough(ctx, a.x, a.y, (b.x - a.x) * 0.8 * grown, (b.y - a.y) * 0.8 * grown);
  });
  ctx.lineCap = 'round';
  ctx.strokeStyle = CASING;
  ctx.lineWidth = 2.6;
  ctx.stroke();
  ctx.strokeStyle = '#ffffff';
  ctx.lineWidth = 1.2;
  ctx.stroke();
}

/** @param {Context} ctx @param {Film} film @param {number} strength */
function drawFound(ctx, { view, rect, run, motion }, strength) {
  ctx.globalAlpha = strength;
  ctx.lineCap = 'round';
  ctx.beginPath();
  for (const { from, to } of stagePairs(run, motion.stage - 1)) {
    const a = patchCentre(view, rect, from);
    const b = patchCentre(view, rect, to);
    lineThrough(ctx, a.x, a.y, b.x - a.x, b.y - a.y);
  }
  ctx.strokeStyle = CASING;
  ctx.lineWidth = 4.4;
  ctx.stroke();
  ctx.strokeStyle = LIT;
  ctx.lineWidth = 2.6;
  ctx.stroke();
}

// Both partners move to the middle between them and turn into the colour of what they become.
/** @param {Context} ctx @param {Film} film @param {number} share */
function drawFlow(ctx, { view, rect, run, motion }, share) {
  const groups = run.groups[motion.stage];
  const colours = coloursOf(view, run, motion.stage);
  for (const { from, to } of stagePairs(run, motion.stage - 1)) {
    const [a, b] = [patchCell(view, rect, from), patchCell(view, rect, to)];
    const group = groups[from] * 3;
    ctx.fillStyle = cssColour([colours[group], colours[group + 1], colours[group + 2]]);
    ctx.globalAlpha = 0.35 + 0.65 * share;
    const [dx, dy] = [((b.x - a.x) / 2) * share, ((b.y - a.y) / 2) * share];
    ctx.fillRect(a.x + dx, a.y + dy, a.w, a.h);
    ctx.fillRect(b.x - dx, b.y - dy, b.w, b.h);
    ctx.globalAlpha = 1;
    ctx.lineWidth = 1.2;
    ctx.strokeStyle = LIT;
    ctx.strokeRect(a.x + dx, a.y + dy, a.w, a.h);
    ctx.strokeRect(b.x - dx, b.y - dy, b.w, b.h);
  }
}

/** @param {View} view @param {Run} run @param {number} stage */
function coloursOf(view, run, stage) {
  const made = (run.colours ??= new Map());
  return made.get(stage) ?? storedIn(made, stage, groupColours(view, run.groups[stage]));
}
