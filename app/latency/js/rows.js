// The table of medians and speed-ups, the verdict, the warnings and the device.

import { el, timeText } from '../../js/util.js';
import { BASELINE_NAME, contenderName, ratioRange, ratioText, speedupWords, whisker } from './numbers.js';
import { tintOf } from './theme.js';

const TABLE_HEAD = ['Schedule', 'Median', 'Speed-up'];

export function showRows(ui, contenders) {
  const range = ratioRange(contenders.flatMap(({ speedup }) => (speedup ? [speedup] : [])));
  ui.rows.replaceChildren(
    el(
      'table',
      { class: 'lat-table' },
      el('thead', {}, el('tr', {}, ...TABLE_HEAD.map((text) => el('th', { scope: 'col' }, text)))),
      el('tbody', {}, ...contenders.map((one, place) => contenderRow(one, place, range))),
    ),
  );
}

function contenderRow({ schedule, summary, speedup, tokens }, place, range) {
  return el(
    'tr',
    { 'data-schedule': schedule, class: tintOf(place) },
    el(
      'th',
      { scope: 'row' },
      el('i', { class: 'swatch' }),
      el('span', {}, contenderName(schedule)),
      tokens.length ? el('small', {}, tokensText(tokens)) : null,
    ),
    el(
      'td',
      {},
      el('b', {}, summary ? timeText(summary.median) : '…'),
      summary ? el('small', {}, `${timeText(summary.p10).replace(' ms', '')}–${timeText(summary.p90)}`) : null,
    ),
    speedupCell(schedule, speedup, range),
  );
}

function speedupCell(schedule, speedup, range) {
  if (schedule === BASELINE_NAME)
    return el('td', { class: 'speedup' }, el('small', {}, 'what the others are held against'));
  if (!speedup) return el('td', { class: 'speedup' }, '…');
  return el(
    'td',
    { class: 'speedup' },
    el(
      'div',
      { class: 'inner' },
      el('b', {}, ratioText(speedup[0])),
      whisker(speedup, range, speedupWords(speedup)),
      el('small', {}, `${speedup[1].toFixed(2)}–${speedup[2].toFixed(2)}`),
    ),
  );
}

const tokensText = (tokens) => {
  const last = tokens.at(-1);
  return last === tokens[0] ? `${last} tokens` : `${tokens[0]} → ${last} tokens`;
};

export function showVerdict(ui, { verdict }) {
  const [first, ...rest] = verdict;
  ui.verdict.replaceChildren(
    ...(first ? [el('p', { class: 'first' }, first), ...rest.map((text) => el('p', {}, text))] : []),
  );
}

export function showWarnings(ui, warnings) {
  // Percentages as everywhere on the page: "61 %".
  ui.warnings.replaceChildren(...warnings.map((text) => el('li', {}, text.replace(/(\d)%/g, '$1 %'))));
  ui.warnings.hidden = warnings.length === 0;
}

export function showFacts(ui, facts) {
  ui.facts.replaceChildren(...facts.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value))));
  ui.facts.hidden = facts.length === 0;
}
