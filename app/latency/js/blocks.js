// Time and tokens block by block: baseline and one merged schedule side by side.

import { lastOf, svgEl, ticksBetween, timeText } from '../../js/util.js';
import { contenderName } from './numbers.js';

/** @typedef {{block: number, count: number}} Step */
/** @typedef {{block: number, match: number, merge: number}} Times */

const LANE = { left: 44, right: 8, tokens: 74, gap: 26, time: 130, bottom: 34, top: 16 };
const COUNT_PX = 32;

/** @param {LiveUi} ui @param {Contender} baseline @param {Contender} merged */
export function showBlocks(ui, baseline, merged) {
  const width = Math.max(260, ui.blocks.clientWidth || 520);
  const figure = blocksFigure(baseline, merged, width);
  ui.blocks.replaceChildren(figure);
  ui.blocksCaption.textContent =
    merged === baseline
      ? 'Above: patch tokens that enter each encoder block. Below: the time each block takes.'
      : 'Above: patch tokens that enter each encoder block. Below: each block’s time, baseline left, merged right, ' +
        'with matching and merging (warm) stacked on the block they precede.';
}

/** @param {Contender} baseline @param {Contender} merged @param {number} width */
function blocksFigure(baseline, merged, width) {
  const depth = baseline.blocks.length;
  const pitch = (width - LANE.left - LANE.right) / depth;
  const height = LANE.top + LANE.tokens + LANE.gap + LANE.time + LANE.bottom;
  const both = merged === baseline ? [baseline] : [baseline, merged];
  return svgEl(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': blocksWords(both) },
    ...tokenLane(both, pitch, width),
    ...timeLane(both, pitch, width, height),
    ...Array.from({ length: depth }, (_, block) =>
      svgEl(
        'text',
        {
          x: LANE.left + (block + 0.5) * pitch,
          y: height - LANE.bottom + 16,
          class: 'tick',
        },
        String(block),
      ),
    ),
    svgEl('text', { x: LANE.left + (depth * pitch) / 2, y: height - 2, class: 'tick' }, 'encoder block'),
  );
}

/** @param {Contender[]} both */
function blocksWords(both) {
  return both
    .map((one) => {
      const { blocks } = one;
      const total = blocks.reduce((sum, [, ...times]) => sum + times.reduce((a, b) => a + b, 0), 0);
      return `${contenderName(one)}: ${timeText(total)} in all blocks, ${blocks[0][0]} tokens in, ${lastOf(blocks)[0]} out`;
    })
    .join('; ');
}

/** @param {Contender[]} both @param {number} pitch @param {number} width */
function tokenLane(both, pitch, width) {
  const most = Math.max(...both.map(({ blocks }) => blocks[0][0]));
  const bottom = LANE.top + LANE.tokens;
  /** @param {number} count */
  const y = (count) => bottom - (count / most) * LANE.tokens;
  const lines = both.map(({ blocks, tint }) =>
    svgEl('polyline', {
      class: `tokens ${tint}`,
      points: blocks
        .flatMap(([count], block) => [0, 1].map((end) => `${LANE.left + (block + end) * pitch},${y(count)}`))
        .join(' '),
    }),
  );
  const steps = lastOf(both).blocks.flatMap(([count], block, all) =>
    block === 0 || count !== all[block - 1][0] ? [{ block, count }] : [],
  );
  return [
    svgEl('line', { x1: LANE.left, x2: width - LANE.right, y1: bottom, y2: bottom, class: 'axis' }),
    svgEl('text', { x: LANE.left - 8, y: LANE.top + 4, class: 'tick end' }, 'tokens'),
    svgEl('text', { x: LANE.left - 8, y: bottom + 4, class: 'tick end' }, '0'),
    ...lines,
    ...apartBy(COUNT_PX / pitch, steps).map(({ block, count }) =>
      svgEl(
        'text',
        {
          x: Math.min(LANE.left + block * pitch + 3, width - COUNT_PX + 2),
          y: y(count) + (block === 0 ? -5 : 13),
          class: 'tick start',
        },
        String(count),
      ),
    ),
  ];
}

// Counts that have room beside each other: the first, and from the last backwards whoever does not touch the next.
/** @param {number} blocks @param {Step[]} steps @returns {Step[]} */
function apartBy(blocks, steps) {
  const [first, ...rest] = steps;
  const kept = rest.reduceRight(
    (/** @type {Step[]} */ later, step) =>
      later.length && later[0].block - step.block < blocks ? later : [step, ...later],
    [],
  );
  return [first, ...kept.filter(({ block }) => block >= blocks)];
}

/** @param {Contender[]} both @param {number} pitch @param {number} width @param {number} height */
function timeLane(both, pitch, width, height) {
  const top = height - LANE.bottom - LANE.time;
  const longest = Math.max(
    ...both.flatMap(({ blocks }) => blocks.map(([, ...times]) => times.reduce((a, b) => a + b, 0))),
  );
  const bar = (pitch * 0.78) / both.length;
  const ticks = ticksBetween(0, longest, 3);
  /** @param {number} ms */
  const y = (ms) => top + LANE.time * (1 - ms / longest);
  return [
    ...ticks.flatMap((ms) => [
      svgEl('line', { x1: LANE.left, x2: width - LANE.right, y1: y(ms), y2: y(ms), class: 'axis' }),
      svgEl('text', { x: LANE.left - 8, y: y(ms) + 4, class: 'tick end' }, String(ms)),
    ]),
    svgEl('text', { x: 0, y: top - 9, class: 'tick start' }, 'ms'), // beside the numbers there is no room for it
    ...both.flatMap((one, side) =>
      one.blocks.flatMap(([tokens, block, match, merge], number) =>
        blockBars(
          { block, match, merge },
          y,
          LANE.left + (number + 0.11) * pitch + side * bar,
          bar,
          one.tint,
          `block ${number}, ${contenderName(one)}: ${timeText(block)}${match ? `, matching ${timeText(match)}, merging ${timeText(merge)}` : ''}, ${tokens} tokens`,
        ),
      ),
    ),
  ];
}

/**
 * @param {Times} of
 * @param {(ms: number) => number} y
 * @param {number} x
 * @param {number} width
 * @param {string} tint
 * @param {string} words
 */
function blockBars({ block, match, merge }, y, x, width, tint, words) {
  /** @param {number} from @param {number} to @param {string} kind */
  const piece = (from, to, kind) =>
    svgEl(
      'rect',
      { x, width: Math.max(1, width - 1), y: y(to), height: Math.max(0, y(from) - y(to)), class: kind },
      svgEl('title', {}, words),
    );
  return [
    piece(0, block, `block ${tint}`),
    match ? piece(block, block + match, 'part-match') : null,
    merge ? piece(block + match, block + match + merge, 'part-merge') : null,
  ].filter(Boolean);
}
