// A picture just picked, of which nothing is known yet: it takes all panes at once, in its own shape.

import { setStyle } from '../../js/util.js';
import { pictureRect } from './viewport.js';

const WHOLE = { scale: 1, x: 0.5, y: 0.5 };

/** @param {Ui} ui @param {Store} store */
export function mountPreview(ui, store) {
  store.on(['pending'], (state) => {
    ui.root.toggleAttribute('data-waiting', Boolean(state.pending));
    if (!state.pending) store.set({ preview: null });
    else if (state.pending.src !== state.preview?.src) loadPreview(state.pending.src, store);
  });
  store.on(['view', 'pending', 'preview', 'live'], (state) => {
    const shape = state.live?.view ?? (state.pending ? state.preview?.picture : state.view);
    if (shape) setStyle(ui.root, '--ratio', shape.width / shape.height);
  });
}

// One picture may follow another for the same wait (the browser's own, then Python's): the first stays until then.
/** @param {string | null} src @param {Store} store */
async function loadPreview(src, store) {
  if (!src) return;
  const picture = new Image();
  picture.src = src;
  await picture.decode().catch(() => null); // a format that this browser does not know: Python shows it soon
  if (store.state.pending?.src === src && picture.naturalWidth) store.set({ preview: { src, picture } });
}

/** @param {Context} ctx @param {Sized} sized @param {Pick<State, 'preview'>} state */
export function drawPreview(ctx, { width, height }, { preview }) {
  if (!preview) return;
  const { x, y, w, h } = pictureRect(preview.picture, width, height, WHOLE);
  ctx.drawImage(preview.picture, x, y, w, h);
}
