// The menu of models: groups, and the one that a low-confidence picture is offered.

import assert from 'node:assert/strict';
import test from 'node:test';

import { groupsOf, knowsMore, tryText } from '../../app/inspector/js/modelmenu.js';

const card = (name, group, classes, parameters_m, download = '95 MB') => ({
  name,
  title: name.toUpperCase(),
  group,
  classes,
  parameters_m,
  download,
});
const models = [
  card('streets', 'Streets', 11, null, null),
  card('cityscapes', 'Streets', 19, 5),
  card('base', 'Things', 133, 93),
  card('small', 'Things', 133, 24),
  card('large', 'Scenes', 150, 319, null),
];

test('groups come in the page’s order, and only those with models', () => {
  const groups = groupsOf({ models, groups: ['Streets', 'Empty', 'Scenes', 'Things'] });
  assert.deepEqual(
    groups.map(({ group }) => group),
    ['Streets', 'Scenes', 'Things'],
  );
  assert.deepEqual(groups[2].names, ['base', 'small']);
  assert.deepEqual(groupsOf({ models: [{ name: 'one' }] }), [{ group: '', names: ['one'] }]);
});

test('the smallest that knows more is offered, one at hand before all others', () => {
  assert.equal(knowsMore(models, 'streets').name, 'large');
  assert.equal(knowsMore(models.slice(0, 4), 'streets').name, 'small', 'not one of the same group');
  assert.equal(knowsMore(models, 'large'), null, 'nothing knows more');
  assert.equal(knowsMore(models.slice(0, 2), 'streets'), null);
  assert.equal(knowsMore(models, 'unknown'), null);
  assert.equal(knowsMore([], 'streets'), null);
});

test('its button names it, and what a download takes', () => {
  assert.equal(tryText(models[3]), 'Try SMALL, 133 classes, 95 MB');
  assert.equal(tryText(models[4]), 'See it with LARGE');
  assert.equal(tryText({ ...models[3], download: '' }), 'Try SMALL, 133 classes');
});
