// What was sent before Gradio listened is sent again, until something is heard.

import assert from 'node:assert/strict';
import test from 'node:test';

import { createContact } from '../../app/inspector/js/contact.js';

function contactByHand() {
  const sent = [];
  const waiting = [];
  const contact = createContact(
    (name, data) => sent.push([name, data]),
    (action) => waiting.push(action),
  );
  return { contact, sent, wait: () => waiting.splice(0).forEach((action) => action()) };
}

test('of each kind the last event is repeated, five times at most', () => {
  const { contact, sent, wait } = contactByHand();
  contact.send('open', 1);
  contact.send('act', 2);
  contact.send('open', 3);
  sent.length = 0;
  for (let i = 0; i < 9; i += 1) wait();
  assert.equal(sent.length, 10);
  assert.deepEqual(sent.slice(0, 2), [
    ['open', 3],
    ['act', 2],
  ]);
});

test('once something is heard, nothing is sent twice', () => {
  const { contact, sent, wait } = contactByHand();
  contact.send('open', 1);
  contact.heard();
  wait();
  contact.send('act', 2);
  wait();
  assert.deepEqual(sent, [
    ['open', 1],
    ['act', 2],
  ]);
});
