// Where the names of points go: near their own point, over no other name and no other point.

import { clamp } from '../../js/util.js';

/** @typedef {{cx: number, cy: number, text: string}} Dot */

const LABEL = { perLetter: 6.2, ascent: 9, descent: 4, reach: 6 };

// points: {cx, cy, text}; bounds: {left, right, top, bottom}. Gives each point's name the place {x, y} of its
// baseline's middle. Where all places are taken, the first one has to do.
/** @template {Dot} T @param {T[]} points @param {Box} bounds */
export function placeLabels(points, bounds) {
  const taken = points.map(({ cx, cy }) => boxAround(cx, cy));
  return points.map((point) => {
    const half = (point.text.length * LABEL.perLetter) / 2 + 2;
    const places = labelPlaces(point, half).map(([x, y]) => {
      const inside = clamp(x, bounds.left + half, bounds.right - half);
      return {
        x: inside,
        y,
        left: inside - half,
        right: inside + half,
        top: y - LABEL.ascent,
        bottom: y + LABEL.descent,
      };
    });
    /** @param {Box} box */
    const isFree = (box) =>
      box.top >= bounds.top && box.bottom <= bounds.bottom && !taken.some((other) => overlaps(box, other));
    const place = places.find(isFree) ?? places[0];
    taken.push(place);
    return { x: place.x, y: place.y };
  });
}

// Nearest first: above, below, beside, then the corners, then further away.
/** @param {Dot} dot @param {number} half @returns {[number, number][]} */
function labelPlaces({ cx, cy }, half) {
  const [above, below, beside] = [cy - 12, cy + 19, half + 9];
  return [
    [cx, above],
    [cx, below],
    [cx + beside, cy + 4],
    [cx - beside, cy + 4],
    [cx - half, above],
    [cx + half, above],
    [cx - half, below],
    [cx + half, below],
    [cx, above - 14],
    [cx, below + 14],
    [cx - half, above - 14],
    [cx + half, below + 14],
    [cx, above - 28],
    [cx, below + 28],
  ];
}

/** @param {number} x @param {number} y @returns {Box} */
const boxAround = (x, y) => ({
  left: x - LABEL.reach,
  right: x + LABEL.reach,
  top: y - LABEL.reach,
  bottom: y + LABEL.reach,
});
/** @param {Box} a @param {Box} b */
const overlaps = (a, b) => a.left < b.right && a.right > b.left && a.top < b.bottom && a.bottom > b.top;
