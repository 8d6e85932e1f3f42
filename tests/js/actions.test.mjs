// What a person does: how the state changes, and what Python hears of it.

import assert from 'node:assert/strict';
import test from 'node:test';

import { makeActions } from '../../app/inspector/js/actions.js';
import { emptyState, framesByHand, stateOf, storeOf } from './fixtures.mjs';

function page(state) {
  framesByHand();
  const raced = [];
  const { store, sent, send } = storeOf(state);
  const races = { consider: () => raced.push('own'), byHand: (rivals) => raced.push(rivals) };
  return { store, sent, raced, actions: makeActions(store, send, races), state: store.state };
}

test('a recipe at hand is shown at once, one that is not is asked for', () => {
  const { actions, state, sent } = page(stateOf());
  actions.chooseSchedule('none');
  assert.equal(state.shown, 'none');
  assert.deepEqual(sent, []);
  actions.chooseSchedule('1,3');
  assert.deepEqual([state.schedule, state.shown], ['1,3', 'none']);
  assert.deepEqual(sent, [['custom', {}]]);
  assert.equal(state.acts.recipe, 2);
});

test('blocks, rules and options change the recipe that is wanted', () => {
  const { actions, state } = page(stateOf());
  actions.toggleBlock(3);
  assert.equal(state.schedule, '2,3');
  actions.chooseOption('residual', true);
  assert.equal(state.schedule, '2,3|residual');
  actions.chooseRule('bipartite(0.2)');
  assert.deepEqual([state.schedule, state.method], ['bipartite(0.2)@2,3|residual', 'bipartite(0.2)']);
  actions.chooseOption('residual', false);
  actions.toggleBlock(2);
  assert.equal(state.schedule, 'bipartite(0.2)@3');
});

test('what is pressed before there is a picture asks for nothing', () => {
  const { actions, state, sent, raced } = page(emptyState());
  actions.toggleBlock(3);
  actions.chooseRule('bipartite(0.2)');
  actions.chooseOption('residual', true);
  actions.chooseSchedule('2');
  actions.save('mask');
  actions.announce('2');
  assert.deepEqual([sent, raced, state.schedule, state.saving], [[], [], null, []]);
  assert.equal(state.method, 'bipartite(0.2)'); // for the picture that comes
});

test('files are asked for one after the other, each once', () => {
  const { actions, state, sent } = page(stateOf());
  actions.save('mask');
  actions.save('npz');
  actions.save('mask');
  assert.deepEqual(state.saving, ['mask', 'npz']);
  assert.deepEqual(
    sent.map(([, { what }]) => what),
    ['mask'],
  );
  actions.saved();
  assert.deepEqual(state.saving, ['npz']);
  assert.deepEqual(sent.at(-1)[1], { recipe: '2', what: 'npz', speed: null });
  actions.saved();
  actions.saved(); // an answer that nobody waits for
  assert.deepEqual([state.saving, sent.length], [[], 2]);
});

test('a pin is taken back by a second press, and the keyboard stays there', () => {
  const { actions, state } = page(stateOf());
  actions.pin(2);
  assert.deepEqual([state.pinned, state.cursor], [2, null]);
  actions.pin(2);
  assert.deepEqual([state.pinned, state.cursor], [null, 2]);
});

test('classes are hidden and shown one by one; all at once again', () => {
  const { actions, state } = page(stateOf());
  actions.toggleClass(1);
  actions.toggleClass(0);
  actions.toggleClass(1);
  assert.deepEqual([...state.hiddenClasses], [0]);
  actions.showAllClasses();
  assert.equal(state.hiddenClasses.size, 0);
});

test('a race by hand needs somebody to race against', () => {
  const { actions, raced } = page(stateOf());
  actions.measure([]);
  actions.measure(['none']);
  assert.deepEqual(raced, [['none']]);
});
