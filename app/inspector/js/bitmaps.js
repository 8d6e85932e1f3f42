// Masks as bitmaps: a class, or a change of class, becomes the colour of its pixel.

import { contextOf } from '../../js/util.js';
import { rgbOf } from './ramps.js';

/** @param {Rgb} rgb @param {number} alpha */
const packed = ([r, g, b], alpha) => ((Math.round(alpha * 255) << 24) | (b << 16) | (g << 8) | r) >>> 0;

/** @param {Pick<View, 'classes'>} view */
const emptyPalette = ({ classes }) => new Uint32Array(classes.length > 255 ? 65536 : 256);

// Colours by class index, as the 32-bit words of ImageData; unknown classes are clear.
/** @param {Pick<View, 'classes'>} view */
export function plainPalette(view) {
  const words = emptyPalette(view);
  view.classes.forEach(({ colour }, index) => {
    words[index] = packed(rgbOf(colour), 1);
  });
  return words;
}

// Hidden classes are clear, and a class in focus pushes the others back.
/** @param {Pick<View, 'classes'>} view @param {Set<number>} hidden @param {number | null} focus */
export function filteredPalette(view, hidden, focus) {
  const words = emptyPalette(view);
  view.classes.forEach(({ colour }, index) => {
    const seen = !hidden.has(index) || focus === index;
    const strength = focus === null || focus === index ? 1 : 0.16;
    words[index] = seen ? packed(rgbOf(colour), strength) : 0;
  });
  return words;
}

// One word a pixel, onto a canvas of the picture's size; `canvas` is used again where there is one.
/** @param {Sized} view @param {Bitmap | null} canvas @param {(words: Uint32Array) => void} colour */
function bitmapOf(view, canvas, colour) {
  /** @type {Bitmap} */
  const target = canvas ?? new OffscreenCanvas(view.width, view.height);
  const image = (target.image ??= new ImageData(view.width, view.height));
  colour(new Uint32Array(image.data.buffer));
  contextOf(target).putImageData(image, 0, 0);
  return target;
}

/** @param {Sized} view @param {Labels} labels @param {Uint32Array} palette @param {Bitmap | null} [canvas] */
export function maskBitmap(view, labels, palette, canvas = null) {
  return bitmapOf(view, canvas, (words) => {
    for (let at = 0; at < words.length; at += 1) words[at] = palette[labels[at]];
  });
}

// Pixels whose class changed, in the colour of their new class; a flow in focus pushes the others back.
/**
 * @param {Sized} view
 * @param {Labels} before
 * @param {Labels} after
 * @param {Uint32Array} palette
 * @param {Flow | null} flow
 * @param {Bitmap | null} [canvas]
 */
export function changeBitmap(view, before, after, palette, flow, canvas = null) {
  return bitmapOf(view, canvas, (words) => {
    for (let at = 0; at < words.length; at += 1) {
      const from = before[at];
      const to = after[at];
      const back = flow && (from !== flow.from || to !== flow.to);
      words[at] = from === to ? 0 : back ? ((palette[to] & 0xffffff) | 0x20000000) >>> 0 : palette[to];
    }
  });
}
