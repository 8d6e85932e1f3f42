// Puts the parts together.

import { makeActions } from './actions.js';
import { mountClasses } from './classes.js';
import { debugHandle } from './debug.js';
import { mountDownloads } from './downloads.js';
import { EVENTS } from './events.js';
import { mountLayers } from './layers.js';
import { mountLink } from './link.js';
import { mountLocality } from './locality.js';
import { createInbox } from './messages.js';
import { mountMethod } from './method.js';
import { mountNamed } from './named.js';
import { mountOptions } from './options.js';
import { mountPanes } from './panes.js';
import { mountReadout } from './readout.js';
import { mountSchedule } from './schedule.js';
import { mountStages } from './stages.js';
import { createStore, initialState } from './store.js';
import { mountStrip } from './strip.js';
import { mountTradeoff } from './tradeoff.js';

function collectRefs(root) {
  return Object.fromEntries([...root.querySelectorAll('[data-ref]')].map((node) => [node.dataset.ref, node]));
}

function mountInspector() {
  const root = element.querySelector('.mpm');
  const ui = { ...collectRefs(element), root };
  const store = createStore(initialState());
  const actions = makeActions(store, trigger);
  store.on(['view'], ({ view }) => {
    root.dataset.empty = String(!view);
  });
  mountPanes(ui, store, actions);
  mountMethod(ui, store, actions);
  mountOptions(ui, store, actions);
  mountNamed(ui, store, actions);
  mountSchedule(ui, store, actions);
  mountStrip(ui, store, actions);
  mountStages(ui, store);
  mountLayers(ui, store);
  mountReadout(ui, store, actions);
  mountLocality(ui, store);
  mountTradeoff(ui, store, actions);
  mountClasses(ui, store, actions);
  mountDownloads(ui, store, actions);
  mountLink(ui, store);
  store.on(['pinned', 'heatWanted', 'shown', 'stage'], () => store.state.view && actions.askHeat());
  store.set({ frame: 1, maskOpacity: 0.7 });
  Object.defineProperty(root, '__inspector', { value: debugHandle(store, ui) });
  const receive = createInbox(store, actions);
  watch('value', () => receive(props.value));
  receive(props.value);
}

mountInspector();
