// Colours: CSS owns them, the canvas asks for what they are now (light, dark, forced).

import { el } from '../../js/util.js';

const TINTS = 8;

/** @param {number} place */
export const tintOf = (place) => `t${place === 0 ? 0 : 1 + ((place - 1) % TINTS)}`;

/** @param {HTMLElement} root @param {string} name */
function colourOf(root, name) {
  const probe = el('span', { class: `probe ${name}` });
  root.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** @param {HTMLElement} root @param {number} many @returns {Theme} */
export function readTheme(root, many) {
  const tints = Array.from({ length: many }, (_, place) => colourOf(root, tintOf(place)));
  return { tints, ink: colourOf(root, 'ink-2'), line: colourOf(root, 'line-colour') };
}

// Gradio sets the class `dark` on the page's body.
/** @param {() => void} act */
export function onTheme(act) {
  new MutationObserver(act).observe(document.body, { attributes: true, attributeFilter: ['class'] });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', act);
}
