// What the arrays mean: groups, members, reasons, agreement. Pure functions, no drawing.

import { mergesInside } from '../../js/recipe.js';
import { clamp, contextOf, lastOf, NONE } from '../../js/util.js';

/** @typedef {Pick<GridShape, 'cols'> & {inside?: Inside}} Grounded */
/** @typedef {GridShape & Spans & Sized & {picture: Gridded['picture']}} Covered */

// Walks the insertions: representatives of each stage's tokens, and the group of every patch after it.
/** @param {PlainStage[]} stages @param {number} size */
export function followStages(stages, size) {
  let groups = Int32Array.from({ length: size }, (_, patch) => patch);
  let token = groups;
  let position = groups;
  const allGroups = [groups];
  const allTokens = [token];
  const placed = stages.map((stage) => ({ ...stage, position }));
  for (const stage of placed) {
    stage.position = position;
    position = nextPositions(stage);
    const previous = token;
    token = Int32Array.from(previous, (t) => stage.index[t]);
    groups = Int32Array.from(token, (t) => position[t]);
    allGroups.push(groups);
    allTokens.push(token);
  }
  return { stages: placed, groups: allGroups, tokens: allTokens, sizes: allGroups.map(sizesOf) };
}

/** @param {Stage} stage */
function nextPositions(stage) {
  const merged = stage.index.reduce((top, value) => Math.max(top, value), NONE) + 1;
  const next = new Int32Array(merged).fill(0x7fffffff);
  stage.index.forEach((to, from) => {
    next[to] = Math.min(next[to], stage.position[from]);
  });
  return next;
}

/** @param {ArrayLike<number> & Iterable<number>} groups */
export function sizesOf(groups) {
  const sizes = new Int32Array(groups.length);
  for (const group of groups) sizes[group] += 1;
  return sizes;
}

/** @param {ArrayLike<number>} groups @param {number} patch */
export function membersOf(groups, patch) {
  const members = [];
  for (let p = 0; p < groups.length; p += 1) if (groups[p] === groups[patch]) members.push(p);
  return members;
}

/** @param {Pick<GridShape, 'cols'>} view @param {number} patch */
export const rowOf = (view, patch) => Math.floor(patch / view.cols);
/** @param {Pick<GridShape, 'cols'>} view @param {number} patch */
export const colOf = (view, patch) => patch % view.cols;
/** @param {Pick<GridShape, 'cols'>} view @param {number} a @param {number} b */
export const distanceBetween = (view, a, b) =>
  Math.abs(rowOf(view, a) - rowOf(view, b)) + Math.abs(colOf(view, a) - colOf(view, b));
// Where an insertion merges: "before block 2", or "in block 2" where that is between attention and MLP.
/** @param {Pick<Run, 'schedule'>} run @param {number} block */
export const whereMerged = (run, block) => `${mergesInside(run.schedule) ? 'in' : 'before'} block ${block}`;
/** @param {Pick<Run, 'tokenCounts'>} run */
export const tokensLeft = ({ tokenCounts }) => lastOf(tokenCounts);
/** @param {Pick<Run, 'tokenCounts'>} run */
export const keptShare = (run) => tokensLeft(run) / run.tokenCounts[0];
/** @param {Pick<Run, 'stages'>} run */
export const lastStage = (run) => run.stages.length;

// What each insertion did to the token that holds this patch, in its rule's own words. {partner}, {nearest} and
// {rival} in a sentence stand for the places of the same names; `kind` says which of them the sentence is about.
/** @param {View} view @param {Run} run @param {number} patch @returns {HistoryEntry[]} */
export function historyOf(view, run, patch) {
  return run.stages.map((stage, k) => {
    const token = run.tokens[k][patch];
    const places = placesOf(stage, token);
    const sentence = stage.sentences[stage.code[token]];
    const isInside = mergesInside(run.schedule);
    const entry = {
      block: stage.block,
      isInside,
      rule: stage.rule,
      sentence,
      ...places,
      kind: kindOf(sentence, places),
    };
    if (entry.kind === 'merged') return mergedEntry(view, stage, token, entry);
    return { ...entry, similarity: stage.similarity[token], nearestSimilarity: stage.similarity[stage.nearest[token]] };
  });
}

/**
 * @param {View} view
 * @param {Stage} stage
 * @param {number} token
 * @param {Omit<HistoryEntry, 'similarity'>} entry
 * @returns {HistoryEntry}
 */
