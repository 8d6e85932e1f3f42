// Links: what is written can be read; what a page does not have is named.

import assert from 'node:assert/strict';
import test from 'node:test';

import {
  linkProblems,
  linkTarget,
  readLink,
  scheduleFromLink,
  stateFromLink,
  writtenLink,
} from '../../app/inspector/js/link.js';
import { initialState } from '../../app/inspector/js/store.js';

const page = { models: [{ name: 'tiny' }], model: 'tiny', examples: [{ name: 'street' }], selected_example: 'street' };
const view = {
  rows: 4,
  cols: 6,
  depth: 12,
  rules: [{ name: 'mutual' }, { name: 'bipartite' }],
  truth: null,
  can: new Set(),
};
const state = () => ({
  ...initialState(page),
  view,
  schedule: 'bipartite(0.2)@2+5|sizes',
  shown: '2,5',
  stage: 1,
  pinned: 7,
});

test('what is written can be read', () => {
  const link = readLink(writtenLink(state(), { foreign: 'kept', schedule: 'old' }));
  assert.deepEqual([link.example, link.model, link.recipe], ['street', 'tiny', 'bipartite(0.2)@2+5|sizes']);
  assert.deepEqual([link.foreign, link.schedule, link.picture], ['kept', undefined, undefined]);
  const read = stateFromLink(link, view);
  assert.deepEqual([read.stage, read.pinned, read.split], [1, 7, 0.5]);
});

test('a link of an upload says that the picture is not in it', () => {
  const link = readLink(writtenLink({ ...state(), source: { upload: 'me.jpg' } }, {}));
  assert.equal(link.example, undefined);
  const target = linkTarget(link, page);
  assert.deepEqual([target.example, target.isOwnPicture, target.problems], [null, true, []]);
  assert.match(linkProblems(target, view), /own picture, which is not in it/);
});

test('older links name the recipe a schedule', () => {
  assert.equal(scheduleFromLink({ schedule: '5,2' }, view), '2,5');
  assert.equal(linkTarget({ schedule: '2' }, page).recipe, '2');
});

test('what is not here is named in one sentence, cut short', () => {
  const target = linkTarget({ example: 'x'.repeat(90), model: 'tiny', recipe: '99' }, page);
  assert.deepEqual([target.example, target.model], [null, 'tiny']);
  const sentence = linkProblems(target, view);
  assert.match(sentence, /^The link names an example “x{39}…” and a recipe “99” that this page cannot open; the rest/);
  assert.equal(linkProblems(linkTarget({ recipe: '2,5' }, page), view), '');
});

test('recipes that no encoder here can run are refused', () => {
  for (const recipe of ['<b>', '12', 'other@2', '2,x', '1'.repeat(500)])
    assert.equal(scheduleFromLink({ recipe }, view), null);
});

test('what the recipe is put against is in the link, and dropped with a sentence where it does not fit', () => {
  const link = readLink(writtenLink({ ...state(), against: { equal: 'bipartite' } }, {}));
  assert.equal(link.against, 'equal:bipartite');
  assert.deepEqual(stateFromLink(link, view).against, { equal: 'bipartite' });
  assert.equal(stateFromLink({ ...link, against: '2,30' }, view).against, null);
  assert.match(linkProblems({ link: { against: '2,30' }, problems: [], isOwnPicture: false }, view), /“2,30”/);
  assert.deepEqual(stateFromLink({ recipe: '2' }, view).against, null);
  assert.equal('against' in stateFromLink({ stage: '1' }, view), false, 'what only names a stage leaves it');
});
