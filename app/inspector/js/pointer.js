// Mouse, touch and keyboard on the two canvases, which share hover, pin and zoom.

import { clamp, el, valueNamed } from '../../js/util.js';
import { visibleSpan } from './masks.js';
import { colOf, rowOf } from './model.js';
import { activePatch } from './store.js';
import { panned, patchAt, patchCentre, pixelAt, zoomAbout } from './viewport.js';

/** @typedef {{x: number, y: number, lastX: number, lastY: number, moved: boolean}} Press */

const CLICK_SLACK_PX = 5;

/** @param {Pane} pane @param {Store} store @param {Actions} actions */
export function mountPointer(pane, store, actions) {
  const { top } = pane;
  /** @type {Press | null} */
  let press = null;
  top.addEventListener('pointermove', (event) => {
    if (press && dragging(press, event)) dragPicture(pane, store, press, event);
    else if (event.pointerType !== 'touch')
      store.set({ ...under(pane, store.state, event), cursor: null, pointer: pointerOn(pane, event) });
  });
  top.addEventListener('pointerleave', (event) => {
    if (event.pointerType !== 'touch') store.set({ hover: null, pixel: null, pointer: null });
  });
  top.addEventListener('pointerdown', (event) => {
    press = { x: event.clientX, y: event.clientY, lastX: event.clientX, lastY: event.clientY, moved: false };
    if (store.state.zoom.scale > 1) top.setPointerCapture(event.pointerId);
  });
  top.addEventListener('pointerup', (event) => {
    if (press && !press.moved) pinUnder(pane, store, actions, event);
    press = null;
  });
  top.addEventListener('pointercancel', () => {
    press = null;
  });
  top.addEventListener('wheel', (event) => wheelZoom(pane, store, event), { passive: false });
  top.addEventListener('keydown', (event) => pressKey(pane, store, actions, event));
  top.addEventListener('focus', () => store.set({ focused: pane.name }));
  top.addEventListener('blur', () => store.set({ cursor: null }));
  mountZoomButtons(pane, store);
}

/** @param {Pane} pane @param {MouseEvent} event */
function pointOn(pane, event) {
  const box = pane.top.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}

// Where the tooltip stands: beside the mouse, or where a finger tapped.
/** @param {Pane} pane @param {PointerEvent} event @returns {Pointer} */
const pointerOn = (pane, event) => ({
  pane: pane.name,
  isTouch: event.pointerType === 'touch',
  ...pointOn(pane, event),
});

/** @param {Pane} pane @param {Store} store @param {Actions} actions @param {PointerEvent} event */
function pinUnder(pane, store, actions, event) {
  const { hover } = under(pane, store.state, event);
  store.set({ pointer: pointerOn(pane, event) });
  if (hover !== null) actions.pin(hover);
}

/** @param {Pane} pane @param {State} state @param {PointerEvent} event @returns {Pick<State, 'hover' | 'pixel'>} */
function under(pane, { view, pending }, event) {
  if (!view || pending) return { hover: null, pixel: null };
  const { x, y } = pointOn(pane, event);
  return {
    hover: patchAt(view, pane.rect(), x, y),
    pixel: pane.reads ? pixelAt(view, pane.rect(), x, y) : null,
  };
}

/** @param {Press} press @param {PointerEvent} event */
function dragging(press, event) {
  press.moved ||= Math.hypot(event.clientX - press.x, event.clientY - press.y) > CLICK_SLACK_PX;
  return press.moved && event.buttons > 0;
}

/** @param {Pane} pane @param {Store} store @param {Press} press @param {PointerEvent} event */
function dragPicture(pane, store, press, event) {
  const { zoom } = store.state;
  if (zoom.scale > 1) {
    store.set({
      zoom: panned(zoom, pane.rect(), event.clientX - press.lastX, event.clientY - press.lastY),
      hover: null,
    });
  }
  Object.assign(press, { lastX: event.clientX, lastY: event.clientY });
}

// Plain scrolling stays with the page; with Ctrl (and so a pinch on a touchpad) it zooms.
/** @param {Pane} pane @param {Store} store @param {WheelEvent} event */
function wheelZoom(pane, store, event) {
  if (!event.ctrlKey || !store.state.view || store.state.pending) return;
  event.preventDefault();
  const { x, y } = pointOn(pane, event);
  zoomPane(pane, store, Math.exp(-event.deltaY * 0.01), x, y);
}

/** @param {Pane} pane @param {Store} store @param {number} factor @param {number} [x] @param {number} [y] */
function zoomPane(pane, store, factor, x = pane.size().width / 2, y = pane.size().height / 2) {
  const { view, zoom } = store.state;
  if (view && !store.state.pending) store.set({ zoom: zoomAbout(view, pane.rect(), pane.size(), zoom, factor, x, y) });
}

