// Stacked bars by part, and the same as numbers: the merge's price beside its gain.

import { el, timeText } from '../../js/util.js';
import { contenderName } from './numbers.js';

/** @type {Record<string, string>} */
const PART_NAMES = {
  preprocess: 'resize and normalise',
  embed: 'embed',
  blocks: 'blocks',
  match: 'match',
  merge: 'merge',
  reconstruct: 'reconstruct',
  decode: 'decode',
  upsample: 'upsample',
};
const PRICE_PARTS = ['match', 'merge', 'reconstruct'];

/** @param {Contender} of */
const partsTotal = ({ parts }) => Object.values(parts).reduce((sum, ms) => sum + ms, 0);

/** @param {LiveUi} ui @param {Contender[]} contenders @param {Contender} focus */
export function showParts(ui, contenders, focus) {
  const profiled = contenders.filter((one) => partsTotal(one) > 0);
  const longest = Math.max(...profiled.map(partsTotal));
  ui.bars.replaceChildren(...profiled.map((one) => stackedBar(one, longest)));
  const baseline = profiled.find(({ name }) => name === focus.against);
  ui.parts.replaceChildren(baseline ? partsTable(baseline, partsTotal(focus) ? focus : baseline) : '');
  ui.partsCaption.textContent =
    'Whole runs, picture to mask, with every part on the clock; medians of up to five. ' +
    'Warm colours are the price of merging.';
}

/** @param {Contender} one @param {number} longest */
function stackedBar(one, longest) {
  const segments = Object.entries(one.parts).filter(([, ms]) => ms > 0);
  const label = segments.map(([part, ms]) => `${PART_NAMES[part]} ${timeText(ms)}`).join(', ');
  return el(
    'div',
    { class: 'lat-bar' },
    el('span', { class: 'name' }, contenderName(one)),
    el(
      'span',
      { class: 'track', role: 'img', 'aria-label': label },
      ...segments.map(([part, ms]) =>
        el('i', {
          class: `part-${part}`,
          style: { width: `${(100 * ms) / longest}%` },
          title: `${PART_NAMES[part]}: ${timeText(ms)}`,
        }),
      ),
    ),
    el('span', { class: 'value' }, timeText(partsTotal(one))),
  );
}

// The bars above say by which recipe.
/** @param {Contender} baseline @param {Contender} merged */
function partsTable(baseline, merged) {
  const same = baseline === merged;
  const names = Object.keys(PART_NAMES).filter((part) => (baseline.parts[part] ?? 0) + (merged.parts[part] ?? 0) > 0);
  const other = baseline.runtime === merged.runtime ? 'Merged' : merged.runtime;
  const head = ['Part', 'Baseline', ...(same ? [] : [other, 'Difference'])];
  return el(
    'table',
    { class: 'lat-table lat-parts' },
    el('thead', {}, el('tr', {}, ...head.map((text) => el('th', { scope: 'col' }, text)))),
    el('tbody', {}, ...names.map((part) => partRow(part, baseline.parts[part] ?? 0, merged.parts[part] ?? 0, same))),
  );
}

/** @param {string} part @param {number} before @param {number} after @param {boolean} same */
function partRow(part, before, after, same) {
  const change = after - before;
  const word = PRICE_PARTS.includes(part) ? 'price' : part === 'blocks' && change < 0 ? 'gain' : '';
  return el(
    'tr',
    { class: `part-${part}`, 'data-part': part },
    el('th', { scope: 'row' }, el('i', { class: 'swatch' }), el('span', {}, PART_NAMES[part])),
    el('td', {}, before ? timeText(before) : '–'),
    same ? null : el('td', {}, after ? timeText(after) : '–'),
    same
      ? null
      : el('td', {}, `${change < 0 ? '−' : '+'}${timeText(Math.abs(change))}`, word ? el('small', {}, word) : null),
  );
}
