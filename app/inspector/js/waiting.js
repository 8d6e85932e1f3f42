// What one waits for, on the panes; and where the paper and the code are.

import { el, percent, setStyle } from '../../js/util.js';

/** @type {Record<string, string>} */
const LINK_WORDS = { paper: 'Paper', code: 'Code' };

// A picture on its way, runs of it that still come in, or a recipe that is not at hand.
/** @param {Pick<State, 'pending' | 'exploring' | 'queueing' | 'live' | 'cameraText'>} state */
export function waitingText({ pending, exploring, queueing, live, cameraText }) {
  if (live || cameraText) return cameraText;
  if (pending) return withShare(pending);
  if (queueing) return withShare(queueing);
  return exploring ? `${exploring.done} of ${exploring.of} recipes` : '';
}

/** @param {Progress | Pending | null} progress null where nobody knows it */
const shareOf = (progress) => (progress?.of && progress.done !== null ? progress.done / progress.of : null);

/** @param {Progress | Pending} progress */
function withShare(progress) {
  const share = /\d of \d/.test(progress.text) ? null : shareOf(progress);
  return `${progress.text}${share === null ? '' : `, ${percent(share)}`}…`;
}

/** @param {Ui} ui @param {Store} store */
export function mountWaiting(ui, store) {
  store.on(['pending', 'exploring', 'queueing', 'live', 'cameraText'], (state) => {
    const text = waitingText(state);
    if (ui.waiting.textContent !== text) ui.waiting.textContent = text;
    setStyle(ui.waiting, '--done', shareOf(state.pending) ?? 0); // of a download: the bar below the words
    ui.waiting.dataset.kind = state.pending ? 'picture' : state.queueing ? 'recipe' : 'runs';
  });
  const { links } = store.state.page;
  const known = Object.keys(LINK_WORDS).filter((name) => links[name]);
  ui.links.prepend(
    ...known.map((name) => el('a', { href: links[name], target: '_blank', rel: 'noopener' }, LINK_WORDS[name])),
  );
}
