// Colour scales: their ends, what lies between, and what has no number.

import assert from 'node:assert/strict';
import test from 'node:test';

import { linkColour, rampColour, scaleShare, similarityScale, sizeShare } from '../../app/inspector/js/ramps.js';

test('a ramp holds its ends and keeps within them', () => {
  assert.deepEqual(rampColour('viridis', 0), [0x44, 0x01, 0x54]);
  assert.deepEqual(rampColour('viridis', 7), [0xfd, 0xe7, 0x25]);
  assert.deepEqual(rampColour('plasma', NaN), rampColour('plasma', -1));
  assert.deepEqual(rampColour('viridis', 0.5 / 15), [0x46, 0x0e, 0x60]);
});

test('one scale of similarity for all pictures and recipes', () => {
  const run = { stages: [{ similarity: [-1, NaN, 0.9] }] };
  assert.deepEqual(similarityScale(run), similarityScale({ stages: [] }));
  assert.ok(similarityScale(run).low < similarityScale(run).high);
});

test('a similarity that nobody measured is grey', () => {
  assert.equal(linkColour({ low: 0, high: 1 }, NaN), '#9aa3b2');
  assert.equal(linkColour({ low: 0, high: 1 }, 0), 'rgba(68, 1, 84, 1)');
  assert.equal(scaleShare({ low: 0.5, high: 1 }, 0.75), 0.5);
});

test('doublings of a group count alike', () => {
  assert.deepEqual(
    [1, 2, 4, 8].map((size) => sizeShare(size, 8) * 3),
    [0, 1, 2, 3],
  );
  assert.equal(sizeShare(1, 1), 0);
});
