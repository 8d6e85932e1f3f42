// Said on the mask itself where the model cannot know the picture: measured, not guessed. What is true all the same
// stands beside it.

import { el, percent } from '../../js/util.js';
import { modeOf } from './masks.js';
import { knowsMore, tryText } from './modelmenu.js';
import { baselineRun } from './store.js';

/** @param {Ui} ui @param {Store} store @param {Opening} opening */
export function mountUnsure(ui, store, opening) {
  const { set } = store;
  /** @param {MaskMode} maskMode */
  const show = (maskMode) => () => set({ maskMode, modeBefore: null });
  /** @param {string} text @param {string} act @param {() => void} action */
  const button = (text, act, action) => el('button', { type: 'button', 'data-act': act, onclick: action }, text);
  const features = button('Show features', 'features', show('features'));
  const classes = button('Show classes anyway', 'classes', show('merged'));
  const next = button('Another model', 'next-model', () => opening.model(next.dataset.model ?? ''));
  const others = button('Other models', 'models', () => openMenu(ui.model));
  const line = el('span', {});
  ui.unsure.replaceChildren(line, el('span', { class: 'unsure-buttons' }, next, features, classes, others));
  store.on(['view', 'runs', 'pending', 'maskMode', 'paces'], (state) => {
    const text = state.pending ? null : unsureText(state);
    ui.unsure.hidden = !text;
    line.textContent = text ?? '';
    if (!state.view || !text) return;
    const isFeatures = modeOf(state) === 'features';
    features.hidden = isFeatures || !state.view.can.has('features');
    classes.hidden = !isFeatures;
    others.hidden = state.page.models.length < 2;
    showNext(next, knowsMore(state.page.models, state.model), state.paces);
  });
  // A table of classes says little where the classes do; it stays one press away.
  store.on(['view'], ({ view }) => {
    if (ui.classesFold && view) ui.classesFold.open = !view.unsure;
  });
}

/** @param {HTMLButtonElement} button @param {ModelCard | null} card @param {Record<string, string>} paces */
function showNext(button, card, paces) {
  button.hidden = !card;
  if (!card) return;
  button.textContent = tryText(card);
  button.title = [card.about, paces[card.name]].filter(Boolean).join(' ');
  button.dataset.model = card.name;
}

/** @param {HTMLSelectElement} menu */
function openMenu(menu) {
  menu.scrollIntoView({ block: 'nearest' });
  menu.focus({ preventScroll: true });
  menu.showPicker?.();
}

/** @param {State} state */
export function unsureText(state) {
  const { view } = state;
  if (!view?.unsure) return null;
  const confidence = baselineRun(state)?.confidence ?? NaN;
  const measured =
    Number.isFinite(confidence) && view.reference
      ? `: mean confidence ${percent(confidence)}, ${percent(view.reference.median)} on its own kind`
      : '';
  const shown = modeOf(state) === 'features' ? ' These are features, not classes.' : '';
  return `This model may not know such pictures${measured}.${shown} What merges is as true as ever.`;
}
