// What one waits for, on the panes; and where the paper and the code are.

import { el, percent } from '../../js/util.js';

const LINK_WORDS = { paper: 'Paper', code: 'Code' };

// A picture on its way, runs of it that still come in, or a recipe that is not at hand.
export function waitingText({ pending, exploring, queueing, live, cameraText }) {
  if (live || cameraText) return cameraText;
  if (pending) return withShare(pending);
  if (queueing) return withShare(queueing);
  return exploring ? `${exploring.done} of ${exploring.of} recipes` : '';
}

const withShare = ({ text, done, of }) =>
  `${text}${of > 0 && done !== null && !/\d of \d/.test(text) ? `, ${percent(done / of)}` : ''}…`;

// How far a download is, for the bar below the words.
const shareOf = ({ pending }) => (pending?.of > 0 && pending.done !== null ? pending.done / pending.of : 0);

export function mountWaiting(ui, store) {
  store.on(['pending', 'exploring', 'queueing', 'live', 'cameraText'], (state) => {
    const text = waitingText(state);
    if (ui.waiting.textContent !== text) ui.waiting.textContent = text;
    ui.waiting.style.setProperty('--done', shareOf(state));
    ui.waiting.dataset.kind = state.pending ? 'picture' : state.queueing ? 'recipe' : 'runs';
  });
  const { links } = store.state.page;
  const known = Object.keys(LINK_WORDS).filter((name) => links[name]);
  ui.links.prepend(
    ...known.map((name) => el('a', { href: links[name], target: '_blank', rel: 'noopener' }, LINK_WORDS[name])),
  );
}
