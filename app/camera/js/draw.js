// The three panes while the camera runs: small bitmaps of the frame's size, scaled up.

import { maskBitmap, plainPalette } from '../../inspector/js/bitmaps.js';
import { LAYER_PAINTERS } from '../../inspector/js/merges.js';
import { cellsOn, pictureRect } from '../../inspector/js/viewport.js';

/** @typedef {Scene<Painted, Gridded>} LiveScene */

const UNZOOMED = { scale: 1, x: 0.5, y: 0.5 };
const GROUPS_STRENGTH = 0.85;
const OUTLINES_STRENGTH = 0.6;

/** @typedef {State & {live: Live & LiveFrame}} Answered */
/** @type {Record<PaneName, (ctx: Context, scene: LiveScene, state: Answered) => void>} */
const LIVE_PAINTERS = {
  merge: (ctx, scene) => {
    ctx.globalAlpha = GROUPS_STRENGTH;
    LAYER_PAINTERS.groups(ctx, scene);
    ctx.globalAlpha = OUTLINES_STRENGTH;
    LAYER_PAINTERS.outlines(ctx, scene);
  },
  baseline: (ctx, scene, { live, maskOpacity }) => drawLiveMask(ctx, scene, 'baseline', live.unmerged, maskOpacity),
  mask: (ctx, scene, { live, maskOpacity }) => drawLiveMask(ctx, scene, 'mask', live.run.labels, maskOpacity),
};

// name: of the pane, as in panes.js. Before the first answer the frame stands there alone.
/** @param {Context} ctx @param {PaneName} name @param {Sized} sized @param {State & {live: Live}} state */
export function drawLive(ctx, name, { width, height }, state) {
  const { live } = state;
  const { view } = live;
  const rect = pictureRect(view, width, height, UNZOOMED);
  ctx.save();
  ctx.beginPath();
  ctx.rect(rect.x, rect.y, rect.w, rect.h);
  ctx.clip();
  ctx.drawImage(view.picture, rect.x, rect.y, rect.w, rect.h);
  if (live.run) {
    const scene = { view: live.view, run: live.run, stage: 0, rect, cell: cellsOn(live.view, rect) };
    LIVE_PAINTERS[name](ctx, scene, { ...state, live });
  }
  ctx.restore();
}

/** @type {Map<PaneName, Bitmap>} */
const bitmaps = new Map(); // of each pane, used again for the next frame

/**
 * @param {Context} ctx
 * @param {LiveScene} scene
 * @param {PaneName} name
 * @param {Labels} labels
 * @param {number} opacity
 */
function drawLiveMask(ctx, { view, rect }, name, labels, opacity) {
  const before = bitmaps.get(name);
  const canvas = before?.width === view.width && before.height === view.height ? before : null;
  const bitmap = maskBitmap(view, labels, plainPalette(view), canvas);
  bitmaps.set(name, bitmap);
  ctx.imageSmoothingEnabled = false;
  ctx.globalAlpha = opacity;
  ctx.drawImage(bitmap, rect.x, rect.y, rect.w, rect.h);
}

/** @type {Record<PaneName, (live: LiveFrame) => string>} */
const LIVE_CAPTIONS = {
  merge: ({ tokens }) => `${tokens[1]} tokens of this frame: an outlined shape is one.`,
  baseline: () => 'The same frame without merging.',
  mask: () => 'What the merged model sees in this frame.',
};

/** @param {PaneName} name @param {Live} live */
export const liveCaption = (name, live) =>
  live.run ? LIVE_CAPTIONS[name](live) : 'The camera’s first frame is being computed.';
