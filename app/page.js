// One fault, one message: several events ask for the same picture, and Gradio shows each one's refusal. Only the
// browser knows what this visitor was told already, so it takes away every message equal to one that is shown.
() => {
  let waiting = false;
  const tidy = () => {
    waiting = false;
    const told = new Set();
    for (const toast of document.querySelectorAll('[data-testid=toast-body]')) {
      // Closed as a person would: the node is Gradio's own to remove.
      if (told.has(toast.textContent)) toast.querySelector('button')?.click();
      told.add(toast.textContent);
    }
  };
  new MutationObserver(() => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(tidy);
  }).observe(document.body, { childList: true, subtree: true });
}
