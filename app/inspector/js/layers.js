// Layer switches with an opacity slider each, and the colour scales of the layers that are on.

import { el } from '../../js/util.js';
import { largestGroup, rampGradient, similarityScale } from './ramps.js';
import { onSide } from './rival.js';
import { baselineRun, heatApplies, LAYERS, shownRun, shownStage } from './store.js';

/** @param {Ui} ui @param {Store} store */
export function mountLayers(ui, store) {
  const chips = new Map(LAYERS.map((layer) => [layer.name, layerChip(layer, store)]));
  ui.layers.append(...[...chips.values()].map(({ chip }) => chip));
  store.on(['layers', 'view', 'runs'], (state) => {
    for (const [name, part] of chips) showChip(part, state.layers[name]);
    const baseline = chips.get('baseline');
    if (baseline) baseline.chip.hidden = !baselineRun(state);
  });
  store.on(['layers', 'view', 'runs', 'shown', 'stage', 'heat', 'heatWanted', 'pinned', 'side', 'against'], (state) => {
    if (state.view) ui.scales.replaceChildren(...scalesOf(onSide(state)));
  });
}

/** @param {(typeof LAYERS)[number]} lAYERS @param {Store} store */
function layerChip({ name, text, help }, store) {
  /** @param {Partial<Layer>} part */
  const change = (part) => {
    const layers = { ...store.state.layers, [name]: { ...store.state.layers[name], ...part } };
    store.set({ layers });
  };
  const toggle = el(
    'button',
    {
      type: 'button',
      class: 'toggle',
      title: help,
      'data-layer': name,
      onclick: () => change({ on: !store.state.layers[name].on }),
    },
    el('span', { class: 'dot' }),
    text,
  );
  const slider = el('input', {
    type: 'range',
    min: 0,
    max: 100,
    step: 5,
    'aria-label': `Opacity of ${text.toLowerCase()}`,
    oninput: (event) => change({ opacity: Number(event.target.value) / 100 }),
  });
  return { chip: el('div', { class: 'chip' }, toggle, slider), toggle, slider };
}

/** @param {ReturnType<typeof layerChip>} layerChip @param {Layer} layer */
function showChip({ chip, toggle, slider }, { on, opacity }) {
  chip.toggleAttribute('data-on', on);
  toggle.setAttribute('aria-pressed', String(on));
  slider.hidden = !on;
  slider.value = String(Math.round(opacity * 100));
  slider.style.setProperty('--fill', `${opacity * 100}%`);
}

/** @param {Shown} state */
function scalesOf(state) {
  const run = shownRun(state);
  const { layers, heat } = state;
  const scales = [];
  if (heat && heatApplies(state))
    scales.push(
      rampScale('Similarity to the pinned patch', 'viridis', heat.scale.low.toFixed(2), heat.scale.high.toFixed(2)),
    );
  const stage = shownStage(state);
  if (stage > 0 && (layers.links.on || layers.similarity.on)) {
    const { low, high } = similarityScale();
    scales.push(rampScale('Cosine similarity', 'viridis', `≤ ${low}`, String(high)));
  }
  if (layers.size.on && largestGroup(run) > 1)
    scales.push(rampScale('Patches in a group', 'plasma', '1', String(largestGroup(run))));
  return scales;
}

/** @param {string} name @param {'viridis' | 'plasma'} ramp @param {string} low @param {string} high */
const rampScale = (name, ramp, low, high) =>
  el(
    'div',
    { class: 'scale' },
    el('span', { class: 'name' }, name),
    el('span', {}, low),
    el('span', { class: 'ramp', style: { background: rampGradient(ramp) }, 'aria-hidden': 'true' }),
    el('span', {}, high),
  );
