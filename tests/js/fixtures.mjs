// A small view with two runs, and the state that shows it: four patches in a row, of which the middle two merge.

import { followStages, insideSpans, patchSpans } from '../../app/inspector/js/model.js';
import { createStore, initialState } from '../../app/inspector/js/store.js';

// Stores draw on the browser's next frame: here at once, when told.
export function framesByHand() {
  const waiting = [];
  globalThis.requestAnimationFrame = (draw) => waiting.push(draw);
  return () => waiting.splice(0).forEach((draw) => draw());
}

const MERGE = {
  block: 2,
  rule: 'mutual',
  sentences: ['merged with {partner}', 'not merged: alone'],
  code: Uint8Array.of(1, 0, 0, 1),
  index: Int32Array.of(0, 1, 1, 2),
  partner: Int32Array.of(-1, 2, 1, -1),
  nearest: Int32Array.of(1, 2, 1, 2),
  similarity: Float32Array.of(0.5, 0.75, 0.75, 0.25),
};

export function runOf(schedule, stages, labels, more = {}) {
  const counts = stages.length ? [4, 3] : [4];
  const followed = followStages(stages, 4);
  return {
    ...{ schedule, blocks: stages.map(({ block }) => block), tokenCounts: counts, notes: [], segments: null },
    ...{ labels: Uint8Array.from(labels), agreement: null, truth: null, confidence: null },
    ...followed,
    ...more,
  };
}

export function viewOf(more = {}) {
  const grid = { rows: 1, cols: 4, size: 4, width: 4, height: 1, patchW: 0.25, patchH: 1, padX: 0, padY: 0 };
  const spans = patchSpans(grid);
  const runs = [
    runOf('none', [], [0, 0, 1, 1], { confidence: 0.5 }),
    runOf('2', [MERGE], [0, 1, 1, 1], {
      agreement: [
        [0, 0, 1],
        [0, 1, 1],
        [1, 1, 2],
      ],
    }),
  ];
  return {
    ...grid,
    ...spans,
    inside: insideSpans(spans),
    ...{ key: 'picture-tiny', digest: 'picture', title: 'A row', model: { name: 'tiny' }, notes: [], depth: 4 },
    ...{ schedules: ['none', '2'], baseline: 'none', paper: '2', selected: '2', sent: ['none', '2'], curves: null },
    classes: [
      { name: 'road', colour: '#808080' },
      { name: 'sky', colour: '#4040ff' },
    ],
    rules: [{ name: 'mutual', title: 'Mutual pairs', parameters: [] }],
    named: [{ name: 'paper', title: 'MPM, as published', text: '2', source: 'the paper' }],
    ...{ can: new Set(['features', 'curves']), truth: null, unsure: false, reference: null },
    ...{ features: new Map(), renamed: new Map(), failed: new Map() },
    runs: new Map(runs.map((run) => [run.schedule, run])),
    ...more,
  };
}

export const PAGE = {
  models: [{ name: 'tiny' }],
  model: 'tiny',
  examples: [{ name: 'street', title: 'Street', thumbnail: 'street.jpg' }],
};

export const emptyState = (more = {}) => ({ ...initialState(PAGE), ...more });
export const stateOf = (more = {}) => emptyState({ view: viewOf(), schedule: '2', shown: '2', ...more });

// A store, and what was sent to Python.
export function storeOf(state) {
  const sent = [];
  return { store: createStore(state), sent, send: (name, data) => sent.push([name, data]) };
}