function mergedEntry(view, stage, token, entry) {
  const partner = stage.partner[token];
  const similarity = stage.nearest[token] === partner ? stage.similarity[token] : NaN;
  return { ...entry, similarity, distance: distanceBetween(view, entry.self, entry.partner ?? entry.self) };
}

/** @param {Stage} stage @param {number} token @returns {Places} */
function placesOf(stage, token) {
  /** @param {number | undefined} one */
  const at = (one) => (one === NONE || one === undefined ? undefined : stage.position[one]);
  const nearest = stage.nearest[token];
  const rival = nearest === NONE ? NONE : stage.nearest[nearest];
  return { self: stage.position[token], partner: at(stage.partner[token]), nearest: at(nearest), rival: at(rival) };
}

/** @param {string} sentence @param {Places} places @returns {HistoryKind} */
function kindOf(sentence, { partner }) {
  if (partner !== undefined) return 'merged';
  if (sentence.includes('{rival}')) return 'preferred';
  if (sentence.includes('{nearest}')) return 'unpaired';
  return sentence.startsWith('not merged') ? 'alone' : 'joined';
}

// Every two tokens of which one names the other, once; the similarity of those that were looked at for it.
/** @param {Stage} stage @returns {Pair[]} */
export function pairsOf(stage) {
  /** @type {Pair[]} */
  const pairs = [];
  stage.partner.forEach((partner, token) => {
    if (partner === NONE || (stage.partner[partner] === token && partner < token)) return;
    pairs.push({
      from: stage.position[token],
      to: stage.position[partner],
      similarity: stage.nearest[token] === partner ? stage.similarity[token] : NaN,
    });
  });
  return pairs;
}

/** @param {Grounded} view @param {Pair[]} pairs */
export const pairsInside = (view, pairs) => pairs.filter(({ from, to }) => isInside(view, from) && isInside(view, to));

// Whether all groups of a stage are pairs, so that "pair" is the word for them.
/** @param {Pick<Stage, 'partner'>} stage */
export const mergesPairs = (stage) =>
  stage.partner.every((partner, token) => partner === NONE || stage.partner[partner] === token);

// Patches of the padding are all alike, so pairs of them say nothing.
/** @param {Grounded} view @param {Stage[]} stages */
export const distancesOf = (view, stages) =>
  stages.flatMap((stage) => pairsInside(view, pairsOf(stage)).map((pair) => distanceBetween(view, pair.from, pair.to)));

// Display pixels whose centre lies in each column and row of patches: none beyond the picture, else at least one.
/** @param {Omit<GridShape, 'size'> & GridPlace & Sized} view @returns {Spans} */
export function patchSpans(view) {
  /** @param {number} number @param {number} share @param {number} pad @param {number} pixels @returns {Span[]} */
  const spans = (number, share, pad, pixels) =>
    Array.from({ length: number }, (_, i) => {
      /** @param {number} place */
      const at = (place) => (place * share - pad) * pixels;
      const from = clamp(Math.ceil(at(i) - 0.5), 0, pixels);
      const to = clamp(Math.ceil(at(i + 1) - 0.5), 0, pixels);
      if (at(i) >= pixels - BARELY || at(i + 1) <= BARELY) return [from, from];
      const middle = clamp(Math.floor(at(i + 0.5)), 0, pixels - 1);
      return to > from ? [from, to] : [middle, middle + 1];
    });
  return {
    xSpans: spans(view.cols, view.patchW, view.padX, view.width),
    ySpans: spans(view.rows, view.patchH, view.padY, view.height),
  };
}

const BARELY = 1e-6; // pixels

// First and last row and column of patches that touch the picture: some models pad it to a square.
/** @param {Spans} spans @returns {Inside} */
export function insideSpans({ xSpans, ySpans }) {
  /** @param {Span[]} spans @returns {Span} */
  const reach = (spans) => {
    /** @param {Span} span */
    const isIn = ([from, to]) => to > from;
    return [spans.findIndex(isIn), spans.findLastIndex(isIn)];
  };
  return { rows: reach(ySpans), cols: reach(xSpans) };
}

/** @param {number} value @param {Span} span */
const isBetween = (value, [first, last]) => value >= first && value <= last;
/** @param {Grounded} view @param {number} patch */
export const isInside = (view, patch) =>
  !view.inside || (isBetween(rowOf(view, patch), view.inside.rows) && isBetween(colOf(view, patch), view.inside.cols));

