// The live camera without a browser: its sentences, its rates, and one frame after the other.

import assert from 'node:assert/strict';
import test from 'node:test';

import { startLoop } from '../../app/camera/js/loop.js';
import { createRates, liveHeadline, perSecond, rateText, shownText } from '../../app/camera/js/rates.js';
import { cameraSentence, noCameraHere, STOPPED } from '../../app/camera/js/sentences.js';
import { frameSize } from '../../app/camera/js/grab.js';

const ofName = (name) => cameraSentence({ name });

test('each refusal of the browser is one sentence that says what helps', () => {
  assert.match(ofName('NotAllowedError'), /^The camera was refused: allow it/);
  assert.match(ofName('NotFoundError'), /^No camera was found/);
  assert.match(ofName('NotReadableError'), /used by another program/);
  assert.match(ofName('SecurityError'), /settings forbid/);
  assert.equal(ofName('TrackStartError'), ofName('NotReadableError'));
  assert.equal(ofName('OverconstrainedError'), ofName('NotFoundError'));
  assert.match(ofName('FooError'), /could not be opened \(FooError\)/);
  for (const text of [...Object.values(STOPPED), ofName('AbortError')]) assert.equal(text.match(/\./g).length, 1, text);
});

test('a page on plain http says how to reach it', () => {
  const place = { isSecure: false, hostname: 'gpu-box', port: '7861' };
  assert.equal(noCameraHere(true, place), null);
  assert.match(
    noCameraHere(false, place),
    /only to https pages and to localhost.*ssh -L 7861:localhost:7861 gpu-box.*http:\/\/localhost:7861\.$/,
  );
  assert.match(noCameraHere(false, { ...place, port: '' }), /ssh -L 7860:localhost:80 gpu-box/);
  assert.match(noCameraHere(false, { ...place, isSecure: true }), /no camera to pages/);
});

const ran = (unmerged, merged) => ({ unmerged: { ms: unmerged }, merged: { ms: merged } });

test('rates are of running medians, and another recipe begins anew', () => {
  const rates = createRates();
  assert.deepEqual(rates.told(), { frames: 0, unmerged: null, merged: null, shown: null, delayMs: null });
  [
    [50, 40],
    [50, 40],
    [900, 40],
  ].forEach(([a, b]) => rates.answered('m', '2,5', ran(a, b)));
  [0, 100, 200].forEach((now) => rates.drawn(now - 70, now));
  assert.deepEqual(rates.told(), { frames: 3, unmerged: 20, merged: 25, shown: 10, delayMs: 70 });
  for (let i = 0; i < 40; i += 1) rates.answered('m', '2,5', ran(100, 80));
  assert.deepEqual([rates.told().frames, rates.told().merged], [30, 12.5]);
  rates.answered('m', '2', ran(100, 50));
  assert.deepEqual([rates.told().frames, rates.told().merged, rates.told().shown], [1, 20, null]);
});

test('a pause is not counted as a slow frame', () => {
  const rates = createRates();
  rates.drawn(0, 100);
  rates.paused();
  rates.drawn(9000, 9100);
  assert.equal(rates.told().shown, null);
});

test('texts of rates and of the head line', () => {
  assert.equal(perSecond([]), null);
  assert.deepEqual([rateText(null), rateText(8.449), rateText(31.6)], ['', '8.4 / s', '32 / s']);
  assert.equal(shownText({ shown: 8.449, delayMs: 141.2 }), 'shown: 8.4 / s, 141 ms from frame to drawing');
  assert.equal(shownText({ shown: null, delayMs: null }), 'measuring');
  assert.deepEqual(liveHeadline({ tokens: [352, 157], agreement: 0.9774 }), [
    'live: 352 patches became 157 tokens',
    '97.7 % of the mask is the same',
  ]);
  assert.deepEqual(liveHeadline({ tokens: [352, 352], agreement: 1 }), ['live: 352 patches, none merged']);
});

test('the shorter side of a frame has 256 pixels', () => {
  assert.deepEqual(frameSize({ videoWidth: 640, videoHeight: 480 }), { width: 341, height: 256 });
  assert.deepEqual(frameSize({ videoWidth: 720, videoHeight: 1280 }), { width: 256, height: 455 });
  assert.equal(frameSize({ videoWidth: 0, videoHeight: 0 }), null);
});

// A loop whose answers a test gives by hand.
function rig(more = {}) {
  const seen = { taken: 0, asked: [], heard: [] };
  const heard = Object.fromEntries(
    ['taken', 'answered', 'failed', 'slow', 'lost'].map((name) => [
      name,
      (...values) => seen.heard.push([name, values.at(-1)]),
    ]),
  );
  const camera = { isNew: () => true, take: () => ({ frame: (seen.taken += 1) }) };
  const ask = (taken, number) => new Promise((answer, refuse) => seen.asked.push({ taken, number, answer, refuse }));
  const end = startLoop({
    camera,
    ask,
    heard: { ...heard, ...more },
    pause: () => new Promise(setImmediate),
    slowMs: 20,
  });
  return { seen, end };
}
const soon = (ms = 5) => new Promise((done) => setTimeout(done, ms));
const names = (seen) => seen.heard.map(([name]) => name).filter((name) => name !== 'taken');

test('the next frame is taken when the last was answered, never before', async () => {
  const { seen, end } = rig();
  await soon();
  assert.deepEqual([seen.taken, seen.asked.length], [1, 1]);
  seen.asked[0].answer({ number: 1 });
  await soon();
  assert.deepEqual([seen.taken, seen.asked.map(({ number }) => number)], [2, [1, 2]]);
  end();
  seen.asked[1].answer({ number: 2 });
  await soon();
  assert.deepEqual([names(seen), seen.taken], [['answered'], 2], 'what comes after the end is not heard');
});

test('a failed answer is said and the next frame tried; a slow one is said', async () => {
  const { seen, end } = rig();
  await soon();
  seen.asked[0].answer({ number: 1, failed: 'No.' });
  await soon();
  assert.deepEqual([seen.heard[1], seen.taken], [['failed', 'No.'], 2]);
  await soon(40);
  assert.deepEqual(names(seen), ['failed', 'slow']);
  end();
});

test('a lost answer ends it unless told to go on', async () => {
  const answers = [true, false];
  const { seen } = rig({ lost: async () => answers.shift() });
  await soon();
  seen.asked[0].refuse(new Error('gone'));
  await soon();
  seen.asked[1].answer(undefined); // all that Gradio tells of an error
  await soon();
  assert.equal(seen.taken, 2);
});
