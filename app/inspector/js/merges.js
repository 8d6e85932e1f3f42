// The Merges canvas: layers from the bottom up. Everything takes a context and a rectangle, so that the same
// code draws the page and the download.

import { CASING, groupBorder, lineThrough, paintBorders } from './borders.js';
import { clamp, contextOf, count } from '../../js/util.js';
import { maskBitmap, plainPalette } from './bitmaps.js';
import { groupColours, mergesPairs, pairsOf, patchesOutside, tokensOutside, whereMerged } from './model.js';
import { largestGroup, linkColour, rampColour, scaleShare, similarityScale, sizeShare } from './ramps.js';
import { baselineRun, heatApplies, shownRun, shownStage } from './store.js';
import { cellsOn, patchCentre } from './viewport.js';

/** @param {Context} ctx @param {Shown} state @param {Rect} rect @param {string} ground */
export function drawMerges(ctx, state, rect, ground) {
  const view = state.view;
  const run = shownRun(state);
  const scene = { view, run, stage: shownStage(state), rect, cell: cellsOn(view, rect) };
  ctx.save();
  ctx.beginPath();
  ctx.rect(rect.x, rect.y, rect.w, rect.h);
  ctx.clip();
  ctx.fillStyle = ground;
  ctx.fillRect(rect.x, rect.y, rect.w, rect.h);
  for (const name of LAYER_ORDER) {
    const layer = state.layers[name];
    if (!layer.on || layer.opacity === 0) continue;
    ctx.globalAlpha = layer.opacity;
    LAYER_PAINTERS[name](ctx, scene, state);
  }
  ctx.restore();
  drawPatchHeat(ctx, scene, state);
}

// From the bottom up.
export const LAYER_ORDER = /** @type {LayerName[]} */ ([
  'picture',
  'baseline',
  'mask',
  'groups',
  'size',
  'similarity',
  'grid',
  'outlines',
  'links',
]);

export const LAYER_PAINTERS = {
  /** @param {Context} ctx @param {Pick<Scene, 'view' | 'rect'>} scene */
  picture: (ctx, { view, rect }) => {
    ctx.imageSmoothingEnabled = rect.w < view.width * 4;
    ctx.drawImage(fittedPicture(ctx, view, rect), rect.x, rect.y, rect.w, rect.h);
  },
  /** @param {Context} ctx @param {Scene} scene @param {Shown} state */
  baseline: (ctx, scene, state) => paintMaskLayer(ctx, scene, baselineRun(state)),
  /** @param {Context} ctx @param {Scene} scene */
  mask: (ctx, scene) => paintMaskLayer(ctx, scene, scene.run),
  /** @param {Context} ctx @param {Scene<Painted, Gridded>} scene */
  groups: (ctx, scene) =>
    paintCells(
      ctx,
      scene,
      remembered(scene.run, `groups${scene.stage}`, () => groupCells(scene)),
    ),
  /** @param {Context} ctx @param {Scene} scene */
  size: (ctx, scene) =>
    paintCells(
      ctx,
      scene,
      remembered(scene.run, `size${scene.stage}`, () => sizeCells(scene)),
    ),
  /** @param {Context} ctx @param {Scene} scene */
  similarity: (ctx, scene) => {
    if (scene.stage > 0) {
      paintCells(
        ctx,
        scene,
        remembered(scene.run, `similarity${scene.stage}`, () => similarityCells(scene)),
      );
    }
  },
  grid: paintGrid,
  outlines: paintOutlines,
  links: paintLinks,
};

// Bitmaps that depend on run and stage alone are made once.
/** @template T @param {{bitmaps?: Map<string, unknown>}} run @param {string} key @param {() => T} make @returns {T} */
function remembered(run, key, make) {
  const made = (run.bitmaps ??= new Map());
  if (!made.has(key)) made.set(key, make());
  return /** @type {T} */ (made.get(key));
}

// The picture at the size it has on the canvas, kept: scaling it anew would cost a third of a repaint.
/** @param {Context} ctx @param {Gridded} view @param {Rect} rect */
function fittedPicture(ctx, view, rect) {
  const ratio = ctx.getTransform().a;
  const [width, height] = [Math.round(rect.w * ratio), Math.round(rect.h * ratio)];
  if (width >= view.width || width < 1 || height < 1) return view.picture;
  if (view.fitted?.width !== width || view.fitted.height !== height) {
    view.fitted = new OffscreenCanvas(width, height);
    const fitted = contextOf(view.fitted);
    fitted.imageSmoothingQuality = 'high';
    fitted.drawImage(view.picture, 0, 0, width, height);
  }
  return view.fitted;
}

/** @param {Context} ctx @param {Pick<Scene, 'view' | 'rect'>} scene @param {Run | null} run */
function paintMaskLayer(ctx, { view, rect }, run) {
  if (!run) return;
  ctx.imageSmoothingEnabled = false;
  ctx.drawImage(
    remembered(run, 'mask', () => maskBitmap(view, run.labels, plainPalette(view))),
    rect.x,
    rect.y,
    rect.w,
    rect.h,
  );
}

// A bitmap of one pixel a patch, drawn with hard edges over the whole grid.
/** @param {GridShape} view @param {(patch: number) => ArrayLike<number> | null} colourOf */
export function cellBitmap(view, colourOf) {
  const canvas = new OffscreenCanvas(view.cols, view.rows);
  const image = new ImageData(view.cols, view.rows);
  for (let patch = 0; patch < view.size; patch += 1) {
    const colour = colourOf(patch);
    if (colour) image.data.set([colour[0], colour[1], colour[2], 255], patch * 4);
  }
  contextOf(canvas).putImageData(image, 0, 0);
  return canvas;
}

