// This device's card, once a race of whole runs is done: Python wrote it, the browser saves it.

import { el } from '../../js/util.js';

const KEPT_MS = 10_000; // a download reads the address a moment later

export function mountSaveCard(ui, live) {
  ui.saveCard.addEventListener('click', () => {
    const href = URL.createObjectURL(new Blob([live.race.card], { type: 'application/json' }));
    el('a', { href, download: 'device-card.json' }).click();
    setTimeout(() => URL.revokeObjectURL(href), KEPT_MS);
  });
}

export function showSaveCard(ui, { card }) {
  ui.saveCard.hidden = !card;
}
