// Files made in the browser: the picture as drawn, a vector figure, the run's numbers.

import { eachBorder, groupBorder, outlineWidth } from './borders.js';
import { clamp, contextOf, el, nodeIn, svgEl } from '../../js/util.js';
import { SCHEMA } from './decode.js';
import { drawMerges } from './merges.js';
import { colOf, groupColours, pairsOf, rowOf } from './model.js';
import { cssColour, linkColour, similarityScale } from './ramps.js';
import { speedOf } from './speed.js';
import { shownRun, shownStage } from './store.js';
import { cellsOn, groundColour, patchCentre } from './viewport.js';

const EXPORT_SIDE_PX = 2048;

const FROM_PYTHON = [
  ['figure-png', 'Figure for papers, PNG', 'Photo, merges and both masks with their figures, 300 dpi'],
  ['figure-svg', 'Figure, SVG', 'The same figure as vectors'],
  ['figure-pdf', 'Figure, PDF', 'The same figure for a paper'],
  ['mask', 'Mask, PNG', 'Indexed, at full size'],
  ['npz', 'Merge map, NPZ', 'Arrays of every insertion'],
  ['report', 'Report, JSON', 'Model, recipe, tokens, device'],
  ['python', 'Python', 'The few lines that repeat this run'],
];

/** @param {Ui} ui @param {Store} store @param {Actions} actions */
export function mountDownloads(ui, store, actions) {
  const { state } = store;
  /** @param {string} text @param {string} title @param {(state: Shown) => unknown} save */
  const made = (text, title, save) =>
    el(
      'button',
      { type: 'button', class: 'plain', title, onclick: () => state.view && whileBusy(text, () => save(state), store) },
      text,
    );
  const own = [
    made('Overlay, PNG', 'The merges as drawn, without the highlight', (now) =>
      savePng(now, groundColour(ui.mergeStage)),
    ),
    made('Overlay, SVG', 'Groups and links as vectors over the picture', saveSvg),
    made('Run, JSON', 'Who merged with whom, at every insertion', saveJson),
  ];
  const asked = FROM_PYTHON.map(([what, text, title]) => ({
    what,
    node: el(
      'button',
      { type: 'button', class: 'plain', title, 'data-save': what, onclick: () => actions.save(what) },
      text,
    ),
  }));
  ui.downloads.append(...asked.map(({ node }) => node), ...own);
  ui.saveMenu?.addEventListener('click', () => showTakeaway(ui));
  store.on(['view', 'pending', 'saving'], ({ view, pending, saving }) => {
    for (const node of own) node.disabled = !view || Boolean(pending);
    for (const { what, node } of asked) {
      node.hidden = !view?.can.has(what);
      node.disabled = !view || Boolean(pending);
      const isBusy = saving.includes(what);
      node.toggleAttribute('data-busy', isBusy);
      node.setAttribute('aria-busy', String(isBusy));
    }
    ui.downloadCaption.textContent = saving.length
      ? 'The file is being made…'
      : 'Made from what you see now: picture, recipe, stage and layers.';
  });
}

/** @param {string} name @param {() => unknown} save @param {Store} store */
async function whileBusy(name, save, { state, set }) {
  set({ saving: [...state.saving, name] });
  await new Promise(requestAnimationFrame);
  await Promise.resolve(save()).finally(() => set({ saving: state.saving.filter((one) => one !== name) }));
}

/** @param {Ui} ui */
function showTakeaway(ui) {
  const box = ui.takeaway ?? ui.downloads;
  const isCalm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  box.scrollIntoView({ behavior: isCalm ? 'auto' : 'smooth', block: 'nearest' });
  nodeIn(box, 'button:not([hidden])')?.focus({ preventScroll: true });
}

/** @param {Shown} state */
function fileStem(state) {
  const name = (state.view.title || 'picture').replace(/[^\w-]+/g, '-').slice(0, 40);
  return `${name}_${state.shown.replaceAll(',', '-')}_stage${shownStage(state)}`;
}

/** @param {Blob} blob @param {string} name */
export function saveBlob(blob, name) {
  const url = URL.createObjectURL(blob);
  el('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** @param {Shown} state @param {string} ground */
async function savePng(state, ground) {
  saveBlob(await renderPng(state, ground), `${fileStem(state)}.png`);
}

// The same painters on a larger canvas, always the whole picture.
/** @param {Shown} state @param {string} ground @returns {Promise<Blob>} */
async function renderPng(state, ground) {
  const { view } = state;
  const factor = EXPORT_SIDE_PX / Math.max(view.width, view.height);
  const rect = {
    x: 0,
    y: 0,
    w: Math.round(view.width * factor),
    h: Math.max(1, Math.round(view.height * factor)),
  };
  const canvas = el('canvas', { width: rect.w, height: rect.h });
  drawMerges(contextOf(canvas), state, rect, ground);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('the picture is too large'))), 'image/png');
  });
}

/** @param {Shown} state */
function saveSvg(state) {
  saveBlob(new Blob([svgText(state)], { type: 'image/svg+xml' }), `${fileStem(state)}.svg`);
}

