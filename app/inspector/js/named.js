// Recipes with names, as Python spells them out for the model: a menu, and the text of what is chosen.

import { recipeName } from '../../js/recipe.js';
import { el } from '../../js/util.js';

const OWN_CHOICE = 'your own choice';

/** @param {Pick<Shown, 'view'>} state @param {string} recipe */
export const namedRecipe = (state, recipe) => state.view.named.find(({ text }) => text === recipe);

// "ToMe, as published" is ToMe where there is little room.
/** @param {Pick<Named, 'title'>} named */
export const shortTitle = ({ title }) => title.split(',')[0];

// A recipe's title where it has one.
/** @param {Pick<Shown, 'view'>} state @param {string} recipe */
export function shortName(state, recipe) {
  const named = namedRecipe(state, recipe);
  return named ? shortTitle(named) : recipeName(recipe);
}

/** @param {Ui} ui @param {Store} store @param {Actions} actions */
export function mountNamed(ui, store, actions) {
  ui.named.addEventListener('change', () => ui.named.value && actions.chooseSchedule(ui.named.value));
  store.on(['view', 'schedule'], (state) => {
    if (!state.view) return;
    showNamed(ui.named, state);
    showRecipeText(ui.recipeText, state);
  });
}

/** @param {HTMLSelectElement} menu @param {Shown} state */
function showNamed(menu, state) {
  const chosen = namedRecipe(state, state.schedule);
  /** @param {Named} one */
  const option = (one) => el('option', { value: one.text, title: one.source, selected: one === chosen }, one.title);
  /** @type {[string, Named[]][]} */
  const groups = [
    ['For this model', state.view.named.filter((one) => !one.is_published)],
    ['As published', state.view.named.filter((one) => one.is_published)],
  ];
  menu.replaceChildren(
    el('option', { value: '', selected: !chosen, disabled: Boolean(chosen) }, OWN_CHOICE),
    ...groups
      .filter(([, members]) => members.length)
      .map(([label, members]) => el('optgroup', { label }, ...members.map(option))),
  );
  menu.title = chosen
    ? `${chosen.title}. Source: ${chosen.source}.`
    : 'Recipes with a name, spelled out for this model';
}

/** @param {HTMLElement} line @param {Shown} state */
function showRecipeText(line, state) {
  const chosen = namedRecipe(state, state.schedule);
  line.title = chosen ? `${chosen.title}. Source: ${chosen.source}.` : '';
  line.replaceChildren(
    'Recipe: ',
    el('code', {}, state.schedule),
    chosen ? ` ${chosen.title}: ${chosen.about} Source: ${chosen.source}.` : '',
  );
}
