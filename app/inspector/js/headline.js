// The head line, and the two bars that fill run by run.

import { tokensLeft } from './model.js';
import { liveHeadline } from '../../camera/js/rates.js';
import { showRates } from '../../camera/js/show.js';
import { agreementText, count, el, lastOf, nodesIn, timeText } from '../../js/util.js';
import { comparison, isAgainst, rivalRun, sideNames } from './rival.js';
import { heldText, NOTHING_MEASURED, runningMedian, speedOf, speedText } from './speed.js';
import { shownRun } from './store.js';

const LONGEST_OVER_MEDIAN = 1.45; // a tick further out stands at the end of the track

/** @param {Ui} ui @param {Store} store */
export function mountHeadline(ui, store) {
  const parts = ['tokens', 'same', 'fast'].map((name) => el('span', { class: `part ${name}`, 'data-part': name }));
  lastOf(parts).setAttribute('aria-live', 'off'); // it counts runs, and nobody wants to hear every one
  ui.headline.replaceChildren(...parts);
  const bars = [speedBar('unmerged'), speedBar('merged')];
  const note = el('p', { class: 'speed-note', 'data-role': 'speed-note' });
  ui.speed.replaceChildren(...bars.map(({ row }) => row), note);
  store.on(['view', 'runs', 'shown', 'pending', 'speeds', 'exploring', 'queueing', 'against', 'live'], (state) => {
    const texts = headlineTexts(state);
    parts.forEach((part, i) => showText(part, texts[i] ?? ''));
    showSpeed(ui.speed, bars, note, state);
  });
}

/** @param {HTMLElement} node @param {string} text */
function showText(node, text) {
  node.hidden = !text;
  if (node.textContent !== text) node.textContent = text;
}

/** @param {State} state */
export function headlineTexts(state) {
  if (state.live) return state.live.run ? liveHeadline(state.live) : ['live'];
  if (!state.view || state.pending) return [];
  const run = shownRun(state);
  const [patches, tokens] = [run.tokenCounts[0], tokensLeft(run)];
  if (!run.stages.length) return [`${patches} patches, none merged`];
  if (isAgainst(state)) return againstTexts(state, tokens);
  const agreement = comparison(state)?.agreement ?? NaN;
  return [
    `${patches} patches became ${tokens} tokens`,
    Number.isFinite(agreement) ? `${agreementText(agreement)} of the mask is the same` : '',
    speedText(speedOf(state, run.schedule)),
  ];
}

// Two recipes beside each other: the tokens of both, and how far their masks agree.
/** @param {Shown} state @param {number} tokens */
function againstTexts(state, tokens) {
  const [own, other] = sideNames(state);
  const rival = rivalRun(state);
  const found = comparison(state);
  return [
    `${own} ${tokens} tokens · ${other} ${rival ? `${tokensLeft(rival)} tokens` : 'is being computed'}`,
    found ? `${agreementText(found.agreement)} of the two masks is the same` : '',
  ];
}

/** @param {SpeedBar['name']} name @returns {SpeedBar} */
function speedBar(name) {
  const fill = el('i', { class: 'fill' });
  const ticks = el('span', { class: 'ticks', 'aria-hidden': 'true' });
  const track = el('span', { class: 'track', role: 'img' }, fill, ticks);
  const value = el('span', { class: 'value' });
  const row = el(
    'div',
    { class: `speed-bar ${name}`, 'data-side': name },
    el('span', { class: 'name' }, name),
    track,
    value,
  );
  return { name, row, track, fill, ticks, value };
}

/** @param {HTMLElement} box @param {SpeedBar[]} bars @param {HTMLElement} note @param {State} state */
function showSpeed(box, bars, note, state) {
  if (state.live) return showRates(box, bars, note, state.live);
  const recipe = state.pending ? null : state.shown;
  const speed = recipe === null ? NOTHING_MEASURED : speedOf(state, recipe);
  box.dataset.kind = speed.kind;
  box.toggleAttribute('data-live', Boolean(speed.isLive));
  const sides = [speed.before, speed.own];
  const longest = Math.max(...sides.map(runningMedian)) * LONGEST_OVER_MEDIAN || 1;
  bars.forEach((bar, i) => showBar(bar, sides[i], longest));
  bars[1].row.toggleAttribute('data-idle', speed.kind === 'baseline');
  showText(note, noteText(state, speed));
}

/** @param {State} state @param {Speed} speed */
function noteText(state, speed) {
  if (state.pending || !state.view || speed.kind === 'baseline') return '';
  if (speed.isHeld) return heldText(speed.runs);
  if (speed.kind === 'known') return speed.isLive ? `still measuring, ${speed.runs} runs` : speedText(speed);
  return speedText(speed);
}

/** @param {SpeedBar} speedBar @param {number[]} values @param {number} longest */
function showBar({ name, track, fill, ticks, value }, values, longest) {
  const median = runningMedian(values);
  /** @param {number} ms */
  const share = (ms) => `${Math.min(100, (100 * ms) / longest).toFixed(2)}%`;
  fill.style.width = share(median);
  while (ticks.children.length > values.length) ticks.lastChild?.remove();
  while (ticks.children.length < values.length) ticks.append(el('u', { class: 'tick' }));
  const drawn = nodesIn(ticks, '.tick');
  values.forEach((ms, i) => {
    drawn[i].style.left = share(ms);
  });
  showText(value, values.length ? timeText(median) : '');
  const words = values.length ? `${timeText(median)}, median of ${count(values.length, 'run')}` : 'not measured yet';
  track.setAttribute('aria-label', `${name}: ${words}`);
}
