// The speed row and the strip of blocks while the camera runs. Both are changed in place: several times a second.

import { el } from '../../js/util.js';
import { rateText, shownText } from './rates.js';
import { PRIVATE } from './sentences.js';

const put = (node, text) => {
  node.hidden = !text;
  if (node.textContent !== text) node.textContent = text;
};

// Longer is faster here: the bars are frames a second of the model alone.
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

function showNote(note, text) {
  note.hidden = false;
  const [line] = note.children;
  if (line) put(line, text);
  else note.replaceChildren(el('span', { class: 'live-rate' }, text), el('small', {}, PRIVATE));
}

// Tokens of the frame that each block works on.
export function showLiveStrip(ui, { blocks, counts }) {
  [...ui.strip.children].forEach((cell, block) => {
    const tokens = counts[blocks.filter((at) => at <= block).length];
    const before = block ? counts[blocks.filter((at) => at < block).length] : null;
    cell.querySelector('.bar').style.setProperty('--share', tokens / counts[0]);
    const text = cell.querySelector('.tokens');
    text.dataset.changed = String(tokens !== before);
    put(text, String(tokens));
  });
  put(ui.stripCaption, 'Encoder blocks and their tokens in this frame.');
}
