// What Gradio's own parts show but do not say: whether an accordion is open, what a picture or an empty plot is.

const BUTTONS = '.gr-accordion > .label-wrap';

const LULL_MS = 200; // the page changes with every move of the mouse

export function mountAccordions() {
  let timer = 0;
  const look = () => {
    timer ||= setTimeout(() => {
      timer = 0;
      sayAll();
    }, LULL_MS);
  };
  sayAll();
  // Gradio adds what is below only later, and turns the class when one is opened.
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributeFilter: ['class'] });
}

function sayAll() {
  sayStates();
  for (const node of document.querySelectorAll('.empty[aria-label]:not([role])')) node.setAttribute('role', 'img');
  for (const button of document.querySelectorAll('.image-container > button:not([aria-label])'))
    button.setAttribute('aria-label', 'The picture');
}

function sayStates() {
  for (const button of document.querySelectorAll(BUTTONS)) {
    const isOpen = String(button.classList.contains('open'));
    if (button.getAttribute('aria-expanded') !== isOpen) button.setAttribute('aria-expanded', isOpen);
  }
}
