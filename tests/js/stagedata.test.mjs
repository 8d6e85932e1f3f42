// Stages as they travel: packed here by hand, as app/inspector/stage_table.py describes it.

import assert from 'node:assert/strict';
import test from 'node:test';
import { deflateSync } from 'node:zlib';

import { decodeStage } from '../../app/inspector/js/stagedata.js';

const NONE_I2 = -(2 ** 15);

function packed(indices, similarity, code) {
  const bytes = new Uint8Array(Float32Array.from(similarity).buffer);
  const planes = [0, 1, 2, 3].flatMap((plane) => similarity.map((_, token) => bytes[token * 4 + plane]));
  const arrays = [
    ...indices.map((one) => Buffer.from(Int16Array.from(one).buffer)),
    Buffer.from(planes),
    Buffer.from(code),
  ];
  return deflateSync(Buffer.concat(arrays)).toString('base64');
}

test('tokens come back from distances, and none stays none', async () => {
  const raw = {
    block: 2,
    rule: 'mutual',
    sentences: ['a', 'b'],
    tokens: 3,
    dtype: 'i2',
    data: packed(
      [
        [0, -1, -1],
        [1, -1, NONE_I2],
        [1, -1, NONE_I2],
      ],
      [0.5, 0.5, -0.25],
      [1, 1, 0],
    ),
  };
  const stage = await decodeStage(raw);
  assert.deepEqual([...stage.index], [0, 0, 1]);
  assert.deepEqual([...stage.nearest], [1, 0, -1]);
  assert.deepEqual([...stage.partner], [1, 0, -1]);
  assert.deepEqual([...stage.similarity], [0.5, 0.5, -0.25]);
  assert.deepEqual([...stage.code], [1, 1, 0]);
  assert.deepEqual([stage.block, stage.rule, stage.sentences], [2, 'mutual', ['a', 'b']]);
});
