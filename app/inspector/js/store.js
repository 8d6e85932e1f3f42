// The state of the inspector in one place. Changes of one frame are gathered, then drawn once.

import { PAPER_RULE } from '../../js/recipe.js';
import { lastStage } from './model.js';
import { ACTS } from './wish.js';

/** @param {State} initial */
export function createStore(initial) {
  /** @type {State} */
  const state = { ...initial };
  /** @type {{wanted: StateKey[], action: (state: State) => unknown}[]} */
  const listeners = [];
  const stats = { paints: 0, lastPaintMs: 0, messages: 0 };
  /** @type {Set<string>} */
  let changed = new Set();
  let frame = 0;

  /** @param {Changes} changes */
  function set(changes) {
    const own = /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (state));
    for (const [key, value] of Object.entries(changes)) {
      if (Object.is(own[key], value)) continue;
      own[key] = value;
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

  /** @param {StateKey[]} wanted @param {(state: State) => unknown} action */
  const on = (wanted, action) => listeners.push({ wanted, action });

  return { state, set, stats, on };
}

/** @type {(Layer & {name: LayerName, text: string, help: string})[]} */
export const LAYERS = [
  { name: 'picture', text: 'Picture', on: true, opacity: 1, help: 'The picture itself' },
  {
    name: 'groups',
    text: 'Groups',
    on: true,
    opacity: 0.85,
    help: 'Patches that are one token now, in their mean colour',
  },
  { name: 'outlines', text: 'Outlines', on: true, opacity: 0.6, help: 'Borders of the groups' },
  { name: 'links', text: 'Links', on: false, opacity: 1, help: 'Pairs that merged at this insertion' },
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
  { name: 'baseline', text: 'Unmerged mask', on: false, opacity: 0.6, help: 'Classes of the unmerged run' },
  { name: 'grid', text: 'Patch grid', on: false, opacity: 0.5, help: 'Borders of all patches' },
];

/** @param {(layer: (typeof LAYERS)[number]) => Layer} stateOf */
export const layersFrom = (stateOf) =>
  /** @type {State['layers']} */ (Object.fromEntries(LAYERS.map((layer) => [layer.name, stateOf(layer)])));

/** @type {PageFacts} */
const NO_PAGE = {
  title: '',
  models: [],
  model: null,
  examples: [],
  selected_example: null,
  groups: [],
  links: {},
  stops: [],
  first: false,
};

// page: what the page offers, as Python's `page_facts` tells it.
/** @param {Partial<PageFacts>} [page] @returns {Empty} */
export const initialState = (page = {}) => ({
  page: { ...NO_PAGE, ...page },
  generation: 0, // the person's acts in this tab
  acts: ACTS, // the generation of the latest act of each kind
  model: page.model ?? null, // the wanted model's name
  paces: {}, // how long a run of each model takes here, in words, as far as Python can tell
  source: page.selected_example ? { example: page.selected_example } : null, // where the wanted picture comes from
  pending: null, // a picture on its way: {src, title, patches, text, done, of, digest, generation}
  live: null, // the camera's latest frame, as long as it runs (see app/camera/js)
  cameraText: '', // what one waits for with the camera
  exploring: null, // of a view whose runs still come in: {done, of}
  queueing: null, // of a recipe that is not at hand: {text, done, of}
  notice: null, // one sentence: {text, kind}
  speeds: new Map(), // measured, by picture, model and recipe (see speed.js)
  linkWanted: null, // of a link, until its view is there: {link, recipe, problems}
  features: 0, // counts what was added to view.features
  modeBefore: null, // the chosen mask mode, where features took its place by themselves
  saving: [], // files that are being made
  view: null,
  runs: 0, // counts what was added to view.runs and view.curves
  schedule: null, // the recipe wanted
  method: PAPER_RULE, // the rule, with its arguments, of the slider's stops and of blocks added on the strip
  options: [], // of the recipe's options those with a checkbox, for stops and blocks chosen later
  shown: null, // drawn: the wanted one, or the last at hand while it is being computed
  stage: Infinity, // insertions applied; Infinity: all of them
  layers: layersFrom(({ on, opacity }) => ({ on, opacity })),
  hover: null,
  pinned: null,
  cursor: null, // the patch that the keyboard is on
  pixel: null, // the pixel of the masks under the pointer
  pointer: null, // {pane, x, y, isTouch}: where the tooltip stands
  focused: null, // the pane that the keyboard is on
  preview: null, // the pending picture, once the browser has decoded it
  maskMode: 'merged',
  split: 0.5,
  maskOpacity: 0.75,
  hiddenClasses: new Set(),
  focusClass: null,
  focusFlow: null,
  zoom: { scale: 1, x: 0.5, y: 0.5 },
  against: null, // what the shown recipe is put against: null (the unmerged run), {equal: rule} or {recipe}
  side: 'own', // whose merges are shown: 'own', or 'rival'
  heatWanted: false,
  heat: null,
  localityScope: 'stage',
  tradeoffAxis: 'tokens',
  methodsAlone: null, // the one method that the chart shows
  measuring: null, // the view whose methods are raced by hand
  tradeoffWidth: 460, // in pixels, within what the chart can use
  playing: false,
  frame: 0, // size or theme changed
});

// The run that is drawn: with a view it is always at hand.
/**
 * @overload
 * @param {Shown} state
 * @returns {Run}
 */
/**
 * @overload
 * @param {State} state
 * @returns {Run | null}
 */
/** @param {State} state @returns {Run | null} */
export function shownRun({ view, shown }) {
  return (shown !== null && view?.runs.get(shown)) || null;
}

/** @param {State} state */
export const baselineRun = (state) => state.view?.runs.get(state.view.baseline) ?? null;
/** @param {Shown} state */
export const shownStage = (state) => Math.min(state.stage, lastStage(shownRun(state)));
/** @param {Pick<State, 'pinned' | 'hover' | 'cursor'>} state */
export const activePatch = (state) => state.pinned ?? state.hover ?? state.cursor;
/** @param {State} state */
export const isPending = (state) => Boolean(state.view) && state.schedule !== state.shown;

// Whether the similarity map at hand is of what is shown and pinned.
/** @param {Shown} state */
export function heatApplies(state) {
  const { heat, heatWanted, pinned, shown } = state;
  const wanted = heat !== null && heatWanted && heat.patch === pinned;
  return wanted && heat.schedule === shown && heat.stage === shownStage(state);
}
