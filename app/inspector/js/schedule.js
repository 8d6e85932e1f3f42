// The schedule slider, its stops, and the figures beside it.

import {
  blocksOf,
  mergesInside,
  PAPER_RULE,
  recipeName,
  ruleOf,
  withOptions,
  withRule,
} from '../../js/recipe.js';
import { el, percent } from '../../js/util.js';
import { namedRecipe, shortName } from './named.js';
import { baselineRun, isPending, shownRun } from './store.js';

// The presets, by the rule and options that are chosen, and at the end the recipe of the user's own making, if one is chosen.
function sliderStops(state) {
  const stops = presetStops(state);
  return stops.includes(state.schedule) ? stops : [...stops, state.schedule];
}

const presetStops = ({ view, method, options }) =>
  view.schedules.map((stop) => withOptions(withRule(stop, method), options));

// Rule and options stand beside the menu, so a stop need not repeat them.
function stopName(state, stop) {
  if (presetStops(state).includes(stop)) return recipeName(withOptions(withRule(stop, PAPER_RULE), []));
  if (namedRecipe(state, stop)) return shortName(state, stop);
  return cutShort(recipeName(ruleOf(stop) === state.method ? withRule(stop, PAPER_RULE) : stop));
}

const LONGEST_NAME = 34;
export const cutShort = (name) => (name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name);

export function mountSchedule(ui, store, actions) {
  ui.range.addEventListener('input', () =>
    actions.chooseSchedule(sliderStops(store.state)[Number(ui.range.value)]),
  );
  store.on(['view', 'runs', 'schedule', 'shown', 'method', 'options'], (state) => {
    if (!state.view) return;
    ui.scheduleHint.textContent = mergesInside(state.schedule)
      ? 'Tokens merge inside these encoder blocks, between attention and MLP.'
      : 'Tokens merge on the input of these encoder blocks.';
    showSlider(ui, state, actions);
    showFigures(ui, state);
    showStatus(ui, state);
  });
}

function showSlider(ui, state, actions) {
  const stops = sliderStops(state);
  const at = stops.indexOf(state.schedule);
  ui.range.max = stops.length - 1;
  ui.range.value = at;
  ui.range.setAttribute('aria-valuetext', stopText(state, state.schedule));
  ui.slider.style.setProperty('--at', stops.length > 1 ? at / (stops.length - 1) : 0);
  ui.slider.style.setProperty('--steps', Math.max(1, stops.length - 1));
  const places = stops.map((stop, i) => ({
    stop,
    at: stops.length > 1 ? i / (stops.length - 1) : 0,
    chosen: i === at,
  }));
  ui.ticks.replaceChildren(...places.map((place) => showTick(state, place)));
  ui.stops.replaceChildren(...places.map((place) => showStop(state, place, actions)));
}

const readiness = ({ view }, stop) =>
  view.runs.has(stop) ? 'ready' : view.failed.has(stop) ? 'failed' : 'pending';

const showTick = (state, { stop, at }) =>
  el('span', { class: 'tick', 'data-run': readiness(state, stop), style: { '--at': at } });

function showStop(state, { stop, at, chosen }, actions) {
  const note = stop === state.view.paper ? 'paper' : isOwn(state, stop) ? 'yours' : null;
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
      onclick: () => actions.chooseSchedule(stop),
    },
    el('span', {}, stopName(state, stop)),
    note ? el('small', {}, note) : null,
  );
}

const isOwn = (state, stop) => !presetStops(state).includes(stop) && !namedRecipe(state, stop);

function stopText(state, stop) {
  const run = state.view.runs.get(stop);
  const name =
    stop === 'none'
      ? 'no merging'
      : `${/[@|]/.test(stop) ? `${recipeName(stop)}, ` : ''}${mergesInside(stop) ? 'in' : 'before'} ${blocksOf(stop).length > 1 ? 'blocks' : 'block'} ${blocksOf(stop).join(', ')}`;
  const paper = stop === state.view.paper ? ', the paper’s choice' : '';
  const kept = run
    ? `, ${percent(run.tokenCounts.at(-1) / run.tokenCounts[0])} of the tokens kept`
    : ', not computed yet';
  return name + paper + kept;
}

function showFigures(ui, state) {
  const run = shownRun(state);
  ui.figures.replaceChildren(
    ...[
      figure(tokenPath(run), 'tokens after each insertion'),
      figure(percent(run.tokenCounts.at(-1) / run.tokenCounts[0]), 'of the tokens kept'),
      timeFigure(run, baselineRun(state)),
    ].filter(Boolean),
  );
}

export const figure = (value, name, note = null) =>
  el(
    'div',
    { class: 'figure' },
    el('dt', {}, name),
    el('dd', {}, value),
    note ? el('dd', { class: 'note' }, note) : null,
  );

const LONGEST_PATH = 6;

// Of many insertions the first and the last; the strip has them all.
function tokenPath({ tokenCounts }) {
  const isLong = tokenCounts.length > LONGEST_PATH;
  const steps = isLong ? [...tokenCounts.slice(0, 2), '…', ...tokenCounts.slice(-2)] : tokenCounts;
  return el(
    'span',
    { class: 'path', title: isLong ? tokenCounts.join(' → ') : null },
    ...steps.flatMap((tokens, i) =>
      i ? [el('span', { class: 'arrow', 'aria-label': 'then' }, '→'), String(tokens)] : [String(tokens)],
    ),
  );
}

function timeFigure(run, baseline) {
  if (!run.timing) return null;
  const { median_ms: own, estimated } = run.timing;
  const before = baseline?.timing?.median_ms;
  const change =
    run !== baseline && before
      ? `${Math.abs(100 * (1 - own / before)).toFixed(0)} % ${own <= before ? 'less' : 'more'} than the baseline`
      : null;
  return figure(
    `${milliseconds(own)} ms`,
    estimated ? 'estimated, not yet measured' : 'median latency',
    change,
  );
}

export const milliseconds = (value) =>
  value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0);

function showStatus(ui, state) {
  const lines = [
    ...state.view.notes,
    ...shownRun(state).notes.filter((note) => !state.view.notes.includes(note)),
  ];
  const failure = state.view.failed.get(state.schedule);
  if (failure) lines.unshift(failure);
  ui.status.textContent = lines.join(' ');
  ui.root.toggleAttribute('data-pending', isPending(state) && !failure);
}
