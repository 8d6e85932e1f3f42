// One patch enlarged.

import { contextOf, el } from '../../js/util.js';
import { HOT } from './highlight.js';
import { colOf, rowOf } from './model.js';

const CROP_PX = 64;

// The patch enlarged, with what surrounds it: a newcomer sees what a token looks like.
/** @param {Shown} state @param {number} patch */
export function patchCrop(state, patch) {
  const { view } = state;
  const canvas = el('canvas', {
    class: 'crop',
    width: CROP_PX * 2,
    height: CROP_PX * 2,
    'aria-hidden': 'true',
  });
  const context = contextOf(canvas);
  const side = CROP_PX * 2;
  const [x0, x1] = view.xSpans[colOf(view, patch)];
  const [y0, y1] = view.ySpans[rowOf(view, patch)];
  const [w, h] = [x1 - x0, y1 - y0];
  context.imageSmoothingEnabled = w > 12;
  context.drawImage(view.picture, x0 - w / 2, y0 - h / 2, w * 2, h * 2, 0, 0, side, side);
  context.strokeStyle = HOT;
  context.lineWidth = 3;
  context.strokeRect(side / 4, side / 4, side / 2, side / 2);
  return canvas;
}
