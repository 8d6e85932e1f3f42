// Numbers as text, ticks, and tables that hold what they were given and no more.

import assert from 'node:assert/strict';
import test from 'node:test';

import { ruleName } from '../../app/inspector/js/against.js';
import { markOf } from '../../app/inspector/js/methodmarks.js';
import {
  agreementText,
  clamp,
  contextOf,
  count,
  lastOf,
  onceQuiet,
  ordinal,
  percent,
  storedIn,
  ticksBetween,
  timeText,
  valueNamed,
} from '../../app/js/util.js';

test('only full agreement reads as such', () => {
  assert.deepEqual([1, 0.9999, 0.5].map(agreementText), ['100 %', '99.9 %', '50.0 %']);
});

test('numbers with their nouns, places and units', () => {
  assert.deepEqual([count(1, 'patch'), count(2, 'patch'), count(0, 'class')], ['1 patch', '2 patches', '0 classes']);
  assert.deepEqual([1, 2, 3, 4].map(ordinal), ['1st', '2nd', '3rd', '4th']);
  assert.deepEqual([1.234, 12.34, 123.4].map(timeText), ['1.23 ms', '12.3 ms', '123 ms']);
  assert.deepEqual([percent(0.125), percent(0.125, 1)], ['13 %', '12.5 %']);
  assert.deepEqual([clamp(-1, 0, 2), clamp(3, 0, 2), clamp(1, 0, 2)], [0, 2, 1]);
});

test('ticks are round, inside, and about as many as wanted', () => {
  assert.deepEqual(ticksBetween(0, 10, 5), [0, 2, 4, 6, 8, 10]);
  assert.deepEqual(ticksBetween(0.87, 1.01, 4, [1, 2, 2.5, 5, 10]), [0.9, 0.95, 1]);
  assert.deepEqual(ticksBetween(3, 3, 4), [3]);
  for (const wanted of [1, 2, 7])
    assert.ok(ticksBetween(0.3, 47.1, wanted).every((tick) => tick >= 0.3 && tick <= 47.1));
});

test('rules may have any name, even one that every object of JavaScript knows', () => {
  assert.equal(ruleName({ name: 'constructor', title: 'My rule (2026)' }), 'My rule');
  assert.equal(typeof markOf('toString', ['toString']).colour, 'string');
  assert.equal(valueNamed({ a: 1 }, 'constructor'), undefined);
  assert.equal(valueNamed({ a: 1 }, 'a'), 1);
});

test('each method has its own mark, those of one’s own files too', () => {
  const names = ['mutual', 'bipartite', 'windows', 'my-rule', 'your-rule'];
  const marks = names.map((name) => markOf(name, names)).map(({ colour, dash, shape }) => `${colour} ${dash} ${shape}`);
  assert.equal(new Set(marks).size, names.length);
});

test('a value is put into a map and given back; the last of a list', () => {
  const map = new Map();
  assert.equal(storedIn(map, 'a', 1), 1);
  assert.deepEqual([...map], [['a', 1]]);
  assert.equal(lastOf([1, 2, 3]), 3);
});

test('a canvas without a context is an error that says so', () => {
  assert.throws(() => contextOf({ getContext: () => null }), /cannot be drawn on/);
});

test('of many calls in a row the last one counts', async () => {
  const heard = [];
  const say = onceQuiet(5, (...words) => heard.push(words));
  say('a');
  say('b', 'c');
  await new Promise((done) => setTimeout(done, 30));
  assert.deepEqual(heard, [['b', 'c']]);
});
