// The table of medians and speed-ups, the verdict, the warnings and the device.

import { agreementText, el, lastOf, timeText } from '../../js/util.js';
import { BASELINE_NAME, contenderName, ratioRange, ratioText, speedupWords, whisker } from './numbers.js';

const TABLE_HEAD = ['Schedule', 'Median', 'Speed-up'];

/** @param {LiveUi} ui @param {Contender[]} contenders */
export function showRows(ui, contenders) {
  const range = ratioRange(contenders.flatMap(({ speedup }) => (speedup ? [speedup] : [])));
  ui.rows.replaceChildren(
    el(
      'table',
      { class: 'lat-table' },
      el('thead', {}, el('tr', {}, ...TABLE_HEAD.map((text) => el('th', { scope: 'col' }, text)))),
      ...runtimesOf(contenders).map((runtime) => {
        const own = contenders.filter((one) => one.runtime === runtime);
        return el('tbody', {}, groupHead(runtime), ...own.map((one) => contenderRow(one, contenders[0], range)));
      }),
    ),
  );
}

/** @param {Contender[]} contenders */
const runtimesOf = (contenders) => [...new Set(contenders.map(({ runtime }) => runtime))];

/** @param {string} runtime */
const groupHead = (runtime) =>
  runtime ? el('tr', { class: 'runtime' }, el('th', { scope: 'rowgroup', colspan: TABLE_HEAD.length }, runtime)) : null;

// baseline: what all others are held against.
/** @param {Contender} one @param {Contender} baseline @param {[number, number]} range */
function contenderRow(one, baseline, range) {
  const { name, schedule, summary, tokens, tint, isThere } = one;
  return el(
    'tr',
    { 'data-schedule': schedule, 'data-name': name, class: isThere ? `${tint} hollow` : tint },
    el(
      'th',
      { scope: 'row' },
      el('i', { class: 'swatch' }),
      el('span', {}, contenderName({ schedule })),
      tokens.length ? el('small', {}, tokensText(tokens)) : null,
      isThere && typeof one.agreement === 'number'
        ? el('small', {}, `mask ${agreementText(one.agreement)} the same`)
        : null,
    ),
    el(
      'td',
      {},
      el('b', {}, summary ? timeText(summary.median) : '…'),
      summary ? el('small', {}, `${timeText(summary.p10).replace(' ms', '')}–${timeText(summary.p90)}`) : null,
    ),
    speedupCell(one, one === baseline, range),
  );
}

/** @param {Contender} of @param {boolean} isBaseline @param {[number, number]} range */
function speedupCell({ schedule, speedup, own }, isBaseline, range) {
  if (isBaseline) return el('td', { class: 'speedup' }, el('small', {}, 'what the others are held against'));
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
    own && schedule !== BASELINE_NAME
      ? el('small', {}, `${ratioText(own[0])} on top (${own[1].toFixed(2)}–${own[2].toFixed(2)})`)
      : null,
  );
}

/** @param {number[]} tokens */
const tokensText = (tokens) => {
  const last = lastOf(tokens);
  return last === tokens[0] ? `${last} tokens` : `${tokens[0]} → ${last} tokens`;
};

// there: the same recipe in another runtime; its first sentence says whether merging still pays there.
/** @param {LiveUi} ui @param {Contender} of @param {Contender | null | undefined} there */
export function showVerdict(ui, { verdict }, there) {
  const [first, ...rest] = verdict;
  const answer = there?.speedup ? there.verdict.slice(0, 2).join(' ') : '';
  const heads = [first, answer].filter(Boolean).map((text) => el('p', { class: 'first' }, text));
  ui.verdict.replaceChildren(...heads, ...rest.map((text) => el('p', {}, text)));
}

/** @param {LiveUi} ui @param {string[]} warnings */
export function showWarnings(ui, warnings) {
  // Percentages as everywhere on the page: "61 %".
  ui.warnings.replaceChildren(...warnings.map((text) => el('li', {}, text.replace(/(\d)%/g, '$1 %'))));
  ui.warnings.hidden = warnings.length === 0;
}

/** @param {LiveUi} ui @param {[string, string][]} facts */
export function showFacts(ui, facts) {
  ui.facts.replaceChildren(...facts.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value))));
  ui.facts.hidden = facts.length === 0;
}
