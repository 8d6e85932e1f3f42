// The picture on a canvas: fit, zoom, and from a point back to a patch.

import assert from 'node:assert/strict';
import test from 'node:test';

import {
  panned,
  patchAt,
  patchBox,
  patchCentre,
  pictureRect,
  pixelAt,
  zoomAbout,
} from '../../app/inspector/js/viewport.js';

// 40 x 20 pixels in 4 x 2 patches of 10 pixels.
const view = { width: 40, height: 20, cols: 4, rows: 2, patchW: 0.25, patchH: 0.5, padX: 0, padY: 0 };
const whole = { scale: 1, x: 0.5, y: 0.5 };
const size = { width: 80, height: 80 };

test('the picture is fitted and centred', () => {
  assert.deepEqual(pictureRect(view, 80, 80, whole), { x: 0, y: 20, w: 80, h: 40 });
});

test('a zoomed picture leaves no gap beside it', () => {
  const rect = pictureRect(view, 80, 80, { scale: 4, x: 0, y: 1 });
  assert.deepEqual(rect, { x: 0, y: -80, w: 320, h: 160 });
});

test('a patch’s centre lies in that patch, a point beside the picture in none', () => {
  const rect = pictureRect(view, 80, 80, whole);
  for (let patch = 0; patch < 8; patch += 1) {
    const { x, y } = patchCentre(view, rect, patch);
    assert.equal(patchAt(view, rect, x, y), patch);
  }
  assert.equal(patchAt(view, rect, 10, 19), null);
  assert.equal(pixelAt(view, rect, 10, 19), null);
  assert.equal(pixelAt(view, rect, 2, 22), 41);
});

test('a padded patch is cut at the picture’s edge', () => {
  const padded = { ...view, padX: 0.125 };
  const rect = pictureRect(padded, 80, 80, whole);
  assert.deepEqual(patchBox(padded, rect, 0), { x: 0, y: 20, w: 10, h: 20 });
});

test('a zoom keeps the point under the pointer, and has its limits', () => {
  const rect = pictureRect(view, 80, 80, whole);
  const zoom = zoomAbout(view, rect, size, whole, 4, 30, 35);
  const next = pictureRect(view, 80, 80, zoom);
  assert.equal(patchAt(view, next, 30, 35), patchAt(view, rect, 30, 35));
  assert.ok(Math.abs((30 - next.x) / next.w - 30 / 80) < 1e-9);
  assert.equal(zoomAbout(view, rect, size, whole, 1000, 30, 35).scale, 16);
  assert.deepEqual(zoomAbout(view, rect, size, zoom, 0.01, 30, 35), whole);
});

test('a drag moves the middle, and not beyond the picture', () => {
  const rect = { x: 0, y: 0, w: 320, h: 160 };
  assert.deepEqual(panned({ scale: 4, x: 0.5, y: 0.5 }, rect, 32, -400), { scale: 4, x: 0.4, y: 1 });
});

test('nothing of a patch outside of the picture is seen, and links lead towards it', () => {
  const square = { ...view, rows: 4 };
  const rect = pictureRect(square, 80, 80, whole);
  assert.deepEqual(patchBox(square, rect, 12), { x: 0, y: 60, w: 20, h: 0 });
  assert.deepEqual(patchCentre(square, rect, 12), { x: 10, y: 90 });
  assert.equal(patchAt(square, rect, 79, 59.9), 7, 'no point of the picture lies in the padding');
});
