// The stage scrubber: the input, and the state after each merge. It can play.

import { mergesInside } from '../../js/recipe.js';
import { choice, el, ordinal } from '../../js/util.js';
import { lastStage, whereMerged } from './model.js';
import { countAt, phaseAt, wordsOf } from './motion.js';
import { onSide } from './rival.js';
import { shownRun, shownStage } from './store.js';

const PLAY_STEP_MS = 1100; // where motion is not wanted
const REST_MS = 900;

/** @param {string} where */
const afterMerge = (where) => `after the merge ${where} block`;
/** @param {Shown} state */
const sideRun = (state) => shownRun(onSide(state));
/** @param {Shown} state */
const sideStage = (state) => shownStage(onSide(state));

/** @param {Ui} ui @param {Store} store */
export function mountStages(ui, store) {
  const name = el('span', { class: 'stages-name', 'aria-hidden': 'true' }, afterMerge('before'));
  const buttons = el('div', {});
  const play = el('button', { type: 'button', class: 'play', onclick: () => togglePlay(store) });
  ui.play.append(play);
  ui.stages.append(name, buttons);
  const show = choice(buttons, 'Tokens after each merge', (value) => pickStage(store, Number(value)));
  store.on(['view', 'shown', 'stage', 'runs', 'side', 'against'], (state) => {
    if (!state.view) return;
    const run = sideRun(state);
    name.textContent = afterMerge(mergesInside(run.schedule) ? 'in' : 'before');
    ui.stages.toggleAttribute('data-many', run.stages.length > MANY);
    ui.stages.hidden = lastStage(run) === 0;
    show(stageOptions(run), String(sideStage(state)));
  });
  store.on(['view', 'shown', 'playing', 'runs', 'side', 'against'], (state) => state.view && showPlay(play, state));
  store.on(['playing'], (state) => runPlayer(state, store));
  store.on(['motion'], (state) => {
    ui.counter.hidden = !state.motion;
    if (state.view && state.motion)
      ui.counter.textContent = `${countAt(state.motion, sideRun(state))} tokens${wordsOf(state.motion)}`;
  });
}

const MANY = 5; // with more stages there is no room for the words before them

/** @param {Run} run */
function stageOptions(run) {
  return run.tokenCounts.map((tokens, stage) => ({
    value: String(stage),
    text: stage === 0 ? 'none' : String(run.blocks[stage - 1]),
    title:
      stage === 0
        ? `Before any merge: ${tokens} patches`
        : `After the ${ordinal(stage)} merge, ${whereMerged(run, run.blocks[stage - 1])}: ${tokens} tokens`,
  }));
}

// The last stage is remembered as "all merges", so that it stays the last in another recipe.
/** @param {Store} store @param {number} stage */
function pickStage(store, stage) {
  const { state } = store;
  if (!state.view) return;
  const last = lastStage(sideRun(state));
  store.set({ stage: stage >= last && last > 0 ? Infinity : stage, playing: false });
}

/** @param {HTMLButtonElement} play @param {Shown} state */
function showPlay(play, state) {
  play.disabled = lastStage(sideRun(state)) === 0;
  play.setAttribute('aria-label', state.playing ? 'Pause' : 'Play the merges');
  play.setAttribute('data-playing', String(state.playing));
  play.title = state.playing ? 'Pause' : 'Play the merges one after the other';
}

/** @param {Store} store */
const togglePlay = ({ state, set }) => set({ playing: state.view !== null && !state.playing });

const isStill = () => window.matchMedia('(prefers-reduced-motion: reduce)').matches;

/** @type {ReturnType<typeof setInterval> | undefined} */
let playTimer;
let playFrame = 0;

/** @param {State} state @param {Store} store */
function runPlayer(state, store) {
  clearInterval(playTimer);
  cancelAnimationFrame(playFrame);
  store.set({ motion: null });
  if (!state.view || !state.playing) return;
  if (sideStage(state) === lastStage(sideRun(state))) store.set({ stage: 0 });
  if (isStill()) playTimer = setInterval(() => playOn(store), PLAY_STEP_MS);
  else playFilm(store);
}

// Each merge as a film, and a rest on what became of it.
/** @param {Store} store */
function playFilm(store) {
  const { state } = store;
  let began = performance.now();
  /** @param {number} now */
  const step = (now) => {
    if (!state.view || !state.playing) return;
    playFrame = requestAnimationFrame(step);
    if (now < began) return; // rests
    const moment = phaseAt(now - began);
    if (!moment) {
      began = now + REST_MS;
      playOn(store);
    }
    store.set({ motion: moment && { ...moment, stage: sideStage(state) + 1 } });
  };
  playFrame = requestAnimationFrame(step);
}

/** @param {Store} store */
function playOn(store) {
  const { state } = store;
  if (!state.view) return;
  const last = lastStage(sideRun(state));
  const next = sideStage(state) + 1;
  store.set(next >= last ? { stage: Infinity, playing: false } : { stage: next });
}
