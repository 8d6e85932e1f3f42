// One figure of speed: never from few runs, never without its interval, slower said as plainly as faster.

import assert from 'node:assert/strict';
import test from 'node:test';

import { createRaces } from '../../app/inspector/js/races.js';
import { speedLine, speedOf, speedText, stoppedAt, takeRace } from '../../app/inspector/js/speed.js';
import { initialState } from '../../app/inspector/js/store.js';

const times = (many, ms) => Array.from({ length: many }, (_, i) => ms + i);
const race = (runs, { speedup = null, ...rest } = {}) => ({
  kind: 'race',
  race: 'race 1',
  generation: 1,
  picture: 'p',
  model: 'm',
  by_hand: false,
  state: 'running',
  scope: 'picture to mask',
  contenders: [
    { schedule: 'none', ms: times(runs, 200), speedup: null },
    { schedule: '2,5', ms: times(runs, 100), speedup },
  ],
  ...rest,
});
const view = { key: 'p-m' };
const after = (...messages) => ({ view, speeds: messages.reduce(takeRace, new Map()) });
const said = (state, recipe = '2,5') => speedText(speedOf(state, recipe));

test('no figure before seven runs of each', () => {
  assert.equal(said(after()), 'not measured yet');
  assert.equal(said(after(race(0))), 'measuring');
  assert.equal(said(after(race(4, { speedup: [2, 1.9, 2.1] }))), 'measuring, 4 of 7');
  assert.equal(said(after(race(9, { speedup: [2, 1.9, 2.1] }))), '2.00× faster here (1.90–2.10, 9 runs)');
  assert.equal(speedLine(after(race(4, { speedup: [2, 1.9, 2.1] })), '2,5'), null);
});

test('a race that ended early says how far it came, and the curves follow all the same', () => {
  assert.equal(said(after(race(3, { state: 'done', speedup: [2, 1.9, 2.1] }))), 'speed unknown: 3 of 7 runs in time');
  const { sent, races } = page();
  races.consider();
  races.heard(race(3, { state: 'done' }));
  assert.deepEqual(sent, ['race', 'curves']);
});

test('slower and equal are said', () => {
  assert.equal(said(after(race(7, { speedup: [0.8, 0.5, 0.9] }))), '1.25× slower here (1.11–2.00, 7 runs)');
  assert.equal(said(after(race(7, { speedup: [1.02, 0.98, 1.05] }))), 'about as fast here (0.98–1.05×, 7 runs)');
});

test('a held race says so, unless something is known', () => {
  assert.equal(said(after(race(0, { state: 'held' }))), 'waiting for another visitor');
  assert.equal(said(after(race(3, { state: 'held' }))), 'paused for another visitor');
  const known = speedOf(after(race(9, { state: 'held', speedup: [2, 1.9, 2.1] })), '2,5');
  assert.deepEqual([known.kind, known.isHeld], ['known', true]);
});

test('a new race keeps the figure of the one before until it has its own', () => {
  const first = race(9, { state: 'done', speedup: [2, 1.9, 2.1] });
  const state = after(first, race(2, { race: 'race 2', generation: 2 }));
  assert.equal(said(state), '2.00× faster here (1.90–2.10, 9 runs)');
  assert.equal(speedOf(state, '2,5').own.length, 2);
});

test('older and shorter messages change nothing; other scopes neither', () => {
  const now = race(5, { generation: 3 });
  assert.equal(speedOf(after(now, race(2, { generation: 3 })), '2,5').runs, 5);
  assert.equal(speedOf(after(now, race(9, { generation: 2, race: 'race 0' })), '2,5').runs, 5);
  assert.equal(takeRace(new Map(), race(9, { scope: 'model only' })).size, 0);
});

test('Stop ends what was started before it', () => {
  const state = after(race(3), { kind: 'stopped', generation: 2 });
  assert.equal(said(state), 'not measured yet');
  assert.equal(stoppedAt(after(race(3)).speeds, 1).get('p-m|2,5').state, 'running');
});

test('a recipe that merges nothing shows the unmerged runs and no figure', () => {
  const speed = speedOf(after(race(3)), 'none');
  assert.deepEqual([speed.kind, speed.before.length, speedText(speed)], ['baseline', 3, '']);
});

function page(schedule = '2,5') {
  globalThis.globalThis.document = { hidden: false };
  const state = {
    ...initialState({ model: 'm' }),
    schedule,
    generation: 1,
    view: {
      key: 'p-m',
      digest: 'p',
      can: new Set(['curves']),
      runs: new Map([
        ['2,5', {}],
        ['5', {}],
        ['none', {}],
      ]),
    },
  };
  const sent = [];
  let now = 0;
  const races = createRaces(
    { state, set: (changes) => Object.assign(state, changes) },
    (name) => sent.push(name),
    () => false,
    () => now,
  );
  return {
    state,
    sent,
    races,
    wait: (ms) => {
      now += ms;
    },
  };
}

test('one race for one wish; after it the curves, once', () => {
  const { state, sent, races } = page();
  races.consider();
  races.consider();
  assert.deepEqual(sent, ['race']);
  races.heard(race(9, { state: 'done', speedup: [2, 1.9, 2.1] }));
  races.consider();
  assert.deepEqual(sent, ['race', 'curves']);
  state.schedule = '5';
  state.generation = 2;
  races.consider();
  assert.deepEqual(sent, ['race', 'curves', 'race']);
});

test('no race beside one by hand, in a hidden tab, or before all runs are there', () => {
  const { state, sent, races, wait } = page();
  assert.equal(JSON.parse(races.wishText('race')).generation, 2);
  races.consider();
  assert.deepEqual(sent, []);
  wait(60_000); // nothing is heard of it any more
  state.generation = 3; // another recipe
  globalThis.document.hidden = true;
  races.consider();
  globalThis.document.hidden = false;
  state.exploring = { done: 1, of: 8 };
  races.consider();
  assert.deepEqual(sent, []);
  state.exploring = null;
  races.consider();
  assert.deepEqual(sent, ['race']);
});

test('another picture ends a race by hand, and is raced itself', () => {
  const { state, sent, races } = page();
  races.wishText('race');
  state.generation = 3;
  state.acts = { ...state.acts, view: 3 };
  races.consider();
  assert.deepEqual(sent, ['race']);
});

test('whoever stopped a race, or ran one by hand, is not given another until they choose something else', () => {
  const { state, sent, races } = page();
  races.consider();
  races.wishText('race');
  races.heard({ kind: 'stopped', generation: 2 });
  races.consider();
  assert.deepEqual(sent, ['race', 'curves']);
  races.wishText('race');
  races.heard(race(3, { state: 'done', generation: 3, by_hand: true }));
  assert.deepEqual(sent, ['race', 'curves']);
  state.generation = 4;
  races.consider();
  assert.deepEqual(sent, ['race', 'curves', 'race']);
});
