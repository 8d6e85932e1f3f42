// A stage's arrays, as app/inspector/stage_table.py packs them: tokens as distances, similarities as byte planes.

import { NONE } from '../../js/util.js';
import { inflate } from './bytes.js';

const OFFSETS = { i2: { Type: Int16Array, none: -(2 ** 15) }, i4: { Type: Int32Array, none: -(2 ** 31) } };
const PLANES = 4;

/** @param {Wire.Stage} raw @returns {Promise<PlainStage>} */
export async function decodeStage(raw) {
  const { Type, none } = OFFSETS[raw.dtype];
  const bytes = await inflate(raw.data);
  const { tokens } = raw;
  const wide = tokens * Type.BYTES_PER_ELEMENT;
  /** @param {number} place */
  const tokensAt = (place) => fromOffsets(new Type(bytes.slice(place * wide, (place + 1) * wide).buffer), none);
  const planes = bytes.subarray(3 * wide, 3 * wide + PLANES * tokens);
  return {
    block: raw.block,
    rule: raw.rule,
    sentences: raw.sentences,
    index: tokensAt(0),
    nearest: tokensAt(1),
    partner: tokensAt(2),
    similarity: fromPlanes(planes, tokens),
    code: bytes.slice(3 * wide + PLANES * tokens),
  };
}

/** @param {Int16Array | Int32Array} offsets @param {number} none */
const fromOffsets = (offsets, none) =>
  Int32Array.from(offsets, (offset, token) => (offset === none ? NONE : token + offset));

/** @param {Uint8Array} planes @param {number} tokens */
function fromPlanes(planes, tokens) {
  const bytes = new Uint8Array(PLANES * tokens);
  for (let plane = 0; plane < PLANES; plane += 1) {
    for (let token = 0; token < tokens; token += 1) bytes[token * PLANES + plane] = planes[plane * tokens + token];
  }
  return new Float32Array(bytes.buffer);
}