/** @param {Shown} state */
function svgText(state) {
  const { view, layers } = state;
  const run = shownRun(state);
  const rect = { x: 0, y: 0, w: view.width, h: view.height };
  const scene = { view, run, rect, stage: shownStage(state), cell: cellsOn(view, rect) };
  const parts = [
    layers.picture.on
      ? svgEl('image', {
          href: view.src,
          width: rect.w,
          height: rect.h,
          preserveAspectRatio: 'none',
          opacity: layers.picture.opacity,
        })
      : null,
    layers.groups.on ? svgGroups(scene, layers.groups.opacity) : null,
    layers.outlines.on ? svgOutlines(scene, layers.outlines.opacity) : null,
    layers.links.on ? svgLinks(scene, layers.links.opacity) : null,
  ];
  const root = svgEl(
    'svg',
    { viewBox: `0 0 ${rect.w} ${rect.h}`, width: rect.w, height: rect.h },
    svgEl('title', {}, `${view.title || 'Merges'}, schedule ${run.schedule}, stage ${scene.stage}`),
    svgEl('clipPath', { id: 'picture' }, svgEl('rect', { width: rect.w, height: rect.h })),
    svgEl('g', { 'clip-path': 'url(#picture)' }, ...parts),
  );
  return new XMLSerializer().serializeToString(root);
}

/** @param {number} number */
export const short = (number) => String(Math.round(number * 100) / 100);

/** @param {Scene} scene @param {number} opacity */
function svgGroups({ view, run, stage, cell }, opacity) {
  const groups = run.groups[stage];
  const colours = groupColours(view, groups);
  const paths = new Map();
  for (let patch = 0; patch < view.size; patch += 1) {
    if (run.sizes[stage][groups[patch]] < 2) continue;
    const [x, y] = [cell.x + colOf(view, patch) * cell.w, cell.y + rowOf(view, patch) * cell.h];
    const d = `M${short(x)} ${short(y)}h${short(cell.w)}v${short(cell.h)}h${short(-cell.w)}z`;
    paths.set(groups[patch], (paths.get(groups[patch]) ?? '') + d);
  }
  return svgEl(
    'g',
    { opacity },
    ...[...paths].map(([group, d]) =>
      svgEl('path', {
        d,
        fill: cssColour([colours[group * 3], colours[group * 3 + 1], colours[group * 3 + 2]]),
        'data-group': group,
      }),
    ),
  );
}

/** @param {Scene} scene @param {number} opacity */
function svgOutlines(scene, opacity) {
  let d = '';
  eachBorder(scene, groupBorder(scene), (x, y, dx, dy) => {
    d += `M${short(x)} ${short(y)}l${short(dx)} ${short(dy)}`;
  });
  const width = outlineWidth(scene.cell);
  return svgEl(
    'g',
    { opacity, fill: 'none', 'stroke-linecap': 'square' },
    svgEl('path', { d, stroke: '#0a0c18', 'stroke-width': width + 1 }),
    svgEl('path', { d, stroke: '#ffffff', 'stroke-width': width }),
  );
}

/** @param {Scene} scene @param {number} opacity */
function svgLinks({ view, run, stage, rect, cell }, opacity) {
  if (stage === 0) return null;
  const scale = similarityScale();
  const width = clamp(cell.w * 0.16, 1.2, 5);
  return svgEl(
    'g',
    { opacity, 'stroke-linecap': 'round', 'stroke-width': short(width) },
    ...pairsOf(run.stages[stage - 1]).map((pair) => {
      const a = patchCentre(view, rect, pair.from);
      const b = patchCentre(view, rect, pair.to);
      return svgEl('line', {
        x1: short(a.x),
        y1: short(a.y),
        x2: short(b.x),
        y2: short(b.y),
        stroke: linkColour(scale, pair.similarity),
      });
    }),
  );
}

/** @param {Shown} state */
function saveJson(state) {
  saveBlob(new Blob([JSON.stringify(runRecord(state))], { type: 'application/json' }), `${fileStem(state)}.json`);
}

/** @param {Iterable<number>} values */
const plain = (values) => Array.from(values, (value) => (Number.isFinite(value) ? value : null));

// What races measured here, in milliseconds; null before there are enough runs.
/** @param {Pick<Shown, 'view' | 'speeds'>} state @param {string} recipe */
function speedRecord(state, recipe) {
  const { figure } = speedOf(state, recipe);
  if (!figure) return null;
  const { value, low, high, runs, ownMs, beforeMs } = figure;
  return { speedup: value, interval_95: [low, high], runs, median_ms: ownMs, baseline_median_ms: beforeMs };
}

/** @param {Pick<Shown, 'view' | 'shown'> & {speeds?: Speeds}} state */
export function runRecord({ view, shown, speeds }) {
  const run = view.runs.get(shown);
  if (!run) throw new Error(`there is no run ${shown}`);
  return {
    schema: `${SCHEMA}/run`,
    title: view.title,
    image_wh_px: [view.fullWidth, view.fullHeight],
    grid: { rows: view.rows, cols: view.cols },
    schedule: run.schedule,
    token_counts: run.tokenCounts,
    speed: speeds ? speedRecord({ view, speeds }, shown) : null,
    groups: run.groups.map(plain),
    stages: run.stages.map((stage) => ({
      block: stage.block,
      index: plain(stage.index),
      nearest: plain(stage.nearest),
      partner: plain(stage.partner),
      similarity: plain(stage.similarity),
      position: plain(stage.position),
    })),
  };
}
