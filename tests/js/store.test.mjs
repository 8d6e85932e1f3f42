// The state: what is gathered until the next frame, and what is shown of a view.

import assert from 'node:assert/strict';
import test from 'node:test';

import { activePatch, baselineRun, heatApplies, shownRun, shownStage } from '../../app/inspector/js/store.js';
import { emptyState, framesByHand, stateOf, storeOf } from './fixtures.mjs';

test('changes of one frame are told once, and only to whom they concern', () => {
  const draw = framesByHand();
  const { store } = storeOf(emptyState());
  const heard = [];
  store.on(['hover', 'pinned'], ({ hover, pinned }) => heard.push([hover, pinned]));
  store.on(['split'], () => heard.push('split'));
  store.set({ hover: 1 });
  store.set({ pinned: 2, playing: false }); // playing was so before
  assert.deepEqual(heard, []);
  draw();
  assert.deepEqual(heard, [[1, 2]]);
  draw();
  assert.equal(store.stats.paints, 1);
});

test('what a listener changes is drawn on the frame after', () => {
  const draw = framesByHand();
  const { store } = storeOf(emptyState());
  store.on(['hover'], () => store.set({ pinned: 3 }));
  store.set({ hover: 0 });
  draw();
  assert.equal(store.state.pinned, 3);
  draw();
  assert.equal(store.stats.paints, 2);
});

test('the shown run, its stage and the unmerged run; none of them before there is a view', () => {
  assert.equal(shownRun(emptyState()), null);
  assert.equal(baselineRun(emptyState()), null);
  assert.equal(shownRun(stateOf()).schedule, '2');
  assert.equal(shownStage(stateOf()), 1);
  assert.equal(shownStage(stateOf({ stage: 0 })), 0);
  assert.equal(baselineRun(stateOf()).schedule, 'none');
});

test('a pin goes before the pointer, and the pointer before the keyboard', () => {
  assert.equal(activePatch({ pinned: 0, hover: 1, cursor: 2 }), 0);
  assert.equal(activePatch({ pinned: null, hover: 1, cursor: 2 }), 1);
  assert.equal(activePatch({ pinned: null, hover: null, cursor: 2 }), 2);
});

test('a similarity map is of its patch, its recipe and its stage alone', () => {
  const heat = { schedule: '2', stage: 1, patch: 3 };
  const of = (more) => heatApplies(stateOf({ heat, heatWanted: true, pinned: 3, ...more }));
  assert.equal(of({}), true);
  for (const other of [{ pinned: 2 }, { stage: 0 }, { shown: 'none' }, { heatWanted: false }, { heat: null }])
    assert.equal(of(other), false, JSON.stringify(other));
});
