// A small histogram: how many patches apart the merged pairs lie.

import { choice, count, percent, svgEl } from '../../js/util.js';
import { distancesOf } from './model.js';
import { figure } from './schedule.js';
import { shownRun, shownStage } from './store.js';

const LAST_BIN = 8; // the last bar holds everything farther

/** @param {Ui} ui @param {Store} store */
export function mountLocality(ui, store) {
  const show = choice(ui.localityScope, 'Pairs counted', (/** @type {State['localityScope']} */ value) =>
    store.set({ localityScope: value }),
  );
  store.on(['view', 'runs', 'shown', 'stage', 'localityScope'], (state) => {
    if (!state.view) return;
    show(
      [
        { value: 'stage', text: 'This stage' },
        { value: 'run', text: 'All stages' },
      ],
      state.localityScope,
    );
    showLocality(ui, state);
  });
}

/** @param {Shown} state */
function countedStages(state) {
  const run = shownRun(state);
  const stage = shownStage(state);
  if (state.localityScope === 'run') return run.stages;
  return stage > 0 ? [run.stages[stage - 1]] : [];
}

/** @param {Shown} state */
function localityOf(state) {
  const distances = distancesOf(state.view, countedStages(state));
  const bins = new Array(LAST_BIN).fill(0);
  for (const distance of distances) bins[Math.min(distance, LAST_BIN) - 1] += 1;
  /** @param {number} limit */
  const within = (limit) => distances.filter((distance) => distance <= limit).length / distances.length;
  return {
    pairs: distances.length,
    bins,
    shares: [1, 2, 4].map((limit) => ({ limit, share: within(limit) })),
  };
}

/** @param {Ui} ui @param {Shown} state */
function showLocality(ui, state) {
  const locality = localityOf(state);
  ui.histogram.replaceChildren(histogramFigure(locality));
  ui.shares.replaceChildren(
    ...(locality.pairs ? locality.shares : []).map(({ limit, share }) =>
      figure(percent(share, share === 1 ? 0 : 1), `within ${count(limit, 'patch')}`),
    ),
  );
  ui.localityCaption.textContent = locality.pairs
    ? `Steps right, left, up or down between the partners of ${count(locality.pairs, 'pair')}. ` +
      'Nothing forces them to be neighbours.'
    : 'No pair to count at this stage.';
}

/** @param {ReturnType<typeof localityOf>} localityOf */
function histogramFigure({ pairs, bins }) {
  const [width, height, base] = [300, 104, 84];
  const top = Math.max(1, ...bins);
  const step = width / LAST_BIN;
  const label = pairs ? bins.map((number, i) => `${binName(i)}: ${number}`).join(', ') : 'no pairs';
  return svgEl(
    'svg',
    {
      viewBox: `0 0 ${width} ${height}`,
      role: 'img',
      'aria-label': `Pairs by distance in patches. ${label}`,
    },
    svgEl('line', { x1: 0, x2: width, y1: base, y2: base, class: 'axis' }),
    ...bins.flatMap((number, i) => {
      const tall = (number / top) * (base - 18);
      return [
        svgEl('rect', {
          x: i * step + 3,
          width: step - 6,
          y: base - tall,
          height: tall,
          rx: 2,
          class: 'bar',
        }),
        svgEl('text', { x: (i + 0.5) * step, y: base - tall - 4, class: 'value' }, number ? String(number) : ''),
        svgEl('text', { x: (i + 0.5) * step, y: base + 15, class: 'name' }, binName(i)),
      ];
    }),
  );
}

/** @param {number} i */
const binName = (i) => (i === LAST_BIN - 1 ? `${LAST_BIN}+` : String(i + 1));