/** @param {Context} ctx @param {{view: GridShape, cell: Rect}} given @param {OffscreenCanvas} bitmap */
export function paintCells(ctx, { view, cell }, bitmap) {
  ctx.imageSmoothingEnabled = false;
  ctx.drawImage(bitmap, cell.x, cell.y, cell.w * view.cols, cell.h * view.rows);
}

// Only patches that merged are filled: the others keep their texture.
/** @param {Scene<Painted, Gridded>} scene */
function groupCells({ view, run, stage }) {
  const groups = run.groups[stage];
  const sizes = run.sizes[stage];
  const colours = groupColours(view, groups);
  return cellBitmap(view, (patch) => {
    const group = groups[patch];
    return sizes[group] > 1 ? [colours[group * 3], colours[group * 3 + 1], colours[group * 3 + 2]] : null;
  });
}

/** @param {Scene} scene */
function sizeCells({ view, run, stage }) {
  const largest = largestGroup(run);
  return cellBitmap(view, (patch) => {
    const size = run.sizes[stage][run.groups[stage][patch]];
    return size > 1 ? rampColour('plasma', sizeShare(size, largest)) : null;
  });
}

// Similarity as the stage's insertion saw it, on every patch of each of its input tokens.
/** @param {Scene} scene */
function similarityCells({ view, run, stage }) {
  const scale = similarityScale();
  const { similarity } = run.stages[stage - 1];
  const token = run.tokens[stage - 1];
  return cellBitmap(view, (patch) => {
    const value = similarity[token[patch]];
    return Number.isFinite(value) ? rampColour('viridis', scaleShare(scale, value)) : null;
  });
}

/** @param {Context} ctx @param {Scene} scene */
function paintGrid(ctx, scene) {
  paintBorders(ctx, scene, () => true, '#ffffff');
}

/** @param {Context} ctx @param {Scene<Painted, Gridded>} scene */
function paintOutlines(ctx, scene) {
  paintBorders(ctx, scene, groupBorder(scene), '#ffffff');
}

// Each link is stroked by itself: one path with all of them takes twice as long to rasterise.
/** @param {Context} ctx @param {Scene} scene */
function paintLinks(ctx, scene) {
  const { run, stage, cell } = scene;
  if (stage === 0) return;
  const scale = similarityScale();
  const width = clamp(Math.min(cell.w, cell.h) * 0.16, 1.2, 5);
  const pairs = stagePairs(run, stage - 1);
  ctx.lineCap = 'round';
  ctx.strokeStyle = CASING;
  ctx.lineWidth = width + 1.6;
  for (const pair of pairs) strokeLink(ctx, scene, pair);
  ctx.lineWidth = width;
  for (const pair of pairs) {
    ctx.strokeStyle = linkColour(scale, pair.similarity);
    strokeLink(ctx, scene, pair);
  }
}

/** @param {Run} run @param {number} k */
export const stagePairs = (run, k) => remembered(run, `pairs${k}`, () => pairsOf(run.stages[k]));

/** @param {Context} ctx @param {Scene} scene @param {Pair} pair */
function strokeLink(ctx, { view, rect }, { from, to }) {
  const a = patchCentre(view, rect, from);
  const b = patchCentre(view, rect, to);
  ctx.beginPath();
  lineThrough(ctx, a.x, a.y, b.x - a.x, b.y - a.y);
  ctx.stroke();
}

// The answer of Python to "how similar is this patch to all others".
/** @param {Context} ctx @param {Scene} scene @param {Shown} state */
function drawPatchHeat(ctx, scene, state) {
  const { heat } = state;
  if (!heat || !heatApplies(state)) return;
  heat.bitmap ??= cellBitmap(scene.view, (patch) =>
    Number.isFinite(heat.values[patch]) ? rampColour('viridis', scaleShare(heat.scale, heat.values[patch])) : null,
  );
  ctx.save();
  ctx.beginPath();
  ctx.rect(scene.rect.x, scene.rect.y, scene.rect.w, scene.rect.h);
  ctx.clip();
  ctx.globalAlpha = 0.88;
  paintCells(ctx, scene, heat.bitmap);
  ctx.restore();
}

// One line that says what one is looking at.
/** @param {Shown} state */
export function mergeCaption(state) {
  const run = shownRun(state);
  const stage = shownStage(state);
  if (state.heat && heatApplies(state))
    return state.heat.caption || 'Cosine similarity of the pinned patch to every other patch.';
  const [patches] = run.tokenCounts;
  if (!run.stages.length) return 'Nothing merges: every patch stays a token of its own.';
  const beyond = patchesOutside(state.view);
  if (stage === 0)
    return `Before any merge: ${patches} patches, ${beyond ? `${beyond} of them outside` : 'each a token of its own'}.`;
  const tokens = run.tokenCounts[stage];
  const after = `after the merge ${whereMerged(run, run.blocks[stage - 1])}`;
  const gone = run.tokenCounts[stage - 1] - tokens;
  if (!gone) return `Still ${tokens} tokens ${after}: no two came together.`;
  const links = state.layers.links.on ? ` ${linksText(run.stages[stage - 1], gone)}` : '';
  const outside = remembered(run, `outside${stage}`, () => tokensOutside(state.view, run.groups[stage]));
  const shape = outside ? `, ${outside} of them outside.` : ': an outlined shape is one.';
  return `${tokens} tokens ${after}${shape}${links}`;
}

/** @param {Stage} stage @param {number} gone */
const linksText = (stage, gone) =>
  mergesPairs(stage)
    ? `Lines join the ${count(gone, 'pair')} of this merge.`
    : `Lines lead from the ${count(gone, 'token')} that joined others in this merge.`;
