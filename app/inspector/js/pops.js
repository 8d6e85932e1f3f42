// Panels that open over the page: one at a time, closed by Escape or a press elsewhere.

import { nodeIn } from '../../js/util.js';

/** @param {Ui} ui */
export function mountPops(ui) {
  const pops = [ui.layersPop, ui.recipePop];
  /** @param {Element | null} keep */
  const close = (keep) => pops.forEach((pop) => pop !== keep && pop.removeAttribute('open'));
  document.addEventListener('pointerdown', ({ target }) =>
    close(pops.find((pop) => target instanceof Node && pop.contains(target)) ?? null),
  );
  for (const pop of pops)
    pop.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || !pop.open) return;
      event.stopPropagation();
      close(null);
      nodeIn(pop, 'summary')?.focus();
    });
}
