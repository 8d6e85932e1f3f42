// Things told apart: how they are counted, and their borders on device pixels.

import assert from 'node:assert/strict';
import test from 'node:test';

import {
  countText,
  outlineWords,
  placesAlong,
  segmentsOf,
  segmentText,
  thingsText,
} from '../../app/inspector/js/segments.js';

const view = { classes: [{ name: 'sky' }, { name: 'person' }] };
const rows = [
  [1, 0.97, true],
  [0, 0.5, false],
  [1, 0.912, true],
];
const segments = (ids = []) => segmentsOf(rows, Uint8Array.from(ids));

test('things are counted by class, what is no thing is not', () => {
  const told = segments();
  assert.equal(segmentText(view, told, 1), 'person 1 of 2, score 0.97');
  assert.equal(segmentText(view, told, 3), 'person 2 of 2, score 0.91');
  assert.equal(segmentText(view, told, 2), 'sky, score 0.50');
  assert.equal(segmentText(view, told, 0), '', 'no segment');
  assert.equal(segmentText(view, null, 1), '', 'a model that tells nothing apart');
  assert.equal(segmentText(view, segmentsOf([[1, 1, true]], []), 1), 'person, score 1.00');
  assert.equal(thingsText(told), '2 things told apart');
});

test('the legend counts things of both masks', () => {
  const one = segmentsOf([[1, 1, true]], []);
  assert.equal(countText(1, segments(), segments()), '× 2');
  assert.equal(countText(1, segments(), one), '× 2 → 1');
  assert.equal(countText(1, null, one), '× 1');
  assert.equal(countText(0, segments(), segments()), '');
});

// 6 x 1 pixels: nothing, a person of three pixels, the sky, another person.
const line = [0, 1, 1, 1, 2, 3];
const drawn = (ids, xs, width = 1, isShown = () => true) =>
  [...outlineWords(segments(ids), ids.length, isShown, Int32Array.from(xs), Int32Array.from([0]), width)]
    .map((word) => (word === 0 ? '.' : word >>> 24 > 200 ? 'o' : 'x'))
    .join('');

test('a border is light inside of a thing and dark outside, and none at the picture’s edge', () => {
  assert.equal(drawn(line, [0, 1, 2, 3, 4, 5]), 'xo.oxo');
  assert.equal(drawn([1, 1, 3, 3], [0, 1, 2, 3]), '.oo.', 'two things touch');
  assert.equal(
    drawn(line, [0, 1, 2, 3, 4, 5], 1, () => false),
    '......',
    'a hidden class has none',
  );
});

test('zoomed in, a border stays as thin as it was', () => {
  const zoomed = placesAlong(0, 24, 1, 0, 24, 6);
  assert.deepEqual([...zoomed.slice(3, 6)], [0, 1, 1]);
  assert.equal(drawn(line, zoomed), '...xo..........ox..xo...');
  assert.equal(drawn(line, zoomed, 2), '...xoo........oox..xoo..');
});

test('a picture beyond the canvas is seen from within, at half pixels too', () => {
  assert.deepEqual([...placesAlong(0, 4, 2, -10, 12, 6)], [5, 5, 5, 5]);
  assert.deepEqual([...placesAlong(0, 4, 1, 0.4, 4, 4)], [0, 1, 2, 3]);
});
