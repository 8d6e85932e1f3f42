// The state of the inspector in one place. Changes of one frame are gathered, then drawn once.

import { PAPER_RULE } from '../../js/recipe.js';
import { lastStage } from './model.js';

export function createStore(initial) {
  const state = { ...initial };
  const listeners = [];
  const stats = { paints: 0, lastPaintMs: 0 };
  let changed = new Set();
  let frame = 0;

  function set(changes) {
    for (const [key, value] of Object.entries(changes)) {
      if (Object.is(state[key], value)) continue;
      state[key] = value;
      changed.add(key);
    }
    if (changed.size && !frame) frame = requestAnimationFrame(flush);
  }

  function flush() {
    const started = performance.now();
    const keys = changed;
    changed = new Set();
    frame = 0;
    for (const { wanted, action } of listeners) if (wanted.some((key) => keys.has(key))) action(state);
    stats.paints += 1;
    stats.lastPaintMs = performance.now() - started;
  }

  return { state, set, stats, on: (wanted, action) => listeners.push({ wanted, action }) };
}

export const LAYERS = [
  { name: 'picture', text: 'Picture', on: true, opacity: 1, help: 'The picture itself' },
  {
    name: 'groups',
    text: 'Groups',
    on: true,
    opacity: 0.85,
    help: 'Patches that are one token now, in their mean colour',
  },
  { name: 'outlines', text: 'Outlines', on: true, opacity: 0.75, help: 'Borders of the groups' },
  { name: 'links', text: 'Links', on: true, opacity: 1, help: 'Pairs that merged at this insertion' },
  {
    name: 'size',
    text: 'Group size',
    on: false,
    opacity: 0.7,
    help: 'How many patches each token stands for',
  },
  {
    name: 'similarity',
    text: 'Similarity',
    on: false,
    opacity: 0.75,
    help: 'Cosine similarity of each token to its nearest',
  },
  { name: 'mask', text: 'Mask', on: false, opacity: 0.6, help: 'Classes of the merged run' },
  { name: 'baseline', text: 'Baseline mask', on: false, opacity: 0.6, help: 'Classes of the unmerged run' },
  { name: 'grid', text: 'Patch grid', on: false, opacity: 0.5, help: 'Borders of all patches' },
];

export const initialState = () => ({
  view: null,
  runs: 0, // counts what was added to view.runs, timings included
  schedule: null, // the recipe wanted
  method: PAPER_RULE, // the rule, with its arguments, of the slider's stops and of blocks added on the strip
  options: [], // of the recipe's options those with a checkbox, for stops and blocks chosen later
  shown: null, // drawn: the wanted one, or the last at hand while it is being computed
  stage: Infinity, // insertions applied; Infinity: all of them
  layers: Object.fromEntries(LAYERS.map(({ name, on, opacity }) => [name, { on, opacity }])),
  hover: null,
  pinned: null,
  cursor: null, // the patch that the keyboard is on
  pixel: null, // the pixel of the masks under the pointer
  maskMode: 'compare',
  split: 0.5,
  maskOpacity: 0.75,
  hiddenClasses: new Set(),
  focusClass: null,
  focusFlow: null,
  zoom: { scale: 1, x: 0.5, y: 0.5 },
  heatWanted: false,
  heat: null,
  localityScope: 'stage',
  tradeoffAxis: 'tokens',
  tradeoffWidth: 460, // in pixels, within what the chart can use
  playing: false,
  frame: 0, // size or theme changed
});

export const shownRun = (state) => state.view?.runs.get(state.shown) ?? null;
export const baselineRun = (state) => state.view?.runs.get(state.view.baseline) ?? null;
export const shownStage = (state) => Math.min(state.stage, lastStage(shownRun(state)));
export const activePatch = (state) => state.pinned ?? state.hover ?? state.cursor;
export const isPending = (state) => Boolean(state.view) && state.schedule !== state.shown;

// Whether the similarity map at hand is of what is shown and pinned.
export function heatApplies(state) {
  const { heat, heatWanted, pinned, shown } = state;
  const wanted = heat !== null && heatWanted && heat.patch === pinned;
  return wanted && heat.schedule === shown && heat.stage === shownStage(state);
}
