// An answered frame, as the painters of pictures and masks want it.

import { bytesOf, inflate, numbersOf } from '../../inspector/js/bytes.js';
import { patchSpans, patchSums, sizesOf } from '../../inspector/js/model.js';

// A frame of which nothing is known yet: its picture alone.
export const bareFrame = ({ canvas, width, height }) => ({ view: { picture: canvas, width, height }, run: null });

// taken: what was sent (see grab.js); answer: Python's (see app/camera/frames.py).
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

function viewOf({ canvas, width, height }, { grid, classes }) {
  const { rows, cols } = grid;
  const view = {
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
  Object.assign(view, patchSpans(view));
  view.sums = patchSums(view, canvas.getContext('2d').getImageData(0, 0, width, height).data);
  return view;
}
