// Silence is not absence: the server is asked before it is called gone. First words are repeated until heard.

import assert from 'node:assert/strict';
import test from 'node:test';

import { createContact } from '../../app/inspector/js/contact.js';
import { createWatch } from '../../app/inspector/js/server.js';

function clock() {
  const timers = [];
  const own = {
    now: 0,
    later: (act, ms) => timers.push({ at: own.now + ms, act }),
    async pass(ms) {
      const end = own.now + ms;
      for (;;) {
        timers.sort((a, b) => a.at - b.at);
        if (!timers.length || timers[0].at > end) break;
        const { at, act } = timers.shift();
        own.now = at;
        act();
        await new Promise(setImmediate);
      }
      own.now = end;
    },
  };
  return own;
}

function watched() {
  const time = clock();
  const own = { isThere: true, pings: 0, told: [] };
  const ping = async () => {
    own.pings += 1;
    return own.isThere;
  };
  own.watch = createWatch({ ping, tell: (isGone) => own.told.push(isGone), now: () => time.now, later: time.later });
  return Object.assign(own, { time });
}

test('an answer in time needs no ping', async () => {
  const own = watched();
  own.watch.asked();
  await own.time.pass(4000);
  own.watch.answered();
  await own.time.pass(60_000);
  assert.deepEqual([own.pings, own.told], [0, []]);
});

test('a slow server is there; one that is gone is said once, and its return too', async () => {
  const own = watched();
  own.watch.asked();
  await own.time.pass(10_500);
  assert.deepEqual([own.pings, own.told], [1, []]);
  own.isThere = false;
  await own.time.pass(20_500);
  assert.deepEqual(own.told, [true]);
  own.isThere = true;
  await own.time.pass(6000);
  assert.deepEqual(own.told, [true, false]);
});

test('what came before Gradio listened is said again, the last of each kind', async () => {
  const time = clock();
  const sent = [];
  const contact = createContact((name, data) => sent.push(`${name} ${data}`), time.later);
  contact.send('open', 1);
  contact.send('open', 2);
  await time.pass(2600);
  assert.deepEqual(sent, ['open 1', 'open 2', 'open 2']);
  contact.heard();
  await time.pass(20_000);
  contact.send('open', 3);
  await time.pass(20_000);
  assert.deepEqual(sent.slice(3), ['open 3']);
});
