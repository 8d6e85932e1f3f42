// The live camera: its tile, how it begins and every way in which it ends. What is shown is `state.live`; the picture
// that was open stays behind it and comes back as it was.

import { addTile } from '../../inspector/js/filmstrip.js';
import { noticeOf } from '../../inspector/js/notice.js';
import { newAct, wishOf } from '../../inspector/js/wish.js';
import { el } from '../../js/util.js';
import { bareFrame, decodeFrame } from './frame.js';
import { createGrabber, hasCameras, openCamera, playIn, stopCamera } from './grab.js';
import { startLoop } from './loop.js';
import { createRates } from './rates.js';
import { ASKING, cameraSentence, noCameraHere, PRIVATE, SLOW, STOPPED } from './sentences.js';
import { showLiveStrip } from './show.js';

/**
 * @typedef {object} Session From the press of the tile to the end.
 * @property {MediaStream | null} stream
 * @property {HTMLVideoElement | null} video
 * @property {() => void} end
 * @property {Rates} rates
 * @property {number} frames
 * @property {number} losses
 * @property {ToldRates | null} told
 * @property {number} toldAt
 * @property {number} [generation]
 * @property {Source | null} [source]
 * @property {string | null} [model]
 * @property {string | null} [schedule]
 * @property {Pick<State, 'against' | 'side' | 'maskMode'>} [before]
 */
/** @typedef {Session & {stream: MediaStream, video: HTMLVideoElement}} Running */
/** @typedef {{tile: HTMLElement, spoken: HTMLElement, off: HTMLButtonElement}} Nodes */
/** @typedef {Nodes & {ui: Ui, page: Page, server: FrameServer, session: Session | null, tab: string}} Camera */

const TELL_RATES_MS = 400; // numbers that change more often cannot be read
const MOST_LOSSES = 3;
/** @type {Pick<State, 'against' | 'side' | 'maskMode'>} */
const PLAIN = { against: null, side: 'own', maskMode: 'merged' }; // what panes and heads say of frames

const pause = (ms = 8) => new Promise((done) => setTimeout(done, ms));

// page: {store, actions, races, watch, send}; server: Python's functions, as gr.HTML hands them on.
/** @param {Ui} ui @param {Page} page @param {FrameServer | undefined} server */
export function mountCamera(ui, page, server) {
  if (!server?.frame) return;
  const toggle = () => (camera.session ? stop(camera) : start(camera));
  /** @type {Camera} */
  const camera = {
    ui,
    page,
    server,
    session: null,
    tab: Math.random().toString(36).slice(2),
    tile: addTile(ui, { text: 'camera', label: 'Live camera', icon: '●', onclick: toggle }),
    spoken: el('p', { class: 'spoken', role: 'status', 'data-role': 'camera-status' }),
    off: el(
      'button',
      { type: 'button', class: 'quiet', 'data-role': 'camera-off', hidden: true, onclick: () => stop(camera) },
      'Stop camera',
    ),
  };
  camera.tile.title = `Masks of what your camera sees, live. ${PRIVATE}`;
  ui.root.append(camera.spoken);
  // Beside the head line: on a phone the tile is far below what is looked at.
  ui.tourStart.after(camera.off);
  mark(camera, false);
  endsByItself(camera);
  page.store.on(['live'], (state) => showLive(camera, state));
  page.store.on(['pending'], (state) => followPicture(camera, state));
}

/** @param {Camera} camera */
function endsByItself(camera) {
  window.addEventListener('keydown', (event) => event.key === 'Escape' && camera.session && stop(camera));
  window.addEventListener('pagehide', () => camera.session && stop(camera));
  document.addEventListener(
    'visibilitychange',
    () => document.hidden && camera.session && stop(camera, STOPPED.hidden),
  );
}

/** @param {Camera} camera */
async function start(camera) {
  const { ui, page } = camera;
  const { isSecureContext: isSecure, location } = window;
  const refusal = noCameraHere(hasCameras(), { isSecure, hostname: location.hostname, port: location.port });
  if (refusal) return page.store.set({ notice: noticeOf(refusal) });
  /** @type {Session} */
  const session = {
    stream: null,
    video: null,
    end: () => {},
    rates: createRates(),
    frames: 0,
    losses: 0,
    told: null,
    toldAt: 0,
  };
  camera.session = session;
  mark(camera, true);
  page.store.set({ notice: null, cameraText: `${ASKING}…`, playing: false, tour: null });
  try {
    const stream = await openCamera();
    session.stream = stream;
    if (camera.session === session) session.video = await playIn(ui.root, stream);
  } catch (error) {
    if (camera.session === session) stop(camera, cameraSentence(/** @type {Error} */ (error)));
  }
  if (camera.session === session) begin(camera, /** @type {Running} */ (session));
  else release(session); // stopped while the browser asked
  return undefined;
}

