// One sentence about what went wrong, in the status line.

import { el } from '../../js/util.js';

export const GONE_SENTENCE = 'The server does not answer; what is here stays usable.';

/** @param {string} text @param {string} [kind] @returns {Notice | null} */
export const noticeOf = (text, kind = 'trouble') => (text ? { text: asSentence(text), kind } : null);

// As a sentence of its own: Python's begin in lower case where they follow a name.
/** @param {string} text */
function asSentence(text) {
  const trimmed = text.trim();
  const first = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?…]$/.test(first) ? first : `${first}.`;
}

/** @param {Ui} ui @param {Store} store */
export function mountNotice(ui, store) {
  const line = el('p', { class: 'status notice', role: 'alert', 'data-role': 'notice', hidden: true });
  ui.status.before(line);
  store.on(['notice'], ({ notice: said }) => {
    line.hidden = !said;
    line.textContent = said?.text ?? '';
  });
}
