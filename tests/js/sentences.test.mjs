// What the page says in words: head line, waiting, notices, captions, and what it does not know.

import assert from 'node:assert/strict';
import test from 'node:test';

import { headlineTexts } from '../../app/inspector/js/headline.js';
import { noticeOf } from '../../app/inspector/js/notice.js';
import { mergeCaption } from '../../app/inspector/js/merges.js';
import { unsureText } from '../../app/inspector/js/unsure.js';
import { waitingText } from '../../app/inspector/js/waiting.js';
import { emptyState, stateOf, viewOf } from './fixtures.mjs';

test('the head line: tokens, what stays the same, how fast', () => {
  assert.deepEqual(headlineTexts(emptyState()), []);
  assert.deepEqual(headlineTexts(stateOf({ shown: 'none' })), ['4 patches, none merged']);
  const [tokens, same, fast] = headlineTexts(stateOf());
  assert.deepEqual([tokens, same], ['4 patches became 3 tokens', '75.0 % of the mask is the same']);
  assert.equal(fast, 'not measured yet');
  assert.deepEqual(headlineTexts(stateOf({ pending: { title: 'next' } })), []);
});

test('what one waits for, and its share where somebody counts', () => {
  const nothing = { pending: null, exploring: null, queueing: null, live: null, cameraText: '' };
  const download = { text: 'Loading the model', done: 1, of: 4 };
  assert.equal(waitingText(nothing), '');
  assert.equal(waitingText({ ...nothing, pending: download }), 'Loading the model, 25 %…');
  assert.equal(waitingText({ ...nothing, queueing: { text: 'Waiting', done: null, of: null } }), 'Waiting…');
  assert.equal(
    waitingText({ ...nothing, queueing: { text: '2 of 3 before you', done: 2, of: 3 } }),
    '2 of 3 before you…',
  );
  assert.equal(waitingText({ ...nothing, exploring: { done: 3, of: 8 } }), '3 of 8 recipes');
  assert.equal(waitingText({ ...nothing, pending: download, cameraText: 'Asking…' }), 'Asking…');
});

test('a notice is a sentence, however Python spelled it', () => {
  assert.deepEqual(noticeOf(' the picture is empty '), { text: 'The picture is empty.', kind: 'trouble' });
  assert.deepEqual(noticeOf('Gone!', 'gone'), { text: 'Gone!', kind: 'gone' });
  assert.equal(noticeOf(''), null);
});

test('the caption of the merges: before any, after one, and where nothing merges', () => {
  assert.match(mergeCaption(stateOf({ stage: 0 })), /^Before any merge: 4 patches, each a token of its own/);
  assert.equal(mergeCaption(stateOf()), '3 tokens after the merge before block 2: an outlined shape is one.');
  assert.match(mergeCaption(stateOf({ shown: 'none' })), /^Nothing merges/);
  const layers = { ...stateOf().layers, links: { on: true, opacity: 1 } };
  assert.match(mergeCaption(stateOf({ layers })), /Lines join the 1 pair of this merge\.$/);
});

test('where the model cannot know the picture, that is said with its figures, if there are any', () => {
  assert.equal(unsureText(emptyState()), null);
  assert.equal(unsureText(stateOf()), null);
  const unsure = viewOf({ unsure: true, reference: { median: 0.9, low: 0.7 } });
  assert.match(unsureText(stateOf({ view: unsure })), /mean confidence 50 %, 90 % on its own kind\. What merges/);
  assert.doesNotMatch(unsureText(stateOf({ view: viewOf({ unsure: true }) })), /confidence/);
  assert.match(unsureText(stateOf({ view: unsure, maskMode: 'features' })), /These are features, not classes/);
});
