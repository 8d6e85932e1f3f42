// The menu of models: a native select, so that typing finds a name; in groups by what the models know.

import { el } from '../../js/util.js';

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
  const show = ({ model, paces }) => {
    ui.model.value = model ?? '';
    const card = page.models.find(({ name }) => name === model);
    ui.model.title = card ? fullText(card, paces[model]) : '';
    ui.modelAbout.textContent = card ? [card.licence, paces[model]].filter(Boolean).join(' · ') : '';
  };
  store.on(['model', 'pending', 'notice', 'view', 'paces'], show);
  for (const card of page.models) showModel(options.get(card.name), card);
  show(store.state);
}

// Groups in the page's order; those that it does not name come last, and empty ones are left out.
export function groupsOf({ models, groups = [] }) {
  const all = [...new Set([...groups, ...models.map(({ group }) => group ?? '')])];
  const namesIn = (wanted) => models.filter(({ group }) => (group ?? '') === wanted).map(({ name }) => name);
  return all.map((group) => ({ group, names: namesIn(group) })).filter(({ names }) => names.length);
}

// A model that was opened may be at hand since the page was made.
function learn(page, card) {
  const known = page.models.findIndex(({ name }) => name === card?.name);
  if (known >= 0) page.models[known] = { ...page.models[known], ...card };
}

const fullText = ({ about }, pace) =>
  [about, pace && `${pace.charAt(0).toUpperCase()}${pace.slice(1)}.`].filter(Boolean).join(' ');

function showModel(option, card, pace) {
  const text = card.line || card.name;
  if (option.textContent !== text) option.textContent = text;
  option.title = fullText(card, pace);
}

// The smallest model that knows other things, and more of them; those at hand first. null where there is none.
export function knowsMore(models, name) {
  const own = models.find((one) => one.name === name);
  const others = models.filter(({ group, classes }) => own && group !== own.group && classes > own.classes);
  const rank = ({ download, parameters_m: size }) => (download === null ? 0 : 1e9) + (size ?? 1e8);
  return others.reduce((best, one) => (best && rank(best) <= rank(one) ? best : one), null);
}

export const tryText = ({ title, classes, download }) =>
  download === null
    ? `See it with ${title}`
    : ['Try ' + title, `${classes} classes`, download].filter(Boolean).join(', ');