/** @param {Camera} camera @param {Running} session */
function begin(camera, session) {
  const { store, send } = camera.page;
  const { state } = store;
  const { acts, source, model, schedule, against, side, maskMode } = state;
  Object.assign(session, { generation: acts.view, source, model, schedule, before: { against, side, maskMode } });
  session.stream.getTracks().forEach((track) => {
    track.onended = () => camera.session === session && stop(camera, STOPPED.ended);
  });
  // Nothing is measured beside the camera, and no curves are drawn.
  for (const kind of /** @type {ActKind[]} */ (['race', 'camera'])) {
    newAct(state, kind);
    send('act', { kind });
  }
  store.set({ cameraText: '', ...PLAIN });
  camera.spoken.textContent = `The camera is live: the masks follow it. Escape stops it. ${PRIVATE}`;
  /** @param {Taken} taken @param {number} number */
  const ask = (taken, number) => camera.server.frame({ ...wishOf(state), tab: camera.tab, number, jpeg: taken.jpeg });
  session.end = startLoop({ camera: createGrabber(session.video), ask, heard: heardBy(camera, session), pause });
}

// What comes of a frame. After the end nothing of this is heard (see loop.js).
/** @param {Camera} camera @param {Session} session @returns {Heard} */
function heardBy(camera, session) {
  const { store, watch } = camera.page;
  const { state, set } = store;
  let decoding = Promise.resolve();
  const isOn = () => camera.session === session;
  return {
    taken(taken) {
      if (!state.live) set({ live: { ...bareFrame(taken), frames: 0, rates: session.rates.told() } });
    },
    // The next frame is taken while this one is decoded, but no two are decoded at once.
    async answered(taken, answer) {
      await decoding;
      session.losses = 0;
      session.rates.answered(state.model, state.schedule, answer);
      decoding = decodeFrame(taken, answer).then(
        (frame) => {
          if (!isOn()) return;
          session.frames += 1;
          set({ live: { ...frame, frames: session.frames, rates: ratesNow(session) }, cameraText: '' });
        },
        () => {
          if (isOn()) stop(camera, STOPPED.broken);
        },
      );
    },
    failed(sentence) {
      session.rates.paused();
      set({ cameraText: sentence });
    },
    async slow() {
      session.rates.paused();
      set({ cameraText: `${SLOW}…` });
      if (!(await watch.suspect()) && isOn()) stop(camera, STOPPED.gone);
    },
    async lost() {
      session.losses += 1;
      const isThere = await watch.suspect();
      if (!isOn()) return false;
      if (isThere && session.losses < MOST_LOSSES) return pause(1000).then(isOn);
      stop(camera, isThere ? STOPPED.broken : STOPPED.gone);
      return false;
    },
  };
}

/** @param {Session} session */
function ratesNow(session) {
  const now = performance.now();
  const isRecent = now - session.toldAt <= TELL_RATES_MS;
  if (session.told !== null && isRecent) return session.told;
  session.told = session.rates.told();
  session.toldAt = now;
  return session.told;
}

/** @param {Session} session */
function release(session) {
  session.end();
  if (session.stream) stopCamera(session.stream);
  session.video?.remove();
}

// why: a sentence where the person did not stop it; it stays when the server is there again.
/** @param {Camera} camera @param {string | null} [why] */
function stop(camera, why = null) {
  const { session, page } = camera;
  const { state, set } = page.store;
  if (!session) return;
  camera.session = null;
  release(session);
  mark(camera, false);
  camera.spoken.textContent = 'The camera is off.';
  const wasLive = Boolean(state.live);
  set({ live: null, cameraText: '', ...session.before });
  if (wasLive) goBack(page, session);
  if (why) set({ notice: noticeOf(why, 'camera') });
}

// The picture before is drawn anew, with the recipe that was chosen meanwhile.
/** @param {Page} page @param {Session} session */
function goBack({ store, actions, races }, session) {
  const { state, set } = store;
  set({ runs: state.runs + 1 });
  if (!state.view || state.pending) return;
  const { curves } = state.view;
  if (!curves || curves.done < curves.of) state.view.curvesAsked = false; // they had to give way
  if (state.schedule !== session.schedule) actions.announce(state.schedule);
  else races.consider();
  actions.askHeat();
}

/** @param {Camera} camera @param {boolean} isOn */
function mark({ tile }, isOn) {
  tile.setAttribute('aria-pressed', String(isOn));
  const icon = tile.querySelector('.plus');
  if (icon) icon.textContent = isOn ? '■' : '●';
}

// After the panes were drawn: the rest of the page follows the frame.
/** @param {Camera} camera @param {Pick<State, 'live'>} state */
function showLive({ ui, session, off }, { live }) {
  const isOn = Boolean(live);
  if (isOn && off.hidden && ui.panes.getBoundingClientRect().top < 0) ui.root.scrollIntoView({ block: 'start' });
  off.hidden = !isOn;
  ui.root.toggleAttribute('data-camera', isOn);
  ui.headline.setAttribute('aria-live', isOn ? 'off' : 'polite'); // nobody wants to hear every frame
  for (const top of [ui.mergeTop, ui.baselineTop, ui.maskTop]) top.inert = isOn;
  if (!live?.run || !session) return;
  session.rates.drawn(live.takenAt, performance.now());
  showLiveStrip(ui, live);
}

// Another model goes on live; another picture ends it.
/** @param {Camera} camera @param {State} state */
function followPicture(camera, { pending, model, source }) {
  const { session } = camera;
  if (!session || !pending || session.generation === undefined || pending.generation <= session.generation) return;
  const isModelAlone = model !== session.model && JSON.stringify(source) === JSON.stringify(session.source);
  if (isModelAlone) Object.assign(session, { generation: pending.generation, model });
  else stop(camera);
}
