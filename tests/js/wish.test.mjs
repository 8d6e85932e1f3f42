// Wishes: every act counts, and older messages are known by their number.

import assert from 'node:assert/strict';
import test from 'node:test';

import { initialState } from '../../app/inspector/js/store.js';
import { isLatestView, isViewWanted, newAct, PAPER_RECIPE, wishOf } from '../../app/inspector/js/wish.js';

const page = { model: 'tiny', selected_example: 'street', examples: [], models: [] };

test('the first wish has generation 0 and the paper’s recipe', () => {
  assert.deepEqual(wishOf(initialState(page)), { generation: 0, picture: null, model: 'tiny', recipe: PAPER_RECIPE });
});

test('every act adds one, and each kind remembers its latest', () => {
  const state = initialState(page);
  newAct(state, 'view');
  newAct(state, 'recipe');
  newAct(state, 'race');
  newAct(state, 'recipe');
  assert.equal(state.generation, 4);
  assert.deepEqual(state.acts, { view: 1, recipe: 4, race: 3, camera: 0 });
  assert.deepEqual(initialState(page).acts, { view: 0, recipe: 0, race: 0, camera: 0 });
});

test('messages of an older picture are known, and recipes do not age a picture', () => {
  const state = initialState(page);
  newAct(state, 'view');
  newAct(state, 'recipe');
  assert.ok(isLatestView(state, { generation: 1 }));
  assert.ok(!isLatestView(state, { generation: 0 }));
  assert.ok(isViewWanted(state, { generation: 2 }));
  assert.ok(!isViewWanted(state, { generation: 0 }));
});

test('while a picture is on its way, the wish is about that one', () => {
  const state = { ...initialState(page), view: { digest: 'old' }, schedule: '5' };
  assert.equal(wishOf(state).picture, 'old');
  assert.equal(wishOf({ ...state, pending: { digest: null } }).picture, null);
  assert.equal(wishOf({ ...state, pending: { digest: 'new' } }).picture, 'new');
  assert.equal(wishOf({ ...state, linkWanted: { recipe: '2,5,8' } }).recipe, '2,5,8');
});
