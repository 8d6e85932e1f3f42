// Panels that open over the page: one at a time, closed by Escape or a press elsewhere.

export function mountPops(ui) {
  const pops = [ui.layersPop, ui.recipePop];
  const close = (keep) => pops.forEach((pop) => pop !== keep && pop.removeAttribute('open'));
  document.addEventListener('pointerdown', ({ target }) => close(pops.find((pop) => pop.contains(target))));
  for (const pop of pops)
    pop.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || !pop.open) return;
      event.stopPropagation();
      close(null);
      pop.querySelector('summary').focus();
    });
}
