// The menu of models: a native select, so that typing finds a name; in groups by what the models know.

import { el } from '../../js/util.js';

/** @param {Ui} ui @param {Store} store @param {Opening} opening */
export function mountModelMenu(ui, store, opening) {
  const { page } = store.state;
  const options = new Map(page.models.map((card) => [card.name, el('option', { value: card.name })]));
  ui.model.replaceChildren(
    ...groupsOf(page).map(({ group, names }) =>
      el('optgroup', { label: group }, ...names.map((name) => options.get(name))),
    ),
  );
  ui.model.addEventListener('change', () => opening.model(ui.model.value));
  store.on(['view'], ({ view }) => learn(page, view?.model));
  store.on(['view', 'paces'], (state) => {
    for (const card of page.models) showModel(options.get(card.name), card, state.paces[card.name]);
  });
  /** @param {State} state */
  const show = ({ model, paces }) => {
    ui.model.value = model ?? '';
    const card = page.models.find(({ name }) => name === model);
    const pace = paces[model ?? ''];
    ui.model.title = card ? fullText(card, pace) : '';
    ui.modelAbout.textContent = card ? [card.licence, pace].filter(Boolean).join(' · ') : '';
  };
  store.on(['model', 'pending', 'notice', 'view', 'paces'], show);
  for (const card of page.models) showModel(options.get(card.name), card);
  show(store.state);
}

// Groups in the page's order; those that it does not name come last, and empty ones are left out.
/** @param {Pick<PageFacts, 'models'> & {groups?: string[]}} pageFacts */
export function groupsOf({ models, groups = [] }) {
  const all = [...new Set([...groups, ...models.map(({ group }) => group ?? '')])];
  /** @param {string} wanted */
  const namesIn = (wanted) => models.filter(({ group }) => (group ?? '') === wanted).map(({ name }) => name);
  return all.map((group) => ({ group, names: namesIn(group) })).filter(({ names }) => names.length);
}

// A model that was opened may be at hand since the page was made.
/** @param {PageFacts} page @param {Partial<ModelCard> | undefined} card */
function learn(page, card) {
  const known = page.models.findIndex(({ name }) => name === card?.name);
  if (known >= 0) page.models[known] = { ...page.models[known], ...card };
}

/** @param {ModelCard} modelCard @param {string | undefined} pace */
const fullText = ({ about }, pace) =>
  [about, pace && `${pace.charAt(0).toUpperCase()}${pace.slice(1)}.`].filter(Boolean).join(' ');

/** @param {HTMLOptionElement | undefined} option @param {ModelCard} card @param {string} [pace] */
function showModel(option, card, pace) {
  if (!option) return;
  const text = card.line || card.name;
  if (option.textContent !== text) option.textContent = text;
  option.title = fullText(card, pace);
}

// The smallest model that knows other things, and more of them; those at hand first. null where there is none.
/** @param {ModelCard[]} models @param {string | null} name */
export function knowsMore(models, name) {
  const own = models.find((one) => one.name === name);
  const others = models.filter(({ group, classes }) => own && group !== own.group && classes > own.classes);
  /** @param {ModelCard} modelCard */
  const rank = ({ download, parameters_m: size }) => (download === null ? 0 : 1e9) + (size ?? 1e8);
  return others.length ? others.reduce((best, one) => (rank(best) <= rank(one) ? best : one)) : null;
}

/** @param {Pick<ModelCard, 'title' | 'classes' | 'download'>} modelCard */
export const tryText = ({ title, classes, download }) =>
  download === null
    ? `See it with ${title}`
    : ['Try ' + title, `${classes} classes`, download].filter(Boolean).join(', ');
