// From the message string to typed arrays and pictures. The only place that knows the wire format.

import { bytesOf, inflate, numbersOf } from './bytes.js';
import { followStages, insideSpans, patchSpans, patchSums } from './model.js';
import { segmentsOf } from './segments.js';

export const SCHEMA = 'mpm-inspector/4';
/** @param {string} base64 */
export const floatsOf = (base64) => new Float32Array(bytesOf(base64).buffer);

// stages: the message's own, which its runs name by number; several runs may share one.
/**
 * @param {Wire.Run} raw
 * @param {Pick<View, 'size' | 'classes'>} view
 * @param {PlainStage[]} stages
 * @returns {Promise<Run>}
 */
export async function decodeRun(raw, { size, classes }, stages) {
  return {
    schedule: raw.schedule,
    blocks: raw.blocks,
    tokenCounts: raw.token_counts,
    notes: raw.notes,
    labels: await decodeLabels(raw.labels, classes),
    segments: raw.segments
      ? segmentsOf(raw.segments.table, numbersOf(await inflate(raw.segments.ids), raw.segments.table.length))
      : null,
    agreement: raw.agreement,
    truth: raw.truth,
    confidence: raw.confidence ?? null,
    ...followStages(
      raw.stages.map((number) => ({ ...stages[number] })),
      size,
    ),
  };
}

/** @param {string} text @param {Class[]} classes */
const decodeLabels = async (text, classes) => numbersOf(await inflate(text), classes.length);

/** @param {string} src */
export async function decodePicture(src) {
  const picture = new Image();
  picture.src = src;
  await picture.decode();
  return picture;
}

/** @param {Wire.View} raw @returns {Promise<View>} */
export async function decodeView(raw) {
  const grid = {
    width: raw.image.width,
    height: raw.image.height,
    rows: raw.grid.rows,
    cols: raw.grid.cols,
    size: raw.grid.rows * raw.grid.cols,
    patchW: raw.grid.patch_w,
    patchH: raw.grid.patch_h,
    padX: raw.grid.pad_x,
    padY: raw.grid.pad_y,
  };
  const picture = await decodePicture(raw.image.src);
  const spans = patchSpans(grid);
  return {
    ...grid,
    ...spans,
    inside: insideSpans(spans),
    picture,
    sums: patchSums({ ...grid, ...spans, picture }),
    key: raw.view,
    digest: raw.picture,
    model: raw.model,
    reference: raw.reference ?? null,
    unsure: raw.unsure === true,
    title: raw.title,
    notes: raw.notes,
    src: raw.image.src,
    fullWidth: raw.image.full_width,
    fullHeight: raw.image.full_height,
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
    truth: raw.truth ? await decodeLabels(raw.truth, raw.classes) : null,
    runs: new Map(),
    failed: new Map(),
    curves: null,
    features: new Map(), // the final tokens as colours, by recipe: {rows, cols, explained, baseline, merged}
    renamed: new Map(), // recipes as somebody spelled them, and their own texts
    sent: [],
  };
}
