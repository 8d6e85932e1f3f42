// Words that depend on how the page is used.

// "Tap" where fingers do it.
export const pressWord = () => (window.matchMedia('(hover: none)').matches ? 'Tap' : 'Click');