/** @param {Span} span */
const lengthOf = ([first, last]) => last - first + 1;
/** @param {{size: number, inside: Inside}} given */
export const patchesOutside = ({ size, inside }) => size - lengthOf(inside.rows) * lengthOf(inside.cols);

// How many tokens stand for nothing but patches outside the picture.
/** @param {Grounded} view @param {Int32Array} groups */
export function tokensOutside(view, groups) {
  const inside = new Set(groups.filter((_, patch) => isInside(view, patch)));
  return new Set(groups).size - inside.size;
}

// Sum of red, green, blue and the number of pixels, four numbers a patch.
/** @param {Covered} view @param {Uint8ClampedArray} [pixels] */
export function patchSums(view, pixels = picturePixels(view)) {
  const sums = new Float64Array(view.size * 4);
  for (let patch = 0; patch < view.size; patch += 1) {
    eachPixel(view, patch, (at) => {
      for (let c = 0; c < 3; c += 1) sums[patch * 4 + c] += pixels[at * 4 + c];
      sums[patch * 4 + 3] += 1;
    });
  }
  return sums;
}

/** @param {Covered} view */
function picturePixels(view) {
  const canvas = new OffscreenCanvas(view.width, view.height);
  const context = contextOf(canvas, { willReadFrequently: true });
  context.drawImage(view.picture, 0, 0, view.width, view.height);
  return context.getImageData(0, 0, view.width, view.height).data;
}

/** @param {Covered} view @param {number} patch @param {(pixel: number) => void} visit */
function eachPixel(view, patch, visit) {
  const [x0, x1] = view.xSpans[colOf(view, patch)];
  const [y0, y1] = view.ySpans[rowOf(view, patch)];
  for (let y = y0; y < y1; y += 1) for (let x = x0; x < x1; x += 1) visit(y * view.width + x);
}

// Mean colour of every group, at the place of its representative: three bytes each.
/** @param {Pick<Gridded, 'size' | 'sums'>} view @param {ArrayLike<number>} groups */
export function groupColours(view, groups) {
  const sums = new Float64Array(view.size * 4);
  for (let patch = 0; patch < view.size; patch += 1) {
    for (let c = 0; c < 4; c += 1) sums[groups[patch] * 4 + c] += view.sums[patch * 4 + c];
  }
  const colours = new Uint8ClampedArray(view.size * 3);
  for (let g = 0; g < view.size; g += 1) {
    if (sums[g * 4 + 3]) for (let c = 0; c < 3; c += 1) colours[g * 3 + c] = sums[g * 4 + c] / sums[g * 4 + 3];
  }
  return colours;
}

// The class, or the segment, that most of a patch's pixels have; NONE outside the picture.
/** @param {Covered} view @param {Labels} labels @param {number} patch */
export function patchClass(view, labels, patch) {
  const votes = new Map();
  eachPixel(view, patch, (at) => votes.set(labels[at], (votes.get(labels[at]) ?? 0) + 1));
  return [...votes].reduce((best, vote) => (vote[1] > best[1] ? vote : best), [NONE, 0])[0];
}

// From [class before, class after, pixels]: agreement, area and IoU of each class, mIoU, and what became what.
/** @param {Wire.Triple[]} triples @param {Class[]} classes @returns {Comparison} */
export function compareClasses(triples, classes) {
  const rows = classes.map((_, index) => ({ index, before: 0, after: 0, both: 0, iou: NaN }));
  let total = 0;
  for (const [before, after, pixels] of triples) {
    rows[before].before += pixels;
    rows[after].after += pixels;
    if (before === after) rows[before].both += pixels;
    total += pixels;
  }
  for (const row of rows) row.iou = row.both / (row.before + row.after - row.both);
  const seen = rows.filter((row) => row.before + row.after > 0);
  return {
    total,
    rows: seen.map((row) => ({ ...row, before: row.before / total, after: row.after / total })),
    agreement: total ? seen.reduce((sum, row) => sum + row.both, 0) / total : NaN,
    miou: seen.length ? seen.reduce((sum, row) => sum + row.iou, 0) / seen.length : NaN,
    flows: triples
      .filter(([a, b]) => a !== b)
      .sort((a, b) => b[2] - a[2])
      .map(([from, to, pixels]) => ({ from, to, share: pixels / total })),
  };
}
