// Gradio's accordions look open or closed, but do not say so: their buttons get aria-expanded.

const BUTTONS = '.gr-accordion > .label-wrap';

const LULL_MS = 200; // the page changes with every move of the mouse

export function mountAccordions() {
  let timer = 0;
  const look = () => {
    timer ||= setTimeout(() => {
      timer = 0;
      sayStates();
    }, LULL_MS);
  };
  sayStates();
  // Gradio adds what is below only later, and turns the class when one is opened.
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributeFilter: ['class'] });
}

function sayStates() {
  for (const button of document.querySelectorAll(BUTTONS)) {
    const isOpen = String(button.classList.contains('open'));
    if (button.getAttribute('aria-expanded') !== isOpen) button.setAttribute('aria-expanded', isOpen);
  }
}
