// The menu in the head of the second mask: what the shown recipe is put against; and whose merges are shown.

import { againstFrom, againstText, familyOf, ruleName } from './against.js';
import { PAPER_RULE, recipeName } from '../../js/recipe.js';
import { choice, el, onceQuiet } from '../../js/util.js';
import { besideTitle, isAgainst, rivalOf, rivalRun, sideNames } from './rival.js';

const QUIET_RIVAL_MS = 300;
const ASK_RIVAL_AGAIN_MS = 8000;
const PIN = 'pin';

/** @param {Ui} ui @param {Store} store @param {Actions} actions */
export function mountAgainst(ui, store, actions) {
  const { state, set } = store;
  ui.against.addEventListener('change', () => {
    if (!state.view) return;
    const { value } = ui.against;
    const against = value === PIN ? { recipe: state.shown } : againstFrom(value);
    set({ against, side: 'own', ...(state.maskMode === 'truth' && against ? { maskMode: 'merged' } : {}) });
    ui.against.value = againstText(against) ?? '';
  });
  const ask = onceQuiet(QUIET_RIVAL_MS, () => askRival(store, actions));
  const showSides = choice(ui.sides, 'Whose merges are shown', (/** @type {State['side']} */ side) =>
    set({ side, playing: false }),
  );
  store.on(['view', 'runs', 'shown', 'against', 'pending'], (now) => {
    if (!now.view) return;
    const { name, note } = besideTitle(now);
    ui.besideName.textContent = name;
    ui.besideName.title = note ?? name;
    ui.mergedName.textContent = sideNames(now)[0];
    ui.root.toggleAttribute('data-against', isAgainst(now));
    showMenu(ui.against, now);
    if (isAgainst(now) && !now.pending) ask();
  });
  store.on(['view', 'runs', 'shown', 'against', 'side'], (now) => {
    ui.sides.hidden = !now.view || !rivalRun(now) || !isAgainst(now);
    if (!now.view || ui.sides.hidden) return;
    const [own, rival] = sideNames(now);
    showSides(
      [
        { value: 'own', text: own, title: `The merges of ${own}` },
        { value: 'rival', text: rival, title: `The merges of ${rival}` },
      ],
      now.side,
    );
  });
}

// The rival's run, where it is neither at hand nor on its way; the recipe that is shown goes on meanwhile.
/** @param {Store} store @param {Actions} actions */
function askRival({ state }, actions) {
  if (!state.view || state.pending) return;
  const rival = rivalOf(state);
  if (!rival || rivalRun(state) || state.view.failed.has(rival.recipe)) return;
  if (state.exploring && state.view.schedules.includes(rival.recipe)) return;
  const asked = (state.view.asked ??= new Map());
  const now = performance.now();
  if (now - (asked.get(rival.recipe) ?? -Infinity) < ASK_RIVAL_AGAIN_MS) return;
  asked.set(rival.recipe, now);
  actions.askMissing([rival.recipe]);
}

/** @param {HTMLSelectElement} menu @param {Shown} state */
function showMenu(menu, state) {
  const chosen = againstText(state.against) ?? '';
  const groups = menuGroups(state);
  const key = JSON.stringify([chosen, groups]);
  if (menu.dataset.key === key) return; // an open menu must not be replaced
  menu.dataset.key = key;
  /** @param {[string, string]} string */
  const option = ([value, text]) => el('option', { value, selected: value === chosen }, text);
  menu.replaceChildren(
    option(['', 'unmerged']),
    ...groups.map(([label, members]) => el('optgroup', { label }, ...members.map(option))),
    option([PIN, 'this recipe, kept here']),
  );
  menu.value = chosen;
}

// [label, [[value, text]]] of what can stand there; what is chosen is always among them.
/** @param {Shown} state @returns {[string, [string, string][]][]} */
function menuGroups(state) {
  const { view, against } = state;
  const own = familyOf(state.shown);
  const rules = view.rules.filter(({ name }) => name !== own || against?.equal === name);
  /** @param {Rule} rule */
  const isCounted = ({ parameters }) => parameters.some(({ name }) => name === 'count' || name === 'share');
  /** @param {Rule[]} list @returns {[string, string][]} */
  const equal = (list) => list.map((rule) => [`equal:${rule.name}`, ruleName(rule)]);
  /** @type {[string, string][]} */
  const named = view.named.map(({ text, title }) => [text, title]);
  /** @param {string} recipe */
  const isListed = (recipe) => named.some(([text]) => text === recipe);
  const at = [...view.runs.keys()].filter((recipe) => recipe !== view.baseline && !isListed(recipe));
  if (against?.recipe && !at.includes(against.recipe) && !isListed(against.recipe)) at.push(against.recipe);
  /** @type {[string, [string, string][]][]} */
  const groups = [
    ['At equal tokens', equal(rules.filter(isCounted))],
    ['At the nearest strength', equal(rules.filter((one) => !isCounted(one)))],
    ['Recipes with a name', named],
    [
      'Recipes at hand',
      at.map((recipe) => [recipe, familyOf(recipe) === PAPER_RULE ? `MPM ${recipeName(recipe)}` : recipeName(recipe)]),
    ],
  ];
  return groups.filter(([, members]) => members.length);
}
