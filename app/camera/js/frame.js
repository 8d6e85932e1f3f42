// An answered frame, as the painters of pictures and masks want it.

import { contextOf } from '../../js/util.js';
import { bytesOf, inflate, numbersOf } from '../../inspector/js/bytes.js';
import { patchSpans, patchSums, sizesOf } from '../../inspector/js/model.js';

// A frame of which nothing is known yet: its picture alone.
/** @param {Pick<Taken, 'canvas' | 'width' | 'height'>} taken @returns {BareFrame} */
export const bareFrame = ({ canvas, width, height }) => ({ view: { picture: canvas, width, height }, run: null });

// taken: what was sent (see grab.js); answer: Python's (see app/camera/frames.py).
/** @param {Taken} taken @param {Wire.Frame} answer */
export async function decodeFrame(taken, answer) {
  const [unmerged, merged] = await Promise.all(
    [answer.unmerged, answer.merged].map(async ({ labels }) => numbersOf(await inflate(labels), answer.classes.length)),
  );
  const groups = new Uint16Array(bytesOf(answer.groups).buffer);
  const view = viewOf(taken, answer);
  return {
    view,
    unmerged,
    run: { groups: [groups], sizes: [sizesOf(groups)], labels: merged },
    number: answer.number,
    tokens: answer.tokens,
    counts: answer.counts,
    blocks: answer.blocks,
    agreement: answer.agreement,
    takenAt: taken.takenAt,
  };
}

/** @param {Taken} taken @param {Wire.Frame} frame @returns {Gridded & {picture: HTMLCanvasElement}} */
function viewOf({ canvas, width, height }, { grid, classes }) {
  const { rows, cols } = grid;
  const placed = {
    picture: canvas,
    width,
    height,
    rows,
    cols,
    classes,
    size: rows * cols,
    patchW: grid.patch_w,
    patchH: grid.patch_h,
    padX: grid.pad_x,
    padY: grid.pad_y,
  };
  const view = { ...placed, ...patchSpans(placed) };
  return { ...view, sums: patchSums(view, contextOf(canvas).getImageData(0, 0, width, height).data) };
}
