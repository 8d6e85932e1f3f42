// Opening a picture: it takes the screen at once, and gives it back where that fails.

import assert from 'node:assert/strict';
import test from 'node:test';

import { cuttingText, makeOpening } from '../../app/inspector/js/opening.js';
import { emptyState, framesByHand, stateOf, storeOf } from './fixtures.mjs';

const FILE = { name: 'cat.jpg' };

function page(state, more = {}) {
  framesByHand();
  const { store, sent, send } = storeOf(state);
  const forgotten = [];
  const files = {
    upload: async ({ name }) => ({ path: `/tmp/${name}` }),
    suspect: async () => true,
    preview: async () => 'blob:cat',
    forget: (src) => forgotten.push(src),
    known: new Map(),
    ...more,
  };
  return { store, sent, files, forgotten, state: store.state, opening: makeOpening(store, send, files) };
}
const settled = () => new Promise((done) => setTimeout(done, 0));

test('an example stands there at once, and is asked for by its name', () => {
  const { opening, state, sent } = page(emptyState());
  opening.example('street');
  assert.deepEqual([state.pending.src, state.pending.title], ['street.jpg', 'Street']);
  assert.deepEqual(sent, [['open', { source: { example: 'street' } }]]);
  opening.example('nobody knows it');
  assert.equal(sent.length, 1);
});

test('a file is sent, then opened; its preview stands there meanwhile', async () => {
  const { opening, state, sent } = page(emptyState());
  await opening.file(FILE);
  await settled();
  assert.deepEqual([state.pending.title, state.pending.src], ['cat', 'blob:cat']);
  assert.deepEqual(sent.at(-1), ['open', { source: { upload: '/tmp/cat.jpg', name: 'cat.jpg' } }]);
});

test('what another picture overtook is neither asked for nor shown', async () => {
  const { opening, state, sent, forgotten } = page(emptyState());
  const first = opening.file(FILE);
  opening.example('street');
  await first;
  await settled();
  assert.deepEqual(sent.at(-1)[1].source, { example: 'street' });
  assert.deepEqual([state.pending.src, forgotten], ['street.jpg', ['blob:cat']]);
});

test('a file that cannot be sent gives the picture before back, with a sentence', async () => {
  const broken = async () => {
    throw new Error('no way');
  };
  const { opening, state } = page(stateOf(), { upload: broken });
  await opening.file(FILE);
  assert.equal(state.pending, null);
  assert.match(state.notice.text, /could not be sent/);
});

test('what the server has forgotten is sent again by itself, but not for ever', async () => {
  const { opening, sent, files } = page(stateOf());
  const sentence = 'the picture is not kept here any more';
  assert.equal(opening.resend(sentence, 'picture'), false, 'nobody has that file');
  opening.remember('picture', FILE);
  assert.equal(opening.resend('the model is broken', 'picture'), false);
  assert.equal(opening.resend(sentence, null), false);
  assert.equal(opening.resend(sentence, 'picture'), true);
  assert.equal(opening.resend(sentence, 'picture'), false, 'a moment ago');
  await settled();
  assert.equal(sent.at(-1)[0], 'open');
  for (let i = 0; i < 20; i += 1) opening.remember(`other ${i}`, FILE);
  assert.equal(files.known.size, 12);
  assert.ok(!files.known.has('picture'), 'the oldest goes first');
});

test('another model opens the same picture; where there is none, nothing', () => {
  const { opening, state, sent } = page(stateOf());
  opening.model('tiny');
  assert.deepEqual(sent, []);
  opening.model('large');
  assert.deepEqual([state.model, sent.at(-1)], ['large', ['open', { source: { picture: 'picture' } }]]);
  const empty = page({ ...emptyState(), source: null });
  empty.opening.model('large');
  assert.deepEqual(empty.sent, []);
});

test('a view that was overtaken on its way is asked for once more, once', () => {
  const { opening, sent } = page(emptyState());
  opening.example('street');
  opening.lost(1);
  opening.lost(1);
  assert.deepEqual(sent, Array(2).fill(['open', { source: { example: 'street' } }]));
});

test('the pane says into how many patches, once that is known', () => {
  assert.equal(cuttingText(1376), 'Cutting into 1376 patches');
  assert.equal(cuttingText(null), 'Opening the picture');
});
