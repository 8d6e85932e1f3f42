// Which masks a view can show, and what a fresh view shows first.

import assert from 'node:assert/strict';
import test from 'node:test';

import { freshMode } from '../../app/inspector/js/features.js';
import { maskModes, modeOf } from '../../app/inspector/js/masks.js';
import { choiceOf } from '../../app/inspector/js/options.js';
import { countAt, phaseAt, wordsOf } from '../../app/inspector/js/motion.js';
import { viewOf } from './fixtures.mjs';

test('truth and features are modes of views that have them; others fall back to the mask', () => {
  const plain = viewOf({ can: new Set() });
  assert.deepEqual(
    maskModes(plain).map(({ value }) => value),
    ['merged', 'changes', 'compare'],
  );
  const all = viewOf({ truth: new Uint8Array(4) });
  assert.deepEqual(
    maskModes(all).map(({ value }) => value),
    ['merged', 'changes', 'truth', 'features', 'compare'],
  );
  assert.equal(modeOf({ view: plain, maskMode: 'truth' }), 'merged');
  assert.equal(modeOf({ view: all, maskMode: 'truth' }), 'truth');
});

test('features take the place of classes that mean nothing, and give it back', () => {
  const unsure = viewOf({ unsure: true });
  const first = freshMode({ maskMode: 'compare', modeBefore: null }, unsure);
  assert.deepEqual(first, { maskMode: 'features', modeBefore: 'compare' });
  assert.deepEqual(freshMode(first, unsure), first);
  assert.deepEqual(freshMode(first, viewOf()), { maskMode: 'compare', modeBefore: null });
  assert.deepEqual(freshMode({ maskMode: 'truth', modeBefore: null }, viewOf()).maskMode, 'compare');
});

test('a recipe that merges brings its rule and options; one that does not leaves them', () => {
  const state = { method: 'energy(0.1)', options: ['sizes'] };
  assert.deepEqual(choiceOf(state, '2|residual'), { schedule: '2|residual', method: 'mutual', options: ['residual'] });
  assert.deepEqual(choiceOf(state, 'none'), { schedule: 'none', ...state });
  assert.equal(choiceOf(state, '2+energy(0.3)@5').method, 'energy(0.1)', 'by two rules');
});

test('a merge as a film: grid, nearest, found, flow, and its tokens roll down in the last', () => {
  assert.deepEqual(
    [0, 600, 1600, 2500].map((ms) => phaseAt(ms).phase),
    ['grid', 'nearest', 'found', 'flow'],
  );
  assert.deepEqual(phaseAt(250), { phase: 'grid', share: 0.5 });
  assert.equal(phaseAt(10_000), null);
  const run = { tokenCounts: [100, 60] };
  assert.equal(countAt({ phase: 'found', share: 1, stage: 1 }, run), 100);
  assert.equal(countAt({ phase: 'flow', share: 0.5, stage: 1 }, run), 80);
  assert.equal(wordsOf({ phase: 'grid' }), '');
});
