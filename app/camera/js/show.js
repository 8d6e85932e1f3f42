// The speed row and the strip of blocks while the camera runs. Both are changed in place: several times a second.

import { el, nodeIn, nodesIn, setStyle } from '../../js/util.js';
import { rateText, shownText } from './rates.js';
import { PRIVATE } from './sentences.js';

/** @param {HTMLElement} node @param {string} text */
const put = (node, text) => {
  node.hidden = !text;
  if (node.textContent !== text) node.textContent = text;
};

// Longer is faster here: the bars are frames a second of the model alone.
/** @param {HTMLElement} box @param {SpeedBar[]} bars @param {HTMLElement} note @param {Live} live */
export function showRates(box, bars, note, { rates }) {
  box.dataset.kind = 'camera';
  const fastest = Math.max(rates.unmerged ?? 0, rates.merged ?? 0) * 1.15 || 1;
  for (const { name, row, track, fill, ticks, value } of bars) {
    const rate = rates[name];
    row.removeAttribute('data-idle');
    ticks.replaceChildren();
    fill.style.width = `${((100 * (rate ?? 0)) / fastest).toFixed(1)}%`;
    put(value, rateText(rate));
    track.setAttribute(
      'aria-label',
      rate === null
        ? `${name}: not measured yet`
        : `${name}: ${rateText(rate).replace('/ s', 'frames a second')}, the model alone`,
    );
  }
  showNote(note, shownText(rates));
}

/** @param {HTMLElement} note @param {string} text */
function showNote(note, text) {
  note.hidden = false;
  const line = nodeIn(note, '*');
  if (line) put(line, text);
  else note.replaceChildren(el('span', { class: 'live-rate' }, text), el('small', {}, PRIVATE));
}

// Tokens of the frame that each block works on.
/** @param {Ui} ui @param {LiveFrame} liveFrame */
export function showLiveStrip(ui, { blocks, counts }) {
  nodesIn(ui.strip, 'button').forEach((cell, block) => {
    const tokens = counts[blocks.filter((at) => at <= block).length];
    const before = block ? counts[blocks.filter((at) => at < block).length] : null;
    const [bar, text] = [nodeIn(cell, '.bar'), nodeIn(cell, '.tokens')];
    if (!bar || !text) return;
    setStyle(bar, '--share', tokens / counts[0]);
    text.dataset.changed = String(tokens !== before);
    put(text, String(tokens));
  });
  put(ui.stripCaption, 'Encoder blocks and their tokens in this frame.');
}
