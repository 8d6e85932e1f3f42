// Puts the parts together.

import { nodesIn } from '../../js/util.js';
import { mountCamera } from '../../camera/js/camera.js';
import { mountAgainst } from './againstmenu.js';
import { mountAccordions } from './accordions.js';
import { makeActions } from './actions.js';
import { mountClasses } from './classes.js';
import { createContact } from './contact.js';
import { debugHandle } from './debug.js';
import { mountDownloads } from './downloads.js';
import { EVENTS } from './events.js';
import { mountFilmstrip } from './filmstrip.js';
import { mountHeadline } from './headline.js';
import { mountLayers } from './layers.js';
import { followLink, mountLink, readLink } from './link.js';
import { mountLocality } from './locality.js';
import { createInbox } from './messages.js';
import { mountMethod } from './method.js';
import { mountModelMenu } from './modelmenu.js';
import { mountNamed } from './named.js';
import { GONE_SENTENCE, mountNotice, noticeOf } from './notice.js';
import { mountPops } from './pops.js';
import { makeOpening } from './opening.js';
import { mountOptions } from './options.js';
import { mountPanes } from './panes.js';
import { mountPick, pickedFiles } from './pick.js';
import { createRaces, mountRaces } from './races.js';
import { mountReadout } from './readout.js';
import { mountSchedule } from './schedule.js';
import { createWatch, pingServer } from './server.js';
import { stoppedAt } from './speed.js';
import { mountStages } from './stages.js';
import { createStore, initialState } from './store.js';
import { mountStrip } from './strip.js';
import { mountTip } from './tip.js';
import { mountTour } from './tour.js';
import { mountTradeoff } from './tradeoff.js';
import { mountWaiting } from './waiting.js';
import { mountUnsure } from './unsure.js';
import { wishOf } from './wish.js';

// What Python always answers with a message.
const ANSWERED = ['open', 'custom', 'missing', 'patch', 'save'];

/** @param {HTMLElement} root @returns {Ui} by their data-ref: a test compares the names */
function collectRefs(root) {
  const refs = nodesIn(root, '[data-ref]').map((node) => [node.dataset.ref, node]);
  return Object.fromEntries(refs);
}

// All that the parts share. Every event says what the tab wants.
function makePage() {
  const store = createStore(initialState(JSON.parse(props.page || '{}')));
  const contact = createContact(trigger);
  const server = createWatch({ ping: pingServer, tell: (isGone) => tellGone(page, isGone) });
  /** @type {Send} */
  const send = (name, data) => {
    if (!EVENTS.includes(name)) throw new Error(`there is no event ${name}`);
    if (ANSWERED.includes(name)) server.asked();
    contact.send(name, { ...wishOf(store.state), ...data });
  };
  const races = createRaces(store, send, (text, digest) => page.opening.resend(text, digest));
  const actions = makeActions(store, send, races);
  const opening = makeOpening(store, send, pickedFiles(upload, server.suspect));
  /** @type {Page} */
  const page = { store, contact, watch: server, send, races, actions, opening };
  return page;
}

// What is here stays usable: a picture on its way gives way to the one before.
/** @param {Page} page @param {boolean} isGone */
function tellGone({ store, actions, opening }, isGone) {
  const { state, set } = store;
  if (!isGone && state.notice?.kind === 'gone') set({ notice: null });
  if (!isGone) return;
  if (state.pending) opening.giveBack();
  actions.dropSaves();
  const speeds = stoppedAt(state.speeds, Infinity);
  set({ notice: noticeOf(GONE_SENTENCE, 'gone'), queueing: null, exploring: null, speeds });
}

/** @param {Ui} ui @param {Page} page */
function mountParts(ui, page) {
  const { store, actions, opening } = page;
  const pick = mountPick(ui, store, opening);
  mountPanes(ui, store, actions);
  mountAgainst(ui, store, actions);
  mountTip(ui, store);
  mountTour(ui, store);
  mountUnsure(ui, store, opening);
  mountAccordions();
  mountPops(ui);
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
  mountHeadline(ui, store);
  mountFilmstrip(ui, store, opening, pick);
  mountCamera(ui, page, server);
  mountModelMenu(ui, store, opening);
  mountNotice(ui, store);
  mountWaiting(ui, store);
  mountLink(ui, store, page);
  mountRaces(store, page.races);
}

function mountInspector() {
  const ui = collectRefs(element);
  const { root } = ui;
  const page = makePage();
  const { store, actions } = page;
  store.on(['view', 'pending'], ({ view, pending }) => {
    root.dataset.empty = String(!view && !pending);
  });
  mountParts(ui, page);
  store.on(
    ['pinned', 'heatWanted', 'shown', 'stage'],
    () => store.state.view && !store.state.live && actions.askHeat(),
  );
  store.on(['offered'], () => root.scrollIntoView({ block: 'start' }));
  store.set({ frame: 1, maskOpacity: 0.7 });
  Object.defineProperty(root, '__inspector', { value: debugHandle(store, ui) });
  receiveMessages(createInbox(page), page);
  window.addEventListener('offline', page.watch.lost);
  window.addEventListener('online', page.watch.look);
  openFirst(page);
}

/** @param {(text: string | null) => void} receive @param {Page} page */
function receiveMessages(receive, { contact, watch: server }) {
  /** @param {string | null} text */
  const hear = (text) => {
    if (!text) return;
    contact.heard();
    server.answered();
    receive(text);
  };
  watch('value', () => hear(props.value));
  window.addEventListener('mpm-message', ({ detail }) => hear(detail));
  window.addEventListener('mpm-race', () => {
    contact.heard();
    server.answered();
  });
  receive(props.value);
}

// What a link names, or the first example where Python has no first view of it.
/** @param {Page} page */
function openFirst(page) {
  const { state } = page.store;
  followLink(readLink(), page);
  if (!state.page.first && !state.pending && state.source?.example) page.opening.example(state.source.example);
}

mountInspector();
