// One figure of speed for a picture, a model and a recipe, from races alone: with its interval and its runs.

import { blocksOf } from '../../js/recipe.js';
import { count } from '../../js/util.js';

/** @typedef {Pick<Wire.Contender, 'schedule' | 'ms' | 'speedup'>} Timed */

export const ENOUGH_RUNS = 7; // of each side: so many before a figure is told
const WHOLE_WAY = 'picture to mask';
const ENDED_STATES = ['done', 'stopped'];
const UNMERGED = 'none';

/** @param {string} viewKey @param {string} recipe */
export const speedKey = (viewKey, recipe) => `${viewKey}|${recipe}`;

/** @param {number[]} values */
const medianOf = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

// What was measured, with one more message of a race: a new map, or the same one.
/** @param {Speeds} speeds @param {Wire.RaceMessage} message */
export function takeRace(speeds, message) {
  if (message.kind === 'stopped') return stoppedAt(speeds, message.generation);
  if (message.kind !== 'race' || message.scope !== WHOLE_WAY) return speeds;
  const baseline = message.contenders.find(({ schedule }) => schedule === UNMERGED);
  if (!baseline) return speeds;
  const taken = new Map(speeds);
  for (const one of message.contenders) {
    if (one === baseline) continue;
    const key = speedKey(`${message.picture}-${message.model}`, one.schedule);
    const entry = entryOf(message, baseline, one, speeds.get(key));
    if (entry) taken.set(key, entry);
  }
  return taken;
}

/**
 * @param {Wire.Race} message
 * @param {Timed} baseline
 * @param {Timed} one
 * @param {Measured | undefined} before
 * @returns {Measured | null}
 */
function entryOf(message, baseline, one, before) {
  if (before && message.generation < before.generation) return null;
  if (before?.race === message.race && before.own.length > one.ms.length) return null; // overtaken on its way
  const runs = Math.min(one.ms.length, baseline.ms.length);
  return {
    race: message.race,
    generation: message.generation,
    state: message.state,
    runs,
    before: baseline.ms,
    own: one.ms,
    figure: figureOf(one, baseline, runs) ?? before?.figure ?? null,
  };
}

/** @param {Timed} timed @param {Timed} baseline @param {number} runs @returns {Figure | null} */
function figureOf({ speedup, ms }, baseline, runs) {
  if (!speedup || runs < ENOUGH_RUNS) return null;
  const [value, low, high] = speedup;
  return { value, low, high, runs, ownMs: medianOf(ms), beforeMs: medianOf(baseline.ms) };
}

// Of races that were started before: no more runs come.
/** @param {Speeds} speeds @param {number} generation @returns {Speeds} */
export function stoppedAt(speeds, generation) {
  /** @param {Measured} one */
  const isStopped = (one) => one.generation < generation && !ENDED_STATES.includes(one.state);
  return new Map([...speeds].map(([key, one]) => [key, isStopped(one) ? { ...one, state: 'stopped' } : one]));
}

// What is known of a recipe on the picture that is shown. kind: "baseline" (merges nothing), "unmeasured",
// "measuring", "held" (another visitor is served), "few" (a race ended too early) or "known".
// figure: {value, low, high, runs, ownMs, beforeMs} or
// null; before, own: milliseconds, run by run.
/** @param {Pick<State, 'view' | 'speeds'>} state @param {string | null} recipe @returns {Speed} */
export function speedOf({ view, speeds }, recipe) {
  const entry = view && recipe !== null ? speeds.get(speedKey(view.key, recipe)) : null;
  if (!blocksOf(recipe ?? UNMERGED).length)
    return { ...NOTHING_MEASURED, kind: 'baseline', before: view ? baselineRuns(speeds, view.key) : [] };
  if (!entry) return NOTHING_MEASURED;
  const { before, own, runs, figure, state } = entry;
  const kind = figure ? 'known' : (KIND_OF_STATE[state] ?? 'measuring');
  return { kind, before, own, runs, figure, isLive: !ENDED_STATES.includes(state), isHeld: state === 'held' };
}

/** @type {Partial<Record<RaceState, SpeedKind>>} */
const KIND_OF_STATE = { held: 'held', stopped: 'unmeasured', done: 'few' };
/** @type {Speed} */
export const NOTHING_MEASURED = {
  kind: 'unmeasured',
  before: [],
  own: [],
  runs: 0,
  figure: null,
  isLive: false,
  isHeld: false,
};

// The unmerged runs of the latest race on this picture.
/** @param {Speeds} speeds @param {string} viewKey */
function baselineRuns(speeds, viewKey) {
  const own = [...speeds].filter(([key]) => key.startsWith(`${viewKey}|`)).map(([, entry]) => entry);
  return own.sort((a, b) => b.generation - a.generation)[0]?.before ?? [];
}

// "1.42× faster here (1.31–1.52, 9 runs)"; slower and no difference are said as plainly.
/** @param {Pick<Speed, 'kind' | 'figure' | 'runs'>} speed */
export function speedText({ kind, figure, runs }) {
  if (figure && kind === 'known') return figureText(figure);
  if (kind === 'held') return heldText(runs);
  if (kind === 'measuring') return runs ? `measuring, ${Math.min(runs, ENOUGH_RUNS)} of ${ENOUGH_RUNS}` : 'measuring';
  if (kind === 'few') return `speed unknown: ${runs} of ${ENOUGH_RUNS} runs in time`;
  return kind === 'baseline' ? '' : 'not measured yet';
}

/** @param {Figure} figure */
function figureText({ value, low, high, runs }) {
  /** @param {number} number */
  const times = (number) => number.toFixed(2);
  if (low <= 1 && high >= 1) return `about as fast here (${times(low)}–${times(high)}×, ${count(runs, 'run')})`;
  return value > 1
    ? `${times(value)}× faster here (${times(low)}–${times(high)}, ${count(runs, 'run')})`
    : `${times(1 / value)}× slower here (${times(1 / high)}–${times(1 / low)}, ${count(runs, 'run')})`;
}

// Before its first runs a race only waits, perhaps for this tab's own work.
/** @param {number} runs */
export const heldText = (runs) => `${runs ? 'paused' : 'waiting'} for another visitor`;

// For files: null where nothing is known.
/** @param {Pick<State, 'view' | 'speeds'>} state @param {string} recipe */
export function speedLine(state, recipe) {
  const speed = speedOf(state, recipe);
  return speed.kind === 'known' ? speedText(speed) : null;
}

// After each run the median of all so far: how long a bar is while it fills.
/** @param {number[]} values */
export const runningMedian = (values) => (values.length ? medianOf(values) : 0);
