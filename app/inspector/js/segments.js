// Segments of a mask that tells things apart: which pixel belongs to which, how many there are of a class, and
// their borders on a canvas.

import { contextOf } from '../../js/util.js';

// rows: [class, score, whether it is a thing]; ids: places in the table plus 1, 0 for none.
/** @param {[number, number, boolean][]} rows @param {Labels} ids @returns {Segments} */
export function segmentsOf(rows, ids) {
  const table = rows.map(([label, score, isThing]) => ({ label, score, isThing, number: 0, of: 0 }));
  const things = new Map();
  for (const one of table.filter(({ isThing }) => isThing)) {
    one.number = (things.get(one.label) ?? 0) + 1;
    things.set(one.label, one.number);
  }
  for (const one of table) one.of = things.get(one.label) ?? 0;
  return { ids, table, things };
}

// "person 2 of 5, score 0.97"; id: 0 is no segment, and says nothing.
/** @param {Pick<View, 'classes'>} view @param {Segments | null} segments @param {number} id */
export function segmentText(view, segments, id) {
  const segment = segments?.table[id - 1];
  if (!segment) return '';
  const { label, score, isThing, number, of } = segment;
  const counted = isThing && of > 1 ? ` ${number} of ${of}` : '';
  return `${view.classes[label].name}${counted}, score ${score.toFixed(2)}`;
}

// "× 5", or "× 5 → 4" where the two masks count differently; empty for what is not counted.
/** @param {number} label @param {Segments | null | undefined} before @param {Segments | null | undefined} after */
export function countText(label, before, after) {
  const [was, is] = [before, after].map((segments) => segments?.things.get(label) ?? 0);
  if (!was && !is) return '';
  return !before || was === is ? `× ${is}` : `× ${was} → ${is}`;
}

/** @param {Pick<Segments, 'table'>} segments */
export const thingsText = ({ table }) => {
  const things = table.filter(({ isThing }) => isThing).length;
  return `${things} ${things === 1 ? 'thing' : 'things'} told apart`;
};

const LINE = 0xf5ffffff;
const CASING_WORD = 0xb3180c0a;

// Borders of things as the 32-bit words of ImageData: one for every device pixel in xs and ys, which name the
// picture's column and row there. White inside of a thing, as wide as `line`, and one dark pixel outside.
/**
 * @param {Pick<Segments, 'ids' | 'table'>} segments
 * @param {number} width
 * @param {(label: number) => boolean} isShown
 * @param {Int32Array} xs
 * @param {Int32Array} ys
 * @param {number} line
 */
export function outlineWords({ ids, table }, width, isShown, xs, ys, line) {
  const shown = Uint16Array.from([null, ...table], (one, id) => (one?.isThing && isShown(one.label) ? id : 0));
  const [w, h] = [xs.length, ys.length];
  const seen = new Uint16Array(w * h);
  for (let y = 0, at = 0; y < h; y += 1)
    for (let x = 0; x < w; x += 1, at += 1) seen[at] = shown[ids[ys[y] * width + xs[x]]];
  const words = new Uint32Array(w * h);
  for (let y = 0, at = 0; y < h; y += 1) {
    for (let x = 0; x < w; x += 1, at += 1) {
      const id = seen[at];
      const far = id ? line : 1;
      const isEdge =
        seen[x >= far ? at - far : at] !== id ||
        seen[x + far < w ? at + far : at] !== id ||
        seen[y >= far ? at - far * w : at] !== id ||
        seen[y + far < h ? at + far * w : at] !== id;
      if (isEdge) words[at] = id ? LINE : CASING_WORD;
    }
  }
  return words;
}

// Onto a canvas whose context is in CSS pixels, on whole device pixels at any zoom; kept until something changes.
/**
 * @param {Context} ctx
 * @param {Rect} rect
 * @param {Pick<Shown, 'view' | 'hiddenClasses'>} state
 * @param {Run | null} run
 */
export function drawOutlines(ctx, rect, { view, hiddenClasses }, run) {
  if (!run?.segments) return;
  const ratio = ctx.getTransform().a;
  const [x0, y0] = [rect.x, rect.y].map((edge) => Math.max(0, Math.round(edge * ratio)));
  const x1 = Math.min(ctx.canvas.width, Math.round((rect.x + rect.w) * ratio));
  const y1 = Math.min(ctx.canvas.height, Math.round((rect.y + rect.h) * ratio));
  if (x1 <= x0 || y1 <= y0) return;
  const key = [x0, y0, x1, y1, rect.x, rect.y, rect.w, rect.h, ratio, ...hiddenClasses].join();
  if (run.outlined?.key !== key) {
    const xs = placesAlong(x0, x1, ratio, rect.x, rect.w, view.width);
    const ys = placesAlong(y0, y1, ratio, rect.y, rect.h, view.height);
    const words = outlineWords(
      run.segments,
      view.width,
      (label) => !hiddenClasses.has(label),
      xs,
      ys,
      Math.max(1, Math.round(ratio)),
    );
    run.outlined = { key, canvas: canvasOf(words, xs.length, ys.length) };
  }
  ctx.save();
  ctx.setTransform(1, 0, 0, 1, 0, 0);
  ctx.globalAlpha = 1;
  ctx.drawImage(run.outlined.canvas, x0, y0);
  ctx.restore();
}

// The picture's column or row under the middle of each device pixel.
/**
 * @param {number} from
 * @param {number} to
 * @param {number} ratio
 * @param {number} start
 * @param {number} length
 * @param {number} pixels
 */
export const placesAlong = (from, to, ratio, start, length, pixels) =>
  Int32Array.from({ length: to - from }, (_, i) => {
    const place = Math.floor((((from + i + 0.5) / ratio - start) / length) * pixels);
    return Math.min(pixels - 1, Math.max(0, place));
  });

/** @param {Uint32Array<ArrayBuffer>} words @param {number} width @param {number} height */
function canvasOf(words, width, height) {
  const canvas = new OffscreenCanvas(width, height);
  const image = new ImageData(new Uint8ClampedArray(words.buffer), width, height);
  contextOf(canvas).putImageData(image, 0, 0);
  return canvas;
}
