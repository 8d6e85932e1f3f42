// Four steps on one patch of the person's own picture: a patch, its nearest, mutual?, merged. Starts by itself
// once, can be had again, and gets out of the way of whatever else the person does.

import { count, el } from '../../js/util.js';
import { drawArrow, drawMembers, drawPatchRing, drawVeil } from './highlight.js';
import { distanceBetween, membersOf, mergesPairs, pairsInside, whereMerged } from './model.js';
import { stagePairs } from './merges.js';
import { shownRun } from './store.js';
import { cellsOn } from './viewport.js';

const SEEN = 'mpm-tour-seen';
const BEST_DISTANCE = 4; // far enough to see an arrow, near enough to believe it

/** @param {Ui} ui @param {Store} store */
export function mountTour(ui, store) {
  ui.tourStart.addEventListener('click', () => startTour(ui, store, true));
  store.on(['view', 'runs', 'pending'], (state) => startOnce(ui, store, state));
  store.on(['tour', 'shown', 'view', 'pending'], (state) => {
    if (state.tour && (state.tour.run !== shownRun(state) || state.pending)) store.set({ tour: null });
    else showTour(ui, store);
  });
  for (const canvas of [ui.mergeTop, ui.baselineTop, ui.maskTop])
    canvas.addEventListener('pointerdown', () => store.set({ tour: null }));
  ui.root.addEventListener('keydown', (event) => event.key === 'Escape' && store.set({ tour: null }));
}

/** @param {Ui} ui @param {Store} store @param {State} state */
function startOnce(ui, store, state) {
  if (!state.view || state.pending || state.live || wasSeen()) return;
  startTour(ui, store, false);
}

// Where the browser keeps nothing for this page, the tour must not come back for ever.
let isSeenHere = false;
function wasSeen() {
  try {
    return isSeenHere || localStorage.getItem(SEEN) !== null;
  } catch {
    return isSeenHere;
  }
}
function remember() {
  isSeenHere = true;
  try {
    localStorage.setItem(SEEN, '1');
  } catch {
    // isSeenHere does for this visit
  }
}

// asked: whether the person pressed the button; then the keyboard goes to the tour, too.
/** @param {Ui} ui @param {Store} store @param {boolean} isAsked */
function startTour(ui, store, isAsked) {
  const { state } = store;
  const example = state.view && exampleOf(state);
  if (!example) return;
  remember();
  store.set({ tour: { ...example, step: 0, isAsked }, playing: false });
}

// Two tokens of the first merge that chose each other, a few patches apart.
/** @param {Shown} state */
export function exampleOf(state) {
  const run = shownRun(state);
  const [stage] = run?.stages ?? [];
  if (!stage || !mergesPairs(stage)) return null;
  const pairs = pairsInside(state.view, stagePairs(run, 0)).filter(({ similarity }) => Number.isFinite(similarity));
  if (!pairs.length) return null;
  /** @param {Pair} pair */
  const away = ({ from, to }) => Math.abs(distanceBetween(state.view, from, to) - BEST_DISTANCE);
  const pair = pairs.reduce((best, one) => (away(one) < away(best) ? one : best));
  return { run, ...pair };
}

/** @param {Omit<Tour, 'step'>} tour */
function stepTexts({ run, similarity }) {
  const [patches, tokens] = run.tokenCounts;
  return [
    ['A patch', `The picture is cut into ${patches} patches like this one. Each enters the model as one token.`],
    [
      'Its nearest',
      `${sentence(whereMerged(run, run.blocks[0]))} it looks for the token most like it, anywhere in the picture: cosine similarity ${similarity.toFixed(3)}.`,
    ],
    [
      'Mutual',
      'Its nearest looks for its own, and finds it: they chose each other. Where one prefers a third, nothing happens.',
    ],
    [
      'Merged',
      `So the two are one token from now on, their mean. ${count(patches - tokens, 'pair')} did that here: ${tokens} tokens go on.`,
    ],
  ];
}
/** @param {string} text */
const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** @param {Ui} ui @param {Store} store */
function showTour(ui, store) {
  const { state } = store;
  const { tour } = state;
  ui.tour.hidden = !tour;
  if (!tour) return;
  const steps = stepTexts(tour);
  const [title, text] = steps[tour.step];
  const isLast = tour.step === steps.length - 1;
  const hadFocus = tour.isAsked || ui.tour.contains(document.activeElement);
  const next = el(
    'button',
    {
      type: 'button',
      class: 'go',
      onclick: () => store.set({ tour: isLast ? null : { ...tour, step: tour.step + 1 } }),
    },
    isLast ? 'Done' : 'Next',
  );
  const leave = el('button', { type: 'button', onclick: () => store.set({ tour: null }) }, 'Skip');
  ui.tour.replaceChildren(
    el('p', { 'aria-live': 'polite' }, el('strong', {}, `${tour.step + 1} of ${steps.length}: ${title}. `), text),
    el('div', { class: 'tour-buttons' }, next, isLast ? null : leave),
  );
  if (hadFocus) next.focus({ preventScroll: true });
}

/** @param {Context} ctx @param {Shown} state @param {Rect} rect */
export function drawTour(ctx, state, rect) {
  const { view, tour } = state;
  if (!tour) return;
  const { from, to, step, run } = tour;
  const scene = { view, run, rect, cell: cellsOn(view, rect) };
  const shown = step < 3 ? [from, ...(step > 0 ? [to] : [])] : membersOf(run.groups[1], from);
  ctx.save();
  ctx.beginPath();
  ctx.rect(rect.x, rect.y, rect.w, rect.h);
  ctx.clip();
  drawVeil(ctx, scene, shown);
  if (step === 3) drawMembers(ctx, scene, shown);
  if (step > 0) drawArrow(ctx, view, rect, from, to, { colour: '#ffffff', width: 2.5, head: 10 });
  if (step > 1) drawArrow(ctx, view, rect, to, from, { colour: '#ff3d8b', width: 2.5, head: 10 });
  for (const patch of shown) drawPatchRing(ctx, scene, patch, true);
  ctx.restore();
}
