// Borders between tokens, and places worth a look: on four patches in a row of which the middle two merged.

import assert from 'node:assert/strict';
import test from 'node:test';

import { eachBorder, groupBorder } from '../../app/inspector/js/borders.js';
import { runRecord } from '../../app/inspector/js/downloads.js';
import { placesToLook } from '../../app/inspector/js/lookhere.js';
import { exampleOf } from '../../app/inspector/js/tour.js';
import { emptyState, stateOf, viewOf } from './fixtures.mjs';

const cell = { x: 10, y: 0, w: 5, h: 5 };

test('a line stands where two tokens meet of which one merged, and nowhere else', () => {
  const view = viewOf();
  const lines = [];
  eachBorder({ view, cell }, groupBorder({ run: view.runs.get('2'), stage: 1 }), (...line) => lines.push(line));
  assert.deepEqual(lines, [
    [15, 0, 0, 5],
    [25, 0, 0, 5],
  ]);
});

test('a straight run of borders is one line', () => {
  const lines = [];
  const square = { rows: 3, cols: 4, size: 12 };
  eachBorder(
    { view: square, cell },
    (a, b) => b - a === 4 && a < 4,
    (...line) => lines.push(line),
  );
  assert.deepEqual(lines, [[10, 5, 20, 0]]);
});

test('largest group, longest link and largest change; none where nothing merged', () => {
  assert.deepEqual(
    placesToLook(stateOf()).map(({ patch, text }) => [patch, text]),
    [
      [1, 'largest group'],
      [1, 'longest link'],
      [1, 'largest change'],
    ],
  );
  assert.deepEqual(placesToLook(stateOf({ shown: 'none' })), []);
  assert.deepEqual(placesToLook(emptyState()), []);
});

test('the tour shows a pair that chose each other', () => {
  const { from, to, similarity } = exampleOf(stateOf());
  assert.deepEqual([from, to, similarity], [1, 2, 0.75]);
  assert.equal(exampleOf(stateOf({ shown: 'none' })), null);
  assert.equal(exampleOf(emptyState()), null);
});

test('a run’s file holds plain numbers, and none of a run that is not there', () => {
  const record = runRecord({ view: viewOf(), shown: '2' });
  assert.deepEqual(record.token_counts, [4, 3]);
  assert.deepEqual(record.groups[1], [0, 1, 1, 3]);
  assert.deepEqual(record.stages[0].partner, [-1, 2, 1, -1]);
  assert.throws(() => runRecord({ view: viewOf(), shown: '1' }), /there is no run 1/);
});