/** @param {Pane} pane @param {Store} store */
function mountZoomButtons(pane, store) {
  /** @param {string} text @param {string} label @param {() => void} action */
  const button = (text, label, action) =>
    el('button', { type: 'button', 'aria-label': label, title: label, onclick: action }, text);
  const fit = button('Fit', 'Show the whole picture', () => zoomPane(pane, store, 0));
  fit.hidden = true;
  pane.zoomBar.append(
    button('−', 'Zoom out', () => zoomPane(pane, store, 1 / 1.6)),
    button('+', 'Zoom in (or Ctrl and scroll)', () => zoomPane(pane, store, 1.6)),
    fit,
  );
  store.on(['zoom', 'view'], ({ zoom }) => {
    fit.hidden = zoom.scale === 1;
    pane.top.style.touchAction = zoom.scale > 1 ? 'none' : 'pan-y';
  });
}

/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** @param {Pane} pane @param {Store} store @param {Actions} actions @param {KeyboardEvent} event */
function pressKey(pane, store, actions, event) {
  const { state } = store;
  if (!state.view || state.pending || event.ctrlKey || event.metaKey || event.altKey) return;
  /** @type {Record<string, () => void>} */
  const keys = {
    Enter: () => actions.pin(activePatch(state)),
    ' ': () => actions.pin(activePatch(state)),
    Escape: actions.release,
    '+': () => zoomPane(pane, store, 1.6),
    '=': () => zoomPane(pane, store, 1.6),
    '-': () => zoomPane(pane, store, 1 / 1.6),
    0: () => zoomPane(pane, store, 0),
  };
  const arrow = valueNamed(ARROWS, event.key);
  const action = arrow ? () => moveCursor(pane, store, arrow, event.shiftKey ? 5 : 1) : valueNamed(keys, event.key);
  if (!action) return;
  event.preventDefault();
  action();
}

// With a patch pinned the pin itself moves; else the cursor does.
/** @param {Pane} pane @param {Store} store @param {[number, number]} number @param {number} steps */
function moveCursor(pane, store, [down, right], steps) {
  const { state } = store;
  const { view } = state;
  if (!view) return;
  const from = activePatch(state);
  const { rows, cols } = view.inside;
  /** @param {Span} span */
  const middle = ([first, last]) => Math.ceil((first + last) / 2);
  const row = from === null ? middle(rows) : clamp(rowOf(view, from) + down * steps, ...rows);
  const col = from === null ? middle(cols) : clamp(colOf(view, from) + right * steps, ...cols);
  const patch = row * view.cols + col;
  store.set(state.pinned === null ? { cursor: patch, hover: null } : { pinned: patch });
  keepVisible(pane, store, patch);
}

/** @param {Pane} pane @param {Store} store @param {number} patch */
function keepVisible(pane, store, patch) {
  const { view, zoom } = store.state;
  if (!view || zoom.scale === 1) return;
  const { x, y } = patchCentre(view, pane.rect(), patch);
  const { width, height } = pane.size();
  if (x > 20 && y > 20 && x < width - 20 && y < height - 20) return;
  store.set({
    zoom: {
      ...zoom,
      x: (colOf(view, patch) + 0.5) * view.patchW - view.padX,
      y: (rowOf(view, patch) + 0.5) * view.patchH - view.padY,
    },
  });
}

/** @param {HTMLElement} handle @param {Pane} pane @param {Store} store */
export function mountHandle(handle, pane, store) {
  /** @param {PointerEvent} event */
  const move = (event) => {
    const [left, right] = visibleSpan(pane.rect(), pane.size().width);
    store.set({ split: clamp((pointOn(pane, event).x - left) / (right - left), 0, 1) });
  };
  handle.addEventListener('pointerdown', (event) => {
    handle.setPointerCapture(event.pointerId);
    handle.focus({ preventScroll: true });
  });
  handle.addEventListener('pointermove', (event) => handle.hasPointerCapture(event.pointerId) && move(event));
  handle.addEventListener('keydown', (event) => {
    /** @type {Record<string, number>} */
    const steps = {
      ArrowLeft: -0.02,
      ArrowRight: 0.02,
      ArrowDown: -0.02,
      ArrowUp: 0.02,
      PageDown: -0.1,
      PageUp: 0.1,
      Home: -1,
      End: 1,
    };
    if (!(event.key in steps)) return;
    event.preventDefault();
    store.set({ split: clamp(store.state.split + steps[event.key], 0, 1) });
  });
}
