// Masks as bitmaps: a class, or a change of class, becomes the colour of its pixel.

import { rgbOf } from './ramps.js';

const packed = ([r, g, b], alpha) => ((Math.round(alpha * 255) << 24) | (b << 16) | (g << 8) | r) >>> 0;

const emptyPalette = ({ classes }) => new Uint32Array(classes.length > 255 ? 65536 : 256);

// Colours by class index, as the 32-bit words of ImageData; unknown classes are clear.
export function plainPalette(view) {
  const words = emptyPalette(view);
  view.classes.forEach(({ colour }, index) => {
    words[index] = packed(rgbOf(colour), 1);
  });
  return words;
}

// Hidden classes are clear, and a class in focus pushes the others back.
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
function bitmapOf(view, canvas, colour) {
  const target = canvas ?? new OffscreenCanvas(view.width, view.height);
  target.image ??= new ImageData(view.width, view.height);
  colour(new Uint32Array(target.image.data.buffer));
  target.getContext('2d').putImageData(target.image, 0, 0);
  return target;
}

export function maskBitmap(view, labels, palette, canvas = null) {
  return bitmapOf(view, canvas, (words) => {
    for (let at = 0; at < words.length; at += 1) words[at] = palette[labels[at]];
  });
}

// Pixels whose class changed, in the colour of their new class; a flow in focus pushes the others back.
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
