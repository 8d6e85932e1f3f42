// Names of points: near their own, over no other.

import assert from 'node:assert/strict';
import test from 'node:test';

import { placeLabels } from '../../app/inspector/js/labels.js';

const bounds = { left: 0, right: 200, top: 0, bottom: 100 };

test('a name with room around it stands above its point', () => {
  assert.deepEqual(placeLabels([{ cx: 100, cy: 50, text: 'two' }], bounds), [{ x: 100, y: 38 }]);
});

test('a name at an edge stays inside', () => {
  const [{ x, y }] = placeLabels([{ cx: 2, cy: 5, text: 'long name' }], bounds);
  assert.ok(x >= 20 && y > 5);
});

test('names of points close together do not touch', () => {
  const points = [0, 1, 2].map((i) => ({ cx: 100 + 4 * i, cy: 50, text: 'name' }));
  const places = placeLabels(points, bounds);
  const width = 4 * 6.2;
  places.forEach((one, i) =>
    places.slice(i + 1).forEach((other) => {
      assert.ok(Math.abs(one.x - other.x) >= width || Math.abs(one.y - other.y) >= 13);
    }),
  );
});
