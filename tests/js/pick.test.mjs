// What is taken for a picture, and what opening one does to the state.

import assert from 'node:assert/strict';
import test from 'node:test';

import { exampleLabel } from '../../app/inspector/js/filmstrip.js';
import { makeOpening } from '../../app/inspector/js/opening.js';
import { pictureAmong, refusalOf } from '../../app/inspector/js/pick.js';
import { initialState } from '../../app/inspector/js/store.js';
import { wishOf } from '../../app/inspector/js/wish.js';

const file = (name, type = '', size = 1000) => ({ name, type, size });

test('pictures by type or by ending; all else is refused by a sentence', () => {
  for (const good of [file('a.jpg', 'image/jpeg'), file('b.TIFF'), file('c.heic'), file('clipboard')])
    assert.equal(refusalOf(good), null);
  assert.match(refusalOf(file('a.pdf', 'application/pdf')), /“a.pdf” is no picture/);
  assert.match(refusalOf(file('a.jpg', 'image/jpeg', 60e6)), /60 MB; a picture may have 50 MB at most/);
  assert.match(refusalOf(file('a.jpg', 'image/jpeg', 0)), /is empty/);
  assert.ok(refusalOf(file(`${'x'.repeat(500)}.pdf`)).length < 80);
});

test('of several files the first picture counts', () => {
  const good = file('b.png', 'image/png');
  assert.equal(pictureAmong([file('a.pdf'), good]), good);
  assert.equal(pictureAmong([]), null);
});

test('examples are announced by name and kind', () => {
  assert.equal(exampleLabel({ title: 'High street', kind: 'synthetic street' }), 'High street, synthetic street');
  assert.equal(exampleLabel({ title: 'Cat', kind: 'photo' }), 'Cat, photo');
});

const FACTS = {
  model: 'tiny',
  models: [{ name: 'tiny' }, { name: 'large' }],
  selected_example: 'street',
  examples: [
    { name: 'street', title: 'High street', thumbnail: 'data:s' },
    { name: 'cat', title: 'Cat', thumbnail: 'data:c' },
  ],
};
const VIEW = {
  key: 'p-tiny',
  digest: 'p',
  title: 'High street',
  src: 'data:p',
  model: { name: 'tiny' },
  source: { example: 'street' },
  schedules: ['none', '2,5'],
  runs: new Map([['none', {}]]),
};

function page(upload = async ({ name }) => ({ path: `/up/${name}` })) {
  const state = { ...initialState(FACTS), view: VIEW };
  const sent = [];
  const files = {
    upload,
    suspect: async () => true,
    preview: async () => 'blob:x',
    forget: () => {},
    known: new Map(),
  };
  const store = { state, set: (changes) => Object.assign(state, changes) };
  const opening = makeOpening(store, (name, data) => sent.push([name, { ...wishOf(state), ...data }]), files);
  return { state, sent, opening, files };
}

test('an example takes the screen at once', () => {
  const { state, sent, opening } = page();
  opening.example('cat');
  assert.deepEqual([state.pending.src, state.pending.title, state.acts.view], ['data:c', 'Cat', 1]);
  assert.deepEqual(sent, [
    ['open', { generation: 1, picture: null, model: 'tiny', recipe: '2,5', source: { example: 'cat' } }],
  ]);
});

test('a photo ends the old picture, then is sent', async () => {
  const { state, sent, opening } = page();
  await opening.file(file('me.jpg', 'image/jpeg'));
  assert.deepEqual(
    sent.map(([name]) => name),
    ['act', 'open'],
  );
  assert.deepEqual(sent[1][1].source, { upload: '/up/me.jpg', name: 'me.jpg' });
  assert.deepEqual([state.pending.src, state.pending.title], ['blob:x', 'me']);
});

test('a photo that was overtaken while it was sent is not opened', async () => {
  const { sent, opening } = page();
  const first = opening.file(file('me.jpg', 'image/jpeg'));
  opening.example('cat');
  await first;
  assert.deepEqual(
    sent.map(([name, { source }]) => [name, source?.example]),
    [
      ['act', undefined],
      ['open', 'cat'],
    ],
  );
});

test('where it cannot be sent, the picture before comes back with one sentence', async () => {
  const { state, sent, opening } = page(async () => {
    throw new Error('no');
  });
  await opening.file(file('me.jpg', 'image/jpeg'));
  assert.deepEqual([state.pending, state.view, state.source], [null, VIEW, { example: 'street' }]);
  assert.equal(state.notice.text, 'The picture could not be sent to the server.');
  assert.deepEqual(sent.at(-1)[1].schedules, ['2,5']);
});

test('another model opens the same picture, and failing goes back', () => {
  const { state, sent, opening } = page();
  opening.model('large');
  assert.deepEqual([state.model, sent[0][1].model, sent[0][1].source], ['large', 'large', { example: 'street' }]);
  opening.fail('no such model');
  assert.deepEqual([state.model, state.notice.text], ['tiny', 'No such model.']);
});

test('what the server has forgotten is sent again by itself, once', async () => {
  const { sent, opening, files } = page();
  const gone = 'This picture is not kept here any more: please pick it again.';
  assert.ok(opening.resend(gone, 'p'));
  assert.deepEqual(sent[0][1].source, { example: 'street' });
  assert.ok(!opening.resend(gone, 'p'));
  assert.ok(!opening.resend(gone, 'unknown'));
  assert.ok(!opening.resend('Something else.', 'p'));
  opening.remember('q', file('me.jpg', 'image/jpeg'));
  assert.ok(opening.resend(gone, 'q'));
  await new Promise(setImmediate);
  assert.deepEqual(sent.at(-1)[1].source, { upload: '/up/me.jpg', name: 'me.jpg' });
  assert.equal(files.known.size, 1);
});
