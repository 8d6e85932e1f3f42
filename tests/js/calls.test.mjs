// A rule's arguments as a text and back, as Python writes them.

import assert from 'node:assert/strict';
import test from 'node:test';

import { callOf, callText, rangeText } from '../../app/inspector/js/calls.js';

const parameter = (name, kind, value, more) => ({ name, kind, default: value, is_optional: false, ...more });
const BIPARTITE = {
  name: 'bipartite',
  parameters: [
    parameter('share', 'float', 0.2, { is_named: false, low: 0, high: 0.5 }),
    parameter('count', 'int', null, { is_named: true, is_optional: true, low: 0 }),
    parameter('loop', 'bool', false, { is_named: true }),
    parameter('by', 'str', 'keys', { is_named: true }),
  ],
};
const RULES = [{ name: 'mutual', parameters: [] }, BIPARTITE];
const values = (text) => callOf(text, RULES).values;

test('what is not said has its default', () => {
  assert.deepEqual(callOf('bipartite', RULES), {
    name: 'bipartite',
    values: { share: 0.2, count: null, loop: false, by: 'keys' },
  });
  assert.deepEqual(callOf('mutual', RULES), { name: 'mutual', values: {} });
});

test('values in their place and by name, each of its kind', () => {
  assert.equal(values('bipartite(0.35)').share, 0.35);
  assert.deepEqual(values('bipartite(0.1,count=7,loop=true,by=none)'), { share: 0.1, count: 7, loop: true, by: null });
});

test('a text comes back as it was, without what is the default', () => {
  for (const text of ['bipartite', 'bipartite(0.35)', 'bipartite(count=7)', 'bipartite(0.1,loop=true,by=values)'])
    assert.equal(callText(BIPARTITE, values(text)), text);
  assert.equal(callText(BIPARTITE, values('bipartite(0.2,by=keys)')), 'bipartite');
});

test('unknown names and rules change nothing', () => {
  assert.deepEqual(values('bipartite(speed=9)'), values('bipartite'));
  assert.deepEqual(callOf('unheard(3)', RULES), { name: 'unheard', values: {} });
  assert.deepEqual(callOf('))', RULES), { name: '))', values: {} });
});

test('what may be typed, in words', () => {
  const [share, count, loop] = BIPARTITE.parameters;
  assert.deepEqual([share, count, loop].map(rangeText), ['from 0 to 0.5', 'from 0 or empty', '']);
});
