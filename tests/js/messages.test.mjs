// Messages from Python: each once, in order, and only where they belong.

import assert from 'node:assert/strict';
import test from 'node:test';

import { SCHEMA } from '../../app/inspector/js/decode.js';
import { createInbox } from '../../app/inspector/js/messages.js';
import { framesByHand, stateOf, storeOf } from './fixtures.mjs';

function page(state = stateOf(), more = {}) {
  framesByHand();
  const { store } = storeOf(state);
  const asked = [];
  const actions = { askMissing: (schedules) => asked.push(schedules), saved: () => asked.push('saved') };
  const opening = { resend: () => false, fail: (text) => asked.push(text), ...more };
  const told = { store, actions, opening, races: { consider: () => asked.push('race') } };
  const receive = createInbox(told);
  const settled = () => new Promise((done) => setTimeout(done, 5));
  let nonce = 0;
  const tell = async (kind, body = {}) => {
    receive(JSON.stringify({ schema: SCHEMA, kind, view: 'picture-tiny', nonce: (nonce += 1), ...body }));
    await settled();
  };
  return { store, state: store.state, asked, tell };
}

const floats = (...numbers) => Buffer.from(Float32Array.from(numbers).buffer).toString('base64');

test('a message counts once, however often it comes', async () => {
  const { state, store, tell } = page();
  await tell('curves', { curves: [], done: 1, of: 3, nonce: 7 });
  await tell('curves', { curves: [], done: 2, of: 3, nonce: 7 });
  assert.equal(state.view.curves.done, 1);
  assert.equal(store.stats.messages, 2);
});

test('what waits is told of the recipe that was chosen last', async () => {
  const { state, tell } = page(stateOf({ schedule: '9', acts: { view: 1, recipe: 4, race: 0, camera: 0 } }));
  await tell('waiting', { generation: 3, text: 'Others first', done: 1, of: 2 });
  assert.equal(state.queueing, null);
  await tell('waiting', { generation: 4, text: 'Others first', done: 1, of: 2 });
  assert.deepEqual(state.queueing, { text: 'Others first', done: 1, of: 2 });
});

test('nothing waits for a recipe that is at hand', async () => {
  const { state, tell } = page(stateOf({ schedule: '2', acts: { view: 1, recipe: 4, race: 0, camera: 0 } }));
  await tell('waiting', { generation: 4, text: 'Others first', done: 1, of: 2 });
  assert.equal(state.queueing, null);
});

test('a recipe that failed says why, and nothing waits for it any more', async () => {
  const { state, tell } = page(stateOf({ queueing: { text: 'Wait', done: 0, of: 1 } }));
  await tell('failed', { what: 'custom', generation: 0, schedules: ['9'], message: 'there is no block 9' });
  assert.equal(state.view.failed.get('9'), 'there is no block 9');
  assert.equal(state.queueing, null);
});

test('a picture that failed gives its place back; a notice where there is none', async () => {
  const pending = page(stateOf({ pending: { digest: null } }));
  await pending.tell('failed', { what: 'open', generation: 0, schedules: [], message: 'it is empty' });
  assert.deepEqual(pending.asked, ['it is empty']);
  const { state, tell } = page();
  await tell('failed', { what: 'features', generation: 0, schedules: [], message: 'too large' });
  assert.equal(state.notice.text, 'Too large.');
});

test('a similarity map comes with a scale that one outlier does not spoil', async () => {
  const { state, tell } = page();
  await tell('heat', { schedule: '2', stage: 1, patch: 0, caption: '', values: floats(1, 0.5, NaN, 0.25) });
  assert.deepEqual(state.heat.scale, { low: 0.25, high: 0.5 });
  await tell('heat', { view: 'another', schedule: '2', stage: 0, patch: 0, caption: '', values: floats(1) });
  assert.equal(state.heat.stage, 1);
});

test('runs that were lost on the way are asked for, and not twice at once', async () => {
  const { asked, tell } = page();
  await tell('explored', { generation: 0, sent: ['none', '2', '1,3'] });
  await tell('explored', { generation: 0, sent: ['none', '2', '1,3'] });
  assert.deepEqual(asked, [['1,3']]);
});

test('other kinds and other schemas leave the page as it is', async (context) => {
  const said = context.mock.method(console, 'error', () => {});
  const { state, tell } = page();
  const before = { ...state };
  await tell('constructor');
  assert.equal(said.mock.callCount(), 0);
  await tell('curves', { schema: 'mpm-inspector/0', curves: [], done: 3, of: 3 });
  assert.equal(said.mock.callCount(), 1);
  await tell('features', { schedule: '2', rows: 1, cols: 4, explained: [1], baseline: 'AAAA', merged: 'AAAA' });
  assert.equal(state.view.features.get('2').rows, 1, 'and the next one is heard');
  assert.deepEqual({ ...state, features: 0 }, before);
});
