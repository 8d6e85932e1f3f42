// The trade-off chart's numbers: methods, their frontier, two bands of one scale, and what is worth measuring.

import assert from 'node:assert/strict';
import test from 'node:test';

import {
  bandsOf,
  chartScales,
  frontierOf,
  methodsOf,
  placedMethods,
  worthMeasuring,
} from '../../app/inspector/js/curvescale.js';
import { markOf } from '../../app/inspector/js/methodmarks.js';

const point = (x, y) => ({ x, y });
const method = (name, ...points) => ({ method: name, title: name, points });
const PLOT = { left: 50, right: 450, top: 10, main: 200, band: 40, gap: 14, width: 460 };

test('the frontier holds what nothing beats on both axes', () => {
  const points = [point(0.4, 0.95), point(0.5, 0.94), point(0.6, 0.99), point(0.6, 0.98)];
  assert.deepEqual(frontierOf(points, true), [point(0.4, 0.95), point(0.6, 0.99)]);
  assert.deepEqual(frontierOf([point(1, 1), point(1.5, 0.97), point(1.2, 0.96)], false), [
    point(1.5, 0.97),
    point(1, 1),
  ]);
});

test('no band where all agree about as well', () => {
  const { low, split } = bandsOf([method('mutual', point(0.5, 0.96)), method('other', point(0.5, 0.94))], 'mutual');
  assert.equal(low, split);
});

test('what agrees far less has a band of its own, and the rest its room', () => {
  const methods = [
    method('mutual', point(0.9, 0.99), point(0.5, 0.96)),
    method('random', point(0.6, 0.5)),
    method('other', point(0.5, 0.93)),
  ];
  const scales = chartScales(methods, 'mutual', PLOT);
  assert.equal(scales.isSplit, true);
  assert.ok(scales.y(0.93) <= scales.foot && scales.y(0.99) >= PLOT.top);
  assert.ok(scales.y(0.5) > scales.foot + PLOT.gap && scales.y(0.5) < scales.bottom);
  assert.ok(scales.y(0.96) - scales.y(0.99) > 50, 'three per cent are seen');
  assert.ok(scales.bandTicks.every((tick) => scales.y(tick) > scales.foot));
  assert.ok(scales.yTicks.every((tick) => scales.y(tick) <= scales.foot + 1e-9));
  assert.equal(scales.x(0.5) > PLOT.left && scales.x(0.9) < PLOT.right, true);
});

test('one point is a chart, too', () => {
  const scales = chartScales([method('mutual', point(1, 1))], 'mutual', PLOT, [1]);
  assert.ok([scales.x(1), scales.y(1), ...scales.yTicks.map(scales.y)].every(Number.isFinite));
});

const CLASSES = [{}, {}];
const run = (schedule, kept, agree) => ({
  schedule,
  stages: schedule === 'none' ? [] : [{}],
  tokenCounts: [100, kept],
  agreement: [
    [0, 0, agree],
    [0, 1, 100 - agree],
  ],
});
const figure = { value: 1.4, low: 1.3, high: 1.5, runs: 9 };
const STATE = {
  view: {
    key: 'p-m',
    classes: CLASSES,
    schedules: ['none', '2,5'],
    rules: [
      { name: 'mutual', title: 'Mutual pairs' },
      { name: 'bipartite', title: 'Bipartite (ToMe)' },
    ],
    runs: new Map(
      ['none', '2,5', 'bipartite(count=3)@2+bipartite(count=2)@5'].map((name, i) => [
        name,
        run(name, 100 - 20 * i, 100 - i),
      ]),
    ),
    curves: {
      done: 3,
      of: 9,
      curves: [
        {
          method: 'bipartite',
          title: 'Bipartite (ToMe)',
          points: [{ schedule: 'bipartite(0.2)@2', kept: 0.8, agreement: 0.99 }],
          left_out: null,
        },
        {
          method: 'smaller-picture',
          title: 'Smaller picture',
          points: [{ schedule: 'none|432px', kept: 0.7, agreement: 0.95 }],
          left_out: null,
        },
        { method: 'energy', title: 'Energy', points: [], left_out: 'It failed.' },
      ],
    },
  },
  speeds: new Map([['p-m|none|432px', { figure }]]),
};

test('methods are those of the message with the runs at hand among them', () => {
  const known = methodsOf(STATE);
  assert.deepEqual(
    known.map((one) => [one.method, one.title, one.points.length]),
    [
      ['bipartite', 'ToMe', 2],
      ['smaller-picture', 'Smaller picture', 1],
      ['energy', 'Energy', 0],
      ['mutual', 'MPM', 1],
    ],
  );
  assert.equal(known[2].leftOut, 'It failed.');
  assert.deepEqual(
    known[0].points.map((one) => Boolean(one.isOnLine)),
    [true, false],
    'one’s own recipe is no step of the method',
  );
});

test('on the axis of speed stands what was measured alone, with its interval', () => {
  const placed = placedMethods(methodsOf(STATE), 'latency');
  assert.deepEqual(
    placed.map(({ method: name, points }) => [name, points.map(({ x, low, high }) => [x, low, high])]),
    [['smaller-picture', [[1.4, 1.3, 1.5]]]],
  );
});

test('worth measuring: the frontier, each method’s nearest; neither random nor what is known; eight at most', () => {
  const names = Array.from({ length: 12 }, (_, i) => `m${i}`);
  const known = [...names, 'random'].map((name, i) => ({
    method: name,
    points: [0.3, 0.6, 0.9].map((kept) => ({
      schedule: `${name}@${kept}`,
      kept,
      agreement: 0.9 + kept / 20 - i / 1000,
      speed: name === 'm1' ? figure : null,
    })),
  }));
  const wanted = worthMeasuring(known, 0.6);
  assert.equal(wanted.length, 8);
  assert.equal(new Set(wanted).size, 8);
  assert.deepEqual(wanted.slice(0, 4), ['m0@0.3', 'm0@0.6', 'm0@0.9', 'm2@0.6']);
  assert.ok(!wanted.some((one) => one.startsWith('random') || one.startsWith('m1@')));
});

test('every method has a mark of its own', () => {
  const names = [
    'mutual',
    'bipartite',
    'regions',
    'windows',
    'energy',
    'graph',
    'rounds',
    'budget',
    'pool',
    'random',
    'smaller-picture',
    'mine',
    'yours',
  ];
  const marks = names.map((name) => markOf(name, names)).map(({ dash, shape }) => `${dash} ${shape}`);
  assert.equal(new Set(marks.slice(0, 12)).size, 12, 'by dashes and shape alone');
});
