// The slider of recipes and its stops, and the line of remarks.

import { keptShare } from './model.js';
import { blocksOf, mergesInside, PAPER_RULE, recipeName, ruleOf, withOptions, withRule } from '../../js/recipe.js';
import { el, percent, setStyle } from '../../js/util.js';
import { namedRecipe, shortName } from './named.js';
import { isPending, shownRun } from './store.js';

/** @typedef {{stop: string, at: number, chosen: boolean}} Stop */

// The presets, by the rule and options that are chosen, and at the end the recipe of the user's own making, if one is chosen.
/** @param {Shown} state */
function sliderStops(state) {
  const stops = presetStops(state);
  return stops.includes(state.schedule) ? stops : [...stops, state.schedule];
}

/** @param {Pick<Shown, 'view' | 'method' | 'options'>} state */
const presetStops = ({ view, method, options }) =>
  view.schedules.map((stop) => withOptions(withRule(stop, method), options));

// Rule and options stand beside the slider, so a stop need not repeat them.
/** @param {Shown} state @param {string} stop */
function stopName(state, stop) {
  if (presetStops(state).includes(stop)) return recipeName(presetOf(stop));
  if (namedRecipe(state, stop)) return shortName(state, stop);
  return cutShort(recipeName(ruleOf(stop) === state.method ? withRule(stop, PAPER_RULE) : stop));
}

// A stop's blocks alone, as the presets are written.
/** @param {string} stop */
const presetOf = (stop) => withOptions(withRule(stop, PAPER_RULE), []);

// How strong a stop is, in a word: the weakest and the strongest preset, and the paper's.
/** @param {Shown} state @param {string} stop */
function stopWord(state, stop) {
  if (!presetStops(state).includes(stop)) return isOwn(state, stop) ? 'yours' : null;
  const { view } = state;
  const preset = presetOf(stop);
  if (preset === view.paper) return 'paper';
  const merging = view.schedules.filter((one) => one !== view.baseline);
  if (preset === merging[0]) return 'light';
  return preset === merging.at(-1) ? 'strong' : null;
}

const LONGEST_NAME = 34;
/** @param {string} name */
export const cutShort = (name) => (name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name);

/** @param {Ui} ui @param {Store} store @param {Actions} actions */
export function mountSchedule(ui, store, actions) {
  const { state: now } = store;
  ui.range.addEventListener(
    'input',
    () => now.view && actions.chooseSchedule(sliderStops(now)[Number(ui.range.value)]),
  );
  store.on(['view', 'runs', 'schedule', 'shown', 'method', 'options'], (state) => {
    if (!state.view) return;
    showSlider(ui, state, actions);
    showStatus(ui, state);
  });
}

/** @param {Ui} ui @param {Shown} state @param {Actions} actions */
function showSlider(ui, state, actions) {
  const stops = sliderStops(state);
  const at = stops.indexOf(state.schedule);
  ui.range.max = String(stops.length - 1);
  ui.range.value = String(at);
  ui.range.setAttribute('aria-valuetext', stopText(state, state.schedule));
  setStyle(ui.slider, '--at', stops.length > 1 ? at / (stops.length - 1) : 0);
  setStyle(ui.slider, '--steps', Math.max(1, stops.length - 1));
  const places = stops.map((stop, i) => ({
    stop,
    at: stops.length > 1 ? i / (stops.length - 1) : 0,
    chosen: i === at,
  }));
  ui.ticks.replaceChildren(...places.map((place) => showTick(state, place)));
  ui.stops.replaceChildren(...places.map((place) => showStop(state, place, actions)));
}

/** @param {Pick<Shown, 'view'>} state @param {string} stop */
const readiness = ({ view }, stop) => (view.runs.has(stop) ? 'ready' : view.failed.has(stop) ? 'failed' : 'pending');

/** @param {Shown} state @param {Stop} stop */
const showTick = (state, { stop, at }) =>
  el('span', { class: 'tick', 'data-run': readiness(state, stop), style: { '--at': at } });

/** @param {Shown} state @param {Stop} stop @param {Actions} actions */
function showStop(state, { stop, at, chosen }, actions) {
  const word = stopWord(state, stop);
  return el(
    'button',
    {
      type: 'button',
      class: 'stop',
      tabindex: -1,
      title: stopText(state, stop),
      style: { '--at': at },
      'data-schedule': stop,
      'data-run': readiness(state, stop),
      'data-chosen': String(chosen),
      'data-word': word,
      onclick: () => actions.chooseSchedule(stop),
    },
    el('span', { class: 'word' }, stop === state.view.baseline ? stopName(state, stop) : word),
    stop === state.view.baseline ? null : el('small', {}, stopName(state, stop).replaceAll(', ', ',')),
  );
}

/** @param {Shown} state @param {string} stop */
const isOwn = (state, stop) => !presetStops(state).includes(stop) && !namedRecipe(state, stop);

/** @param {Shown} state @param {string} stop */
function stopText(state, stop) {
  const run = state.view.runs.get(stop);
  const name =
    stop === 'none'
      ? 'no merging'
      : `${/[@|]/.test(stop) ? `${recipeName(stop)}, ` : ''}${mergesInside(stop) ? 'in' : 'before'} ${blocksOf(stop).length > 1 ? 'blocks' : 'block'} ${blocksOf(stop).join(', ')}`;
  const paper = stop === state.view.paper ? ', the paper’s choice' : '';
  const kept = run ? `, ${percent(keptShare(run))} of the tokens kept` : ', not computed yet';
  return name + paper + kept;
}

/** @param {Child} value @param {string} name @param {Child} [note] */
export const figure = (value, name, note = null) =>
  el(
    'div',
    { class: 'figure' },
    el('dt', {}, name),
    el('dd', {}, value),
    note ? el('dd', { class: 'note' }, note) : null,
  );

/** @param {Ui} ui @param {Shown} state */
function showStatus(ui, state) {
  const lines = [...state.view.notes, ...shownRun(state).notes.filter((note) => !state.view.notes.includes(note))];
  const failure = state.view.failed.get(state.schedule);
  if (failure) lines.unshift(failure);
  ui.status.textContent = lines.filter(Boolean).join(' ');
  ui.root.toggleAttribute('data-pending', isPending(state) && !failure);
}
