// Device cards: files are read here, checked by Python, drawn here. Nothing of them is stored anywhere.

import { el, nodesIn, timeText } from '../../js/util.js';
import { BASELINE_NAME, contenderName, ratioRange, ratioText, speedupWords, whisker } from './numbers.js';

const CARD_BYTES = 64 * 1024;
const CARD_FILES = 8;

function mountCards() {
  const ui = /** @type {CardsUi} */ (
    Object.fromEntries(nodesIn(element, '[data-ref]').map((node) => [node.dataset.ref, node]))
  );
  /** @type {{files: CardFile[], refusedHere: string[]}} */
  const open = { files: [], refusedHere: [] };
  const send = () => trigger('cards', { files: open.files });
  /** @param {File[]} list */
  const add = async (list) => {
    const { files, refused } = await readFiles(list, open.files);
    open.files = files;
    open.refusedHere = refused;
    send();
  };
  /** @param {number} place */
  const remove = (place) => {
    open.files = open.files.filter((_, own) => own !== place);
    open.refusedHere = [];
    send();
  };
  ui.open.addEventListener('click', () => ui.files.click());
  ui.files.addEventListener('change', async () => {
    await add([...(ui.files.files ?? [])]);
    ui.files.value = '';
  });
  acceptDrops(ui.drop, add);
  /** @param {string | null} text */
  const receive = (text) => {
    if (!text) return;
    /** @type {Wire.Cards} */
    const message = JSON.parse(text);
    // A refused file must not be sent, and refused, again with the next one.
    const good = new Set(message.cards.map(({ file }) => file));
    open.files = open.files.filter(({ name }) => good.has(name));
    showCards(ui, message, open.refusedHere, remove);
  };
  watch('value', () => receive(props.value));
  receive(props.value);
}

/** @param {HTMLElement} place @param {(list: File[]) => void} add */
function acceptDrops(place, add) {
  place.addEventListener('dragover', (event) => event.preventDefault());
  place.addEventListener('drop', (event) => {
    event.preventDefault();
    add([...(event.dataTransfer?.files ?? [])]);
  });
}

/** @param {File[]} list @param {CardFile[]} before */
async function readFiles(list, before) {
  /** @type {string[]} */
  const refused = [];
  const files = before.filter(({ name }) => !list.some((file) => file.name === name));
  for (const file of list) {
    if (file.size > CARD_BYTES) refused.push(`${file.name}: a device card has at most 64 kB, but this file has more.`);
    else if (files.length >= CARD_FILES) refused.push(`${file.name}: at most ${CARD_FILES} cards are open at once.`);
    else files.push({ name: file.name.slice(0, 60), text: await file.text() });
  }
  return { files, refused };
}

/**
 * @param {CardsUi} ui
 * @param {Wire.Cards} of
 * @param {string[]} refusedHere
 * @param {(place: number) => void} remove
 */
function showCards(ui, { cards, refused, paper }, refusedHere, remove) {
  const sentences = [...refusedHere, ...refused];
  ui.refused.replaceChildren(...sentences.map((text) => el('li', {}, text)));
  ui.refused.hidden = sentences.length === 0;
  const longest = Math.max(0, ...cards.flatMap(({ results }) => results.map(({ p90 }) => p90)));
  const range = ratioRange(cards.flatMap(({ results }) => results.map(({ speedup }) => speedup)));
  ui.cards.replaceChildren(
    ...(cards.length
      ? cards.map((card, place) => cardFigure(card, longest, range, () => remove(place)))
      : [el('p', { class: 'lat-none' }, 'No card is open yet.')]),
  );
  ui.cardsCaption.textContent = cardsCaption(cards);
  showPaper(ui, paper);
}

/** @param {Wire.Card[]} cards */
function cardsCaption(cards) {
  if (!cards.length) return '';
  const same = new Set(cards.map(({ work }) => JSON.stringify(work))).size === 1;
  return (
    'Milliseconds a batch on one axis for all cards, whiskers the middle 80 %; the dot is the speed-up with its 95 % interval.' +
    (same ? '' : ' These cards ran different work (model, patches or batch): compare their ratios, not their times.')
  );
}

/** @param {Wire.Card} card @param {number} longest @param {[number, number]} range @param {() => void} remove */
function cardFigure(card, longest, range, remove) {
  return el(
    'section',
    { class: 'lat-card', 'aria-label': card.title },
    el(
      'header',
      {},
      el('b', {}, card.title),
      el('button', { type: 'button', class: 'quiet', 'aria-label': `Close ${card.file}`, onclick: remove }, 'Close'),
    ),
    el('p', { class: 'caption' }, card.note),
    ...card.results.map((result) => cardRow(result, longest, range)),
  );
}

/** @param {Wire.CardResult} of @param {number} longest @param {[number, number]} range */
function cardRow({ schedule, runtime, median, p10, p90, speedup }, longest, range) {
  const merged = schedule !== BASELINE_NAME;
  return el(
    'div',
    { class: 'lat-bar', 'data-merged': String(merged) },
    el('span', { class: 'name' }, contenderName({ schedule, runtime })),
    el(
      'span',
      {
        class: 'track',
        role: 'img',
        'aria-label': `${timeText(median)}, middle 80 % ${timeText(p10)} to ${timeText(p90)}`,
      },
      el('i', { class: merged ? 't1 fill' : 't0 fill', style: { width: `${(100 * median) / longest}%` } }),
      el('u', { style: { left: `${(100 * p10) / longest}%`, width: `${(100 * (p90 - p10)) / longest}%` } }),
    ),
    el('span', { class: 'value' }, timeText(median)),
    merged || runtime
      ? el(
          'span',
          { class: 'ratio' },
          el('b', {}, ratioText(speedup[0])),
          whisker(speedup, range, speedupWords(speedup)),
        )
      : null,
  );
}

/** @param {CardsUi} ui @param {Wire.Cards['paper']} paper */
function showPaper(ui, paper) {
  ui.paper.replaceChildren(
    el(
      'table',
      { class: 'lat-table' },
      el(
        'thead',
        {},
        el(
          'tr',
          {},
          el('th', { scope: 'col' }, 'Machine and model'),
          el('th', { scope: 'col' }, 'Merged over baseline'),
        ),
      ),
      el(
        'tbody',
        {},
        ...paper.map(({ name, ratio }) =>
          el('tr', {}, el('th', { scope: 'row' }, name), el('td', {}, el('b', {}, ratioText(ratio)))),
        ),
      ),
    ),
  );
}

mountCards();
