// From the message string to typed arrays and pictures. The only place that knows the wire format.

import { NONE } from '../../js/util.js';
import { followStages, patchSpans, patchSums } from './model.js';

export const SCHEMA = 'mpm-inspector/3';
const ARRAY_TYPES = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, f4: Float32Array };

export function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
  return bytes;
}

export const arrayOf = (base64, type) => new ARRAY_TYPES[type](bytesOf(base64).buffer);

// Indices with the type's largest number for "none" become signed, with -1.
function indicesOf(base64, type) {
  const missing = type === 'u2' ? 0xffff : 0xffffffff;
  return Int32Array.from(arrayOf(base64, type), (value) => (value === missing ? NONE : value));
}

async function inflate(base64) {
  const stream = new Blob([bytesOf(base64)]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function decodeStage(raw) {
  return {
    block: raw.block,
    rule: raw.rule,
    sentences: raw.sentences,
    code: arrayOf(raw.code, 'u1'),
    index: indicesOf(raw.index, raw.dtype),
    nearest: indicesOf(raw.nearest, raw.dtype),
    partner: indicesOf(raw.partner, raw.dtype),
    similarity: arrayOf(raw.similarity, 'f4'),
  };
}

export async function decodeRun(raw, size) {
  const stages = raw.stages.map(decodeStage);
  return {
    schedule: raw.schedule,
    blocks: raw.blocks,
    tokenCounts: raw.token_counts,
    notes: raw.notes,
    labels: await inflate(raw.labels),
    agreement: raw.agreement,
    truth: raw.truth,
    confidence: raw.confidence ?? null,
    ...followStages(stages, size),
  };
}

export async function decodePicture(src) {
  const picture = new Image();
  picture.src = src;
  await picture.decode();
  return picture;
}

export async function decodeView(raw) {
  const size = raw.grid.rows * raw.grid.cols;
  const view = {
    key: raw.view,
    digest: raw.picture,
    generation: raw.generation,
    model: raw.model ?? {},
    confidence: raw.confidence ?? null,
    reference: raw.reference ?? null,
    title: raw.title,
    notes: raw.notes,
    picture: await decodePicture(raw.image.src),
    src: raw.image.src,
    width: raw.image.width,
    height: raw.image.height,
    fullWidth: raw.image.full_width,
    fullHeight: raw.image.full_height,
    rows: raw.grid.rows,
    cols: raw.grid.cols,
    size,
    patchW: raw.grid.patch_w,
    patchH: raw.grid.patch_h,
    padX: raw.grid.pad_x,
    padY: raw.grid.pad_y,
    depth: raw.depth,
    classes: raw.classes,
    ignoreIndex: raw.ignore_index,
    schedules: raw.schedules,
    rules: raw.rules,
    named: raw.named,
    paper: raw.paper,
    baseline: raw.baseline,
    selected: raw.selected,
    can: new Set(raw.can),
    truth: raw.truth ? await inflate(raw.truth) : null,
    runs: new Map(),
    failed: new Map(),
    curves: null,
    sent: [],
  };
  Object.assign(view, patchSpans(view));
  view.sums = patchSums(view);
  return view;
}
