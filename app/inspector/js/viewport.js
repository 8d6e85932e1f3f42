// Where the picture lies on a canvas: fit, zoom, and from a point back to a patch.

import { clamp, contextOf } from '../../js/util.js';
import { colOf, rowOf } from './model.js';

/** @typedef {Pick<GridShape, 'cols'> & GridPlace} Placed */

const MAX_ZOOM = 16;

// The picture's rectangle in CSS pixels. `zoom`: scale and the fraction of the picture in the middle.
/** @param {Sized} view @param {number} width @param {number} height @param {Zoom} zoom @returns {Rect} */
export function pictureRect(view, width, height, zoom) {
  const fit = Math.min(width / view.width, height / view.height);
  const w = view.width * fit * zoom.scale;
  const h = view.height * fit * zoom.scale;
  return { x: keepInside(width, w, zoom.x), y: keepInside(height, h, zoom.y), w, h };
}

// Centres what is smaller than the canvas, and leaves no gap beside what is larger.
/** @param {number} room @param {number} length @param {number} middle */
function keepInside(room, length, middle) {
  if (length <= room) return (room - length) / 2;
  return clamp(room / 2 - middle * length, room - length, 0);
}

/** @param {GridShape & GridPlace} view @param {Rect} rect @param {number} x @param {number} y */
export function patchAt(view, rect, x, y) {
  const fx = (x - rect.x) / rect.w;
  const fy = (y - rect.y) / rect.h;
  if (fx < 0 || fy < 0 || fx >= 1 || fy >= 1) return null;
  const col = Math.min(Math.floor((fx + view.padX) / view.patchW), view.cols - 1);
  const row = Math.min(Math.floor((fy + view.padY) / view.patchH), view.rows - 1);
  return row * view.cols + col;
}

/** @param {Sized} view @param {Rect} rect @param {number} x @param {number} y */
export function pixelAt(view, rect, x, y) {
  const px = Math.floor(((x - rect.x) / rect.w) * view.width);
  const py = Math.floor(((y - rect.y) / rect.h) * view.height);
  return px < 0 || py < 0 || px >= view.width || py >= view.height ? null : py * view.width + px;
}

// A patch's size and the grid's left top corner, which lies outside of the picture where padding precedes it.
/** @param {GridPlace} view @param {Rect} rect @returns {Rect} */
export const cellsOn = (view, rect) => ({
  x: rect.x - rect.w * view.padX,
  y: rect.y - rect.h * view.padY,
  w: rect.w * view.patchW,
  h: rect.h * view.patchH,
});

// A patch's rectangle on the canvas, wherever it lies.
/** @param {Placed} view @param {Rect} rect @param {number} patch @returns {Rect} */
export function patchCell(view, rect, patch) {
  const { x, y, w, h } = cellsOn(view, rect);
  return { x: x + colOf(view, patch) * w, y: y + rowOf(view, patch) * h, w, h };
}

// The same, cut at the picture's edge: of no size for a patch outside.
/** @param {Placed} view @param {Rect} rect @param {number} patch @returns {Rect} */
export function patchBox(view, rect, patch) {
  const cell = patchCell(view, rect, patch);
  const x = clamp(cell.x, rect.x, rect.x + rect.w);
  const y = clamp(cell.y, rect.y, rect.y + rect.h);
  const right = clamp(cell.x + cell.w, x, rect.x + rect.w);
  const bottom = clamp(cell.y + cell.h, y, rect.y + rect.h);
  return { x, y, w: right - x, h: bottom - y };
}

// The middle of what is seen of a patch; of one outside, its own.
/** @param {Placed} view @param {Rect} rect @param {number} patch @returns {Point} */
export function patchCentre(view, rect, patch) {
  const box = patchBox(view, rect, patch);
  const { x, y, w, h } = box.w > 0 && box.h > 0 ? box : patchCell(view, rect, patch);
  return { x: x + w / 2, y: y + h / 2 };
}

// Zooms about a point of the canvas, which keeps its place in the picture.
/**
 * @param {Sized} view
 * @param {Rect} rect
 * @param {Sized} size
 * @param {Zoom} zoom
 * @param {number} factor
 * @param {number} x
 * @param {number} y
 * @returns {Zoom}
 */
export function zoomAbout(view, rect, size, zoom, factor, x, y) {
  const scale = clamp(zoom.scale * factor, 1, MAX_ZOOM);
  if (scale === 1) return { scale: 1, x: 0.5, y: 0.5 };
  const next = pictureRect(view, size.width, size.height, { ...zoom, scale });
  const fx = clamp((x - rect.x) / rect.w, 0, 1);
  const fy = clamp((y - rect.y) / rect.h, 0, 1);
  return { scale, x: (size.width / 2 - x) / next.w + fx, y: (size.height / 2 - y) / next.h + fy };
}

// A zoom moved by a drag in CSS pixels.
/** @param {Zoom} zoom @param {Rect} rect @param {number} dx @param {number} dy @returns {Zoom} */
export const panned = (zoom, rect, dx, dy) => ({
  ...zoom,
  x: clamp(zoom.x - dx / rect.w, 0, 1),
  y: clamp(zoom.y - dy / rect.h, 0, 1),
});

// Sizes a canvas to its element and returns a context in CSS pixels.
/** @param {HTMLCanvasElement} canvas @param {Sized} size @returns {Context} */
export function prepareCanvas(canvas, size) {
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  const width = Math.max(1, Math.round(size.width * ratio));
  const height = Math.max(1, Math.round(size.height * ratio));
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = contextOf(canvas);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, size.width, size.height);
  return context;
}

// The ground of a canvas follows the theme of the page.
/** @param {Element} stage */
export const groundColour = (stage) => getComputedStyle(stage).backgroundColor;
