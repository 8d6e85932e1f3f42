// Files made in the browser: the picture as drawn, a vector figure, the run's numbers.

import { clamp, el, svgEl } from '../../js/util.js';
import { SCHEMA } from './decode.js';
import { drawMerges, eachBorder, groupBorder, outlineWidth } from './merges.js';
import { colOf, groupColours, pairsOf, rowOf } from './model.js';
import { cssColour, linkColour, similarityScale } from './ramps.js';
import { shownRun, shownStage } from './store.js';
import { cellsOn, groundColour, patchCentre } from './viewport.js';

const EXPORT_SIDE_PX = 2048;

export function mountDownloads(ui, store, actions) {
  const button = (text, title, action) =>
    el('button', { type: 'button', class: 'plain', title, onclick: action }, text);
  const own = [
    button('Overlay, PNG', 'The merges as drawn, without the highlight', () =>
      savePng(store.state, groundColour(ui.mergeStage)),
    ),
    button('Figure, SVG', 'Groups and links as vectors over the picture', () => saveSvg(store.state)),
    button('Run, JSON', 'Who merged with whom, at every insertion', () => saveJson(store.state)),
  ];
  const fromPython = [
    ['mask', button('Mask, PNG', 'Indexed, at full size', () => actions.save('mask'))],
    ['npz', button('Merge map, NPZ', 'Arrays of every insertion', () => actions.save('npz'))],
    [
      'report',
      button('Report, JSON', 'Model, schedule, tokens, timings, device', () => actions.save('report')),
    ],
    ['python', button('Python', 'The few lines that repeat this run', () => actions.save('python'))],
  ];
  ui.downloads.append(...own, ...fromPython.map(([, node]) => node));
  store.on(['view'], ({ view }) => {
    if (!view) return;
    for (const [what, node] of fromPython) node.hidden = !view.can.has(what);
    ui.downloadCaption.textContent = 'Drawn from what you see now: schedule, stage and layers.';
  });
}

function fileStem(state) {
  const name = (state.view.title || 'picture').replace(/[^\w-]+/g, '-').slice(0, 40);
  return `${name}_${state.shown.replaceAll(',', '-')}_stage${shownStage(state)}`;
}

export function saveBlob(blob, name) {
  const url = URL.createObjectURL(blob);
  el('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

async function savePng(state, ground) {
  saveBlob(await renderPng(state, ground), `${fileStem(state)}.png`);
}

// The same painters on a larger canvas, always the whole picture.
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
  drawMerges(canvas.getContext('2d'), state, rect, ground);
  return new Promise((resolve) => {
    canvas.toBlob(resolve, 'image/png');
  });
}

function saveSvg(state) {
  saveBlob(new Blob([svgText(state)], { type: 'image/svg+xml' }), `${fileStem(state)}.svg`);
}

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

export const short = (number) => String(Math.round(number * 100) / 100);

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
        fill: cssColour([...colours.slice(group * 3, group * 3 + 3)]),
        'data-group': group,
      }),
    ),
  );
}

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

function svgLinks({ view, run, stage, rect, cell }, opacity) {
  if (stage === 0) return null;
  const scale = similarityScale(run);
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

function saveJson(state) {
  saveBlob(
    new Blob([JSON.stringify(runRecord(state))], { type: 'application/json' }),
    `${fileStem(state)}.json`,
  );
}

const plain = (values) => Array.from(values, (value) => (Number.isFinite(value) ? value : null));

export function runRecord({ view, shown }) {
  const run = view.runs.get(shown);
  return {
    schema: `${SCHEMA}/run`,
    title: view.title,
    image_wh_px: [view.fullWidth, view.fullHeight],
    grid: { rows: view.rows, cols: view.cols },
    schedule: run.schedule,
    token_counts: run.tokenCounts,
    timing: run.timing,
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
