// The film strip: one's own photo first, then the examples as pictures.

import { el } from '../../js/util.js';

/** @param {Pick<Example, 'title' | 'kind'>} example */
export const exampleLabel = ({ title, kind }) => [title, kind].filter(Boolean).join(', ');

/** @param {Ui} ui @param {Store} store @param {Opening} opening @param {{choose: () => void}} pick */
export function mountFilmstrip(ui, store, opening, pick) {
  const own = el(
    'button',
    { type: 'button', class: 'tile own', title: 'Or drop a photo anywhere, or paste one', onclick: pick.choose },
    el('span', { class: 'plus', 'aria-hidden': 'true' }, '+'),
    el('span', { class: 'name' }, 'your photo'),
  );
  own.setAttribute('aria-label', 'Open your photo');
  const tiles = new Map(store.state.page.examples.map((example) => [example.name, exampleTile(example, opening)]));
  ui.filmstrip.replaceChildren(own, ...tiles.values());
  /** @param {State} state */
  const show = ({ source, live }) => {
    for (const [name, tile] of tiles) tile.setAttribute('aria-pressed', String(!live && source?.example === name));
    own.toggleAttribute('data-open', Boolean(!live && source?.upload));
  };
  store.on(['source', 'view', 'live'], show);
  const mine = { tile: null, digest: null };
  store.on(['view', 'source'], (state) => showMine(mine, own, state, opening));
  show(store.state);
}

// The last picture of one's own stays within reach when an example is opened.
/**
 * @param {{tile: HTMLElement | null, digest: string | null}} mine
 * @param {HTMLElement} own
 * @param {State} state
 * @param {Opening} opening
 */
function showMine(mine, own, { view, source }, opening) {
  if (view && view.source && !view.source.example && view.digest !== mine.digest) {
    mine.digest = view.digest;
    mine.tile?.remove();
    const { digest, title, src } = view;
    const onclick = () => opening.picture(digest, title, undefined, null, src);
    mine.tile = el(
      'button',
      { type: 'button', class: 'tile', 'aria-label': `${title}, opened by you`, title, onclick },
      el('img', { src, alt: '', draggable: 'false' }),
      el('span', { class: 'name' }, title),
    );
    own.after(mine.tile);
  }
  const isOpen = view?.digest === mine.digest && view?.source === source;
  mine.tile?.setAttribute('aria-pressed', String(isOpen));
}

/** @param {Example} example @param {Opening} opening */
function exampleTile(example, opening) {
  const tile = el(
    'button',
    {
      type: 'button',
      class: 'tile',
      'data-example': example.name,
      'aria-label': exampleLabel(example),
      title: [exampleLabel(example), example.credit].filter(Boolean).join(' · '),
      onclick: () => opening.example(example.name),
    },
    el('img', { src: example.thumbnail, alt: '', draggable: 'false', loading: 'lazy' }),
    el('span', { class: 'name' }, example.title),
  );
  return tile;
}

// Room beside "your photo" for other ways to get a picture.
/** @param {Ui} ui @param {{text: string, label: string, icon?: string | null, onclick: () => void}} given */
export function addTile(ui, { text, label, icon = null, onclick }) {
  const tile = el(
    'button',
    { type: 'button', class: 'tile own', 'aria-label': label, title: label, onclick },
    el('span', { class: 'plus', 'aria-hidden': 'true' }, icon ?? '+'),
    el('span', { class: 'name' }, text),
  );
  ui.filmstrip.querySelector('.tile.own:last-of-type, .tile.own')?.after(tile);
  return tile;
}
