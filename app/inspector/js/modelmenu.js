// The menu of models: a native select, so that typing finds a name.

import { el } from '../../js/util.js';

export function mountModelMenu(ui, store, opening) {
  const { models } = store.state.page;
  ui.model.replaceChildren(...models.map(({ name, line, about }) => el('option', { value: name, title: about }, line || name)));
  ui.model.addEventListener('change', () => opening.model(ui.model.value));
  const show = ({ model }) => {
    ui.model.value = model ?? '';
    ui.model.title = models.find(({ name }) => name === model)?.about ?? '';
  };
  store.on(['model', 'pending', 'notice'], show);
  show(store.state);
}
