// How a run goes on: the recipe's options that have a checkbox. Stops and blocks chosen later keep them.

import { blocksOf, partsOf, ruleOf } from '../../js/recipe.js';
import { el } from '../../js/util.js';

const CHECKED_OPTIONS = [
  {
    name: 'residual',
    text: 'residual restore',
    help: 'Each patch gets its group’s token plus what it had apart from its group’s mean when it merged, instead of the token alone.',
  },
  {
    name: 'sizes',
    text: 'count sizes',
    help: 'A token that stands for several patches counts as often in means and in attention.',
  },
  {
    name: 'decode-merged',
    text: 'decode merged',
    help: 'The decoder works on the merged tokens, too, and its scores are restored to the grid: faster, less exact.',
  },
  {
    name: 'round32',
    text: 'round to 32',
    help: 'Each merge leaves a multiple of 32 tokens, and the least similar stay apart: few lengths, for runtimes that prepare each one anew.',
  },
];
const NOTHING_MERGES =
  'This recipe merges nothing, so there is nothing to restore, to count, to decode merged or to round.';

/** @param {string} recipe */
const checkedOptions = (recipe) =>
  CHECKED_OPTIONS.map(({ name }) => name).filter((name) => partsOf(recipe).options.includes(name));

// What choosing a recipe changes: rule and options stay where it has none of its own.
/** @param {Pick<State, 'method' | 'options'>} state @param {string} schedule */
export function choiceOf(state, schedule) {
  const merges = blocksOf(schedule).length > 0;
  const options = merges ? checkedOptions(schedule) : state.options;
  return { schedule, method: ruleOf(schedule) ?? state.method, options };
}

/** @param {Ui} ui @param {Store} store @param {Actions} actions */
export function mountOptions(ui, store, actions) {
  const boxes = CHECKED_OPTIONS.map(({ name, text }) => {
    const box = el('input', { type: 'checkbox', 'data-option': name, 'aria-label': text });
    box.addEventListener('change', () => actions.chooseOption(name, box.checked));
    const label = el('label', { class: 'option' }, box, el('span', {}, text));
    ui.options.append(label);
    return { box, label };
  });
  store.on(['view', 'schedule', 'options'], (state) => {
    if (state.view) CHECKED_OPTIONS.forEach((option, i) => showOption(state, option, boxes[i]));
  });
}

/**
 * @param {Shown} state
 * @param {(typeof CHECKED_OPTIONS)[number]} cHECKED
 * @param {{box: HTMLInputElement, label: HTMLElement}} given
 */
function showOption(state, { name, help }, { box, label }) {
  // Not for a head that needs the full grid.
  label.hidden = name === 'decode-merged' && !state.view.can.has(name);
  box.checked = state.options.includes(name);
  box.disabled = blocksOf(state.schedule).length === 0;
  label.title = box.disabled ? NOTHING_MERGES : help;
  box.title = label.title; // spoken as the box's description
}
