// The address after "#": schedule, stage, layers, pinned patch, mask view. Foreign keys in it are left alone.

import { partsOf, textOf } from '../../js/recipe.js';
import { clamp, onceQuiet } from '../../js/util.js';
import { maskModes } from './masks.js';
import { colOf, rowOf } from './model.js';
import { LAYERS } from './store.js';

const LINK_KEYS = ['schedule', 'stage', 'layers', 'patch', 'masks', 'split'];

export function readLink(hash = window.location.hash) {
  return Object.fromEntries(new URLSearchParams(hash.slice(1)));
}

function linkParts(state) {
  const { view, layers } = state;
  return {
    schedule: state.schedule,
    stage: state.stage === Infinity ? null : String(state.stage),
    layers: Object.entries(layers)
      .filter(([, { on }]) => on)
      .map(([name, { opacity }]) => `${name}:${Math.round(opacity * 100)}`)
      .join(','),
    patch: state.pinned === null ? null : `${rowOf(view, state.pinned)}.${colOf(view, state.pinned)}`,
    masks: state.maskMode,
    split: String(Math.round(state.split * 100)),
  };
}

function writtenLink(state) {
  const others = Object.entries(readLink()).filter(([key]) => !LINK_KEYS.includes(key));
  const own = Object.entries(linkParts(state)).filter(([, value]) => value !== null);
  // Commas, colons and @ are legal there, and a person can read them.
  return (
    '#' +
    [...others, ...own]
      .map(([key, value]) => `${key}=${encodeURIComponent(value).replace(/%2C/g, ',').replace(/%3A/g, ':').replace(/%40/g, '@')}`)
      .join('&')
  );
}

// State from a link; what is malformed is left out.
export function stateFromLink(link, view) {
  const parts = {};
  if (link.stage && /^\d+$/.test(link.stage)) parts.stage = Number(link.stage);
  if (link.layers !== undefined) parts.layers = layersFromLink(link.layers);
  if (maskModes(view).some(({ value }) => value === link.masks)) parts.maskMode = link.masks;
  if (/^\d+$/.test(link.split ?? '')) parts.split = clamp(Number(link.split) / 100, 0, 1);
  const patch = /^(\d+)\.(\d+)$/.exec(link.patch ?? '');
  if (patch && Number(patch[1]) < view.rows && Number(patch[2]) < view.cols) {
    parts.pinned = Number(patch[1]) * view.cols + Number(patch[2]);
  }
  return parts;
}

function layersFromLink(text) {
  const given = new Map(text.split(',').map((part) => part.split(':')));
  return Object.fromEntries(
    LAYERS.map(({ name, opacity }) => [
      name,
      {
        on: given.has(name),
        opacity:
          given.has(name) && Number.isFinite(Number(given.get(name)))
            ? clamp(Number(given.get(name)) / 100, 0, 1)
            : opacity,
      },
    ]),
  );
}

// A recipe that this encoder can run, in its usual spelling; null for anything else. Python has the last word.
export function scheduleFromLink(link, view) {
  if (!/^[\w.()=@,+|-]{1,400}$/.test(link.schedule ?? '')) return null;
  const parts = partsOf(link.schedule);
  const isKnown = ({ rule }) => view.rules.some(({ name }) => name === rule.split('(')[0]);
  const isBlock = (block) => Number.isInteger(block) && block >= 0 && block < view.depth;
  const fits = parts.stages.every((stage) => isKnown(stage) && stage.blocks.every(isBlock));
  return fits ? textOf(parts) : null;
}

// The address follows once the user has done something, not before.
export function mountLink(ui, store) {
  let touched = false;
  for (const kind of ['pointerdown', 'keydown'])
    ui.root.addEventListener(
      kind,
      () => {
        touched = true;
      },
      true,
    );
  const write = onceQuiet(300, (state) => history.replaceState(history.state, '', writtenLink(state)));
  store.on(
    ['schedule', 'stage', 'layers', 'pinned', 'maskMode', 'split'],
    (state) => touched && state.view && write(state),
  );
  ui.copyLink.addEventListener('click', () => copyLink(ui.copyLink, store.state));
}

async function copyLink(button, state) {
  if (!state.view) return;
  history.replaceState(history.state, '', writtenLink(state));
  const done = await navigator.clipboard?.writeText(window.location.href).then(
    () => true,
    () => false,
  );
  button.textContent = done ? 'Copied' : 'In the address bar';
  setTimeout(() => {
    button.textContent = 'Copy link';
  }, 1600);
}
