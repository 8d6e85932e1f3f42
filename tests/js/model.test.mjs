// What the arrays mean: groups, pairs, reasons, agreement.

import assert from 'node:assert/strict';
import test from 'node:test';

import {
  compareClasses,
  followStages,
  distancesOf,
  historyOf,
  insideSpans,
  isInside,
  mergesPairs,
  membersOf,
  pairsOf,
  patchClass,
  patchesOutside,
  patchSpans,
  patchSums,
  tokensOutside,
} from '../../app/inspector/js/model.js';

const sentences = [
  'merged with {partner}',
  'not merged: its nearest, {nearest}, preferred {rival}',
  'not merged: alone',
];

// Four patches in a row. First 1 and 2 merge, then what they became merges with 0; 3 stays alone.
const stages = () => [
  {
    block: 2,
    rule: 'mutual',
    sentences,
    code: [1, 0, 0, 2],
    index: [0, 1, 1, 2],
    partner: [-1, 2, 1, -1],
    nearest: [1, 2, 1, -1],
    similarity: [0.5, 0.9, 0.9, NaN],
  },
  {
    block: 5,
    rule: 'mutual',
    sentences,
    code: [0, 0, 2],
    index: [0, 0, 1],
    partner: [1, 0, -1],
    nearest: [1, 0, -1],
    similarity: [0.8, 0.8, NaN],
  },
];
const view = { cols: 4, rows: 1 };
const run = () => ({ schedule: '2,5', ...followStages(stages(), 4) });

test('a group is named by its first patch', () => {
  const { groups, tokens, sizes } = run();
  assert.deepEqual(
    groups.map((one) => [...one]),
    [
      [0, 1, 2, 3],
      [0, 1, 1, 3],
      [0, 0, 0, 3],
    ],
  );
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
  assert.deepEqual(patchSpans(grid), {
    xSpans: [
      [0, 3],
      [3, 7],
      [7, 10],
    ],
    ySpans: [[0, 4]],
  });
});

test('agreement, overlap and flows of two masks', () => {
  const found = compareClasses(
    [
      [0, 0, 60],
      [0, 1, 10],
      [1, 1, 30],
    ],
    ['road', 'car', 'tree'],
  );
  assert.equal(found.agreement, 0.9);
  assert.deepEqual(
    found.rows.map(({ index, iou }) => [index, iou]),
    [
      [0, 60 / 70],
      [1, 0.75],
    ],
  );
  assert.equal(found.miou, (60 / 70 + 0.75) / 2);
  assert.deepEqual(found.flows, [{ from: 0, to: 1, share: 0.1 }]);
});

// 8 x 4 pixels in a square of 4 x 4 patches of 2 pixels: the lower half of the square is padding.
const square = () => {
  const grid = { cols: 4, rows: 4, size: 16, patchW: 0.25, patchH: 0.5, padX: 0, padY: 0, width: 8, height: 4 };
  const spans = patchSpans(grid);
  return { ...grid, ...spans, inside: insideSpans(spans) };
};

test('patches outside of the picture have no pixels, and are counted', () => {
  const padded = square();
  assert.deepEqual(padded.ySpans, [
    [0, 2],
    [2, 4],
    [4, 4],
    [4, 4],
  ]);
  assert.deepEqual(padded.inside, { rows: [0, 1], cols: [0, 3] });
  assert.ok(isInside(padded, 7) && !isInside(padded, 8));
  assert.equal(patchesOutside(padded), 8);
  assert.equal(patchClass(padded, new Uint8Array(32).fill(3), 5), 3);
  assert.equal(patchClass(padded, new Uint8Array(32), 12), -1);
  const sums = patchSums(padded, new Uint8ClampedArray(32 * 4).fill(9));
  assert.deepEqual([...sums.slice(7 * 4, 9 * 4)], [36, 36, 36, 4, 0, 0, 0, 0]);
});

test('a picture in the middle of its square has patches outside on both sides', () => {
  const spans = patchSpans({ cols: 1, rows: 4, patchW: 1, patchH: 0.5, padX: 0, padY: 0.5, width: 4, height: 4 });
  assert.deepEqual(insideSpans(spans).rows, [1, 2]);
});

test('a picture smaller than a patch still lies in one', () => {
  const spans = patchSpans({ cols: 3, rows: 2, patchW: 0.4, patchH: 0.5, padX: 0.1, padY: 0, width: 1, height: 1 });
  assert.deepEqual(insideSpans(spans), { rows: [0, 1], cols: [0, 2] });
});

test('tokens of nothing but padding are counted, and their pairs are no distances', () => {
  const padded = square();
  const groups = Int32Array.from({ length: 16 }, (_, patch) => (patch < 10 ? patch : 10));
  groups[9] = 0;
  assert.equal(tokensOutside(padded, groups), 2, 'patch 8, and the group from 10 on');
  const partner = new Int32Array(16).fill(-1);
  [partner[0], partner[1], partner[8], partner[9]] = [1, 0, 9, 8];
  const stage = {
    partner,
    nearest: partner,
    similarity: new Float32Array(16),
    position: Int32Array.from({ length: 16 }, (_, i) => i),
  };
  assert.deepEqual(distancesOf(padded, [stage]), [1]);
});
