// What the arrays mean: groups, pairs, reasons, agreement.

import assert from 'node:assert/strict';
import test from 'node:test';

import {
  compareClasses,
  followStages,
  historyOf,
  mergesPairs,
  membersOf,
  pairsOf,
  patchSpans,
} from '../../app/inspector/js/model.js';

const sentences = ['merged with {partner}', 'not merged: its nearest, {nearest}, preferred {rival}', 'not merged: alone'];

// Four patches in a row. First 1 and 2 merge, then what they became merges with 0; 3 stays alone.
const stages = () => [
  {
    block: 2, rule: 'mutual', sentences, code: [1, 0, 0, 2],
    index: [0, 1, 1, 2], partner: [-1, 2, 1, -1], nearest: [1, 2, 1, -1], similarity: [0.5, 0.9, 0.9, NaN],
  },
  {
    block: 5, rule: 'mutual', sentences, code: [0, 0, 2],
    index: [0, 0, 1], partner: [1, 0, -1], nearest: [1, 0, -1], similarity: [0.8, 0.8, NaN],
  },
];
const view = { cols: 4, rows: 1 };
const run = () => ({ schedule: '2,5', ...followStages(stages(), 4) });

test('a group is named by its first patch', () => {
  const { groups, tokens, sizes } = run();
  assert.deepEqual(groups.map((one) => [...one]), [[0, 1, 2, 3], [0, 1, 1, 3], [0, 0, 0, 3]]);
  assert.deepEqual([...tokens[2]], [0, 0, 0, 1]);
  assert.deepEqual([...sizes[2]], [3, 0, 0, 1]);
  assert.deepEqual(membersOf(groups[1], 2), [1, 2]);
});

test('a pair is told once, in patches', () => {
  const [first, second] = run().stages;
  assert.deepEqual(pairsOf(first), [{ from: 1, to: 2, similarity: 0.9 }]);
  assert.deepEqual(pairsOf(second), [{ from: 0, to: 1, similarity: 0.8 }]);
  assert.ok(mergesPairs(first));
});

test('a patch’s history says what became of it, and why', () => {
  const kinds = (patch) => historyOf(view, run(), patch).map(({ kind }) => kind);
  assert.deepEqual(kinds(0), ['preferred', 'merged']);
  assert.deepEqual(kinds(1), ['merged', 'merged']);
  assert.deepEqual(kinds(3), ['alone', 'alone']);
  const [entry] = historyOf(view, run(), 0);
  assert.deepEqual([entry.nearest, entry.rival, entry.nearestSimilarity], [1, 2, 0.9]);
});

test('every patch spans at least one pixel, and all pixels are spanned', () => {
  const grid = { cols: 3, rows: 1, patchW: 0.4, patchH: 1, padX: 0.1, padY: 0, width: 10, height: 4 };
  assert.deepEqual(patchSpans(grid), { xSpans: [[0, 3], [3, 7], [7, 10]], ySpans: [[0, 4]] });
});

test('agreement, overlap and flows of two masks', () => {
  const found = compareClasses([[0, 0, 60], [0, 1, 10], [1, 1, 30]], ['road', 'car', 'tree']);
  assert.equal(found.agreement, 0.9);
  assert.deepEqual(found.rows.map(({ index, iou }) => [index, iou]), [[0, 60 / 70], [1, 0.75]]);
  assert.equal(found.miou, (60 / 70 + 0.75) / 2);
  assert.deepEqual(found.flows, [{ from: 0, to: 1, share: 0.1 }]);
});
