// The encoder as a strip of blocks: press one to merge before it; below, the tokens that leave each block.

import { blocksOf, mergesInside } from '../../js/recipe.js';
import { clamp, el, nodesIn } from '../../js/util.js';
import { shortName } from './named.js';
import { pressWord } from './words.js';

/**
 * @typedef {object} EncoderBlock
 * @property {number} block
 * @property {boolean} merges
 * @property {string} where
 * @property {number} tokens
 * @property {number} share
 * @property {boolean} changed
 */

/** @param {Ui} ui @param {Store} store @param {Actions} actions */
export function mountStrip(ui, store, actions) {
  ui.strip.addEventListener('keydown', (event) => moveAlongStrip(event, ui.strip));
  store.on(['view', 'runs', 'schedule', 'shown'], (state) => {
    if (state.view) showStrip(ui, state, actions);
  });
}

/** @param {Ui} ui @param {Shown} state @param {Actions} actions */
function showStrip(ui, state, actions) {
  const chosen = new Set(blocksOf(state.schedule));
  const run = state.view.runs.get(state.schedule) ?? null;
  const tokens = tokensAfterBlocks(state.view, run);
  const cells = Array.from({ length: state.view.depth }, (_, block) => ({
    block,
    merges: chosen.has(block),
    where: mergesInside(state.schedule) ? 'in' : 'before',
    tokens: tokens[block],
    share: tokens[block] / state.view.size,
    changed: block === 0 || tokens[block] !== tokens[block - 1],
  }));
  const focused = nodesIn(ui.strip, 'button').findIndex((block) => block === document.activeElement);
  ui.strip.replaceChildren(...cells.map((cell) => showBlock(cell, run, () => actions.toggleBlock(cell.block))));
  ui.strip.toggleAttribute('data-crowded', cells.filter((cell) => cell.changed).length > cells.length / 2);
  const blocks = nodesIn(ui.strip, 'button');
  blocks[Math.max(focused, 0)].tabIndex = 0;
  if (focused >= 0) blocks[focused].focus();
  ui.stripCaption.textContent = stripCaption(state, run);
}

// Patch tokens that each block works on; a schedule not computed yet has none to show.
/** @param {View} view @param {Run | null} run */
function tokensAfterBlocks(view, run) {
  return Array.from({ length: view.depth }, (_, block) =>
    run ? run.tokenCounts[run.blocks.filter((at) => at <= block).length] : NaN,
  );
}

/** @param {EncoderBlock} encoderBlock @param {Run | null} run @param {() => void} toggle */
function showBlock({ block, merges, where, tokens, share, changed }, run, toggle) {
  const spoken = `Block ${block}${merges ? `, merges ${where} it` : ''}${run ? `, ${tokens} tokens` : ''}`;
  return el(
    'button',
    {
      type: 'button',
      class: 'encoder-block',
      tabindex: -1,
      'aria-pressed': String(merges),
      title: merges ? `Remove the merge ${where} block ${block}` : `Merge ${where} block ${block}`,
      onclick: toggle,
    },
    el('span', { class: 'spoken' }, spoken),
    el('span', { class: 'number', 'aria-hidden': 'true' }, String(block)),
    el('span', { class: 'bar', style: { '--share': run ? share : 0 } }),
    el('span', { class: 'tokens', 'aria-hidden': 'true', 'data-changed': String(changed) }, run ? String(tokens) : '…'),
  );
}

/** @param {KeyboardEvent} event @param {HTMLElement} strip */
function moveAlongStrip(event, strip) {
  const step = Number(event.key === 'ArrowRight') - Number(event.key === 'ArrowLeft');
  const blocks = nodesIn(strip, 'button');
  const at = blocks.findIndex((block) => block === document.activeElement);
  if (!step || at < 0) return;
  event.preventDefault();
  const next = blocks[clamp(at + step, 0, blocks.length - 1)];
  blocks.forEach((block) => {
    block.tabIndex = block === next ? 0 : -1;
  });
  next.focus();
}

/** @param {Shown} state @param {Run | null} run */
function stripCaption(state, run) {
  const where = mergesInside(state.schedule) ? 'in' : 'before';
  if (state.view.failed.has(state.schedule)) return `The panes show ${shortName(state, state.shown)}.`;
  if (!run)
    return `${shortName(state, state.schedule)} is being computed; the panes show ${shortName(state, state.shown)}.`;
  return `Encoder blocks and their tokens. ${pressWord()} one to merge ${where} it.`;
}
