// This device's card, once a race of whole runs is done: Python wrote it, the browser saves it.

import { el } from '../../js/util.js';

const KEPT_MS = 10_000; // a download reads the address a moment later

/** @param {LiveUi} ui @param {Racing} live */
export function mountSaveCard(ui, live) {
  ui.saveCard.addEventListener('click', () => {
    const card = live.race?.card;
    if (!card) return;
    const href = URL.createObjectURL(new Blob([card], { type: 'application/json' }));
    el('a', { href, download: 'device-card.json' }).click();
    setTimeout(() => URL.revokeObjectURL(href), KEPT_MS);
  });
}

/** @param {LiveUi} ui @param {Wire.Race} of */
export function showSaveCard(ui, { card }) {
  ui.saveCard.hidden = !card;
}
