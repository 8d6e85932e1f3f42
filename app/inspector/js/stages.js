// The stage scrubber: the input, and the state after each insertion. It can play.

import { mergesInside } from '../../js/recipe.js';
import { choice, el, ordinal } from '../../js/util.js';
import { lastStage, whereMerged } from './model.js';
import { shownRun, shownStage } from './store.js';

const PLAY_STEP_MS = 1100;

export function mountStages(ui, store) {
  const buttons = el('div', {});
  const play = el('button', { type: 'button', class: 'play', onclick: () => togglePlay(store) });
  ui.stages.append(play, buttons);
  const show = choice(buttons, 'Stage', (value) => pickStage(store, Number(value)));
  store.on(['view', 'shown', 'stage', 'runs'], (state) => {
    if (state.view) show(stageOptions(shownRun(state)), String(shownStage(state)));
  });
  store.on(['view', 'shown', 'playing', 'runs'], (state) => state.view && showPlay(play, state));
  store.on(['playing'], (state) => runPlayer(state, store));
}

const ROOM_FOR_COUNTS = 4; // with more stages the counts are left to the strip and the figures

function stageOptions(run) {
  return run.tokenCounts.map((tokens, stage) => ({
    value: String(stage),
    text: stage === 0 ? 'Input' : `${mergesInside(run.schedule) ? 'In' : 'Before'} ${run.blocks[stage - 1]}`,
    sub: run.tokenCounts.length > ROOM_FOR_COUNTS ? null : String(tokens),
    title:
      stage === 0
        ? 'Before any merge'
        : `After the ${ordinal(stage)} insertion, ${whereMerged(run, run.blocks[stage - 1])}: ${tokens} tokens`,
  }));
}

// The last stage is remembered as "all insertions", so that it stays the last in another schedule.
function pickStage(store, stage) {
  const last = lastStage(shownRun(store.state));
  store.set({ stage: stage >= last && last > 0 ? Infinity : stage, playing: false });
}

function showPlay(play, state) {
  play.hidden = lastStage(shownRun(state)) === 0;
  play.setAttribute('aria-label', state.playing ? 'Pause' : 'Play the stages');
  play.setAttribute('data-playing', String(state.playing));
  play.title = state.playing ? 'Pause' : 'Play the stages one after the other';
}

const togglePlay = (store) => store.set({ playing: !store.state.playing });

let playTimer = 0;

function runPlayer(state, store) {
  clearInterval(playTimer);
  if (!state.playing) return;
  if (shownStage(state) === lastStage(shownRun(state))) store.set({ stage: 0 });
  playTimer = setInterval(() => playOn(store), PLAY_STEP_MS);
}

function playOn(store) {
  const { state } = store;
  const last = lastStage(shownRun(state));
  const next = shownStage(state) + 1;
  store.set(next >= last ? { stage: Infinity, playing: false } : { stage: next });
}
