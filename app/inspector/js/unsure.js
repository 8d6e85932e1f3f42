// Said on the mask itself where the model cannot know the picture: measured, not guessed.

import { percent } from '../../js/util.js';
import { shownRun } from './store.js';

export function mountUnsure(ui, store) {
  store.on(['view', 'runs', 'shown', 'pending'], (state) => {
    const text = state.pending ? null : unsureText(state.view, shownRun(state));
    ui.unsure.hidden = !text;
    ui.unsure.textContent = text ?? '';
  });
}

export function unsureText(view, run) {
  const { reference } = view ?? {};
  if (!reference || !Number.isFinite(run?.confidence) || run.confidence >= reference.low) return null;
  return (
    `The model is unsure here: mean confidence ${percent(run.confidence)}, ` +
    `${percent(reference.median)} on pictures of its own kind. What merges is as true as ever.`
  );
}
