// Messages from Python, one receiver a kind.

import { valueNamed } from '../../js/util.js';
import { blocksOf } from '../../js/recipe.js';
import { againstFits, againstText } from './against.js';
import { bytesOf } from './bytes.js';
import { floatsOf, decodePicture, decodeRun, decodeView, SCHEMA } from './decode.js';
import { saveBlob } from './downloads.js';
import { freshMode } from './features.js';
import { linkProblems, scheduleFromLink, stateFromLink } from './link.js';
import { noticeOf } from './notice.js';
import { cuttingText } from './opening.js';
import { choiceOf } from './options.js';
import { decodeStage } from './stagedata.js';
import { isLatestView, isRecipeAwaited, isViewWanted } from './wish.js';

const ASK_AGAIN_MS = 4000;
const KEPT_NONCES = 64;

/** @typedef {Pick<Page, 'store' | 'actions' | 'opening' | 'races'>} Told */
/** @typedef {(message: Wire.Failed, page: Told) => void} FailureReceiver */
/** @type {{[K in keyof Wire.Messages]: (message: Wire.Messages[K], page: Told) => void | Promise<void>}} */
const RECEIVERS = {
  async picture(message, { store, opening }) {
    const { pending } = store.state;
    if (!pending || !isLatestView(store.state, message)) return;
    if (pending.file) opening.remember(message.picture, pending.file);
    await decodePicture(message.image.src); // so that it is drawn without a gap
    const now = store.state.pending;
    if (now?.generation !== message.generation) return;
    const { src, width, height } = message.image;
    const text = message.patches ? cuttingText(message.patches) : now.text;
    const { picture: digest, title, patches, notes } = message;
    store.set({ pending: { ...now, src, width, height, digest, title, patches, text, notes } });
  },
  waiting(message, { store }) {
    const { state, set } = store;
    const { text, done, of } = message;
    if (state.pending && isLatestView(state, message)) set({ pending: { ...state.pending, text, done, of } });
    else if (isRecipeAwaited(state, message)) set({ queueing: { text, done, of } });
  },
  async view(message, page) {
    const { state, set } = page.store;
    const isSame = () => state.view?.key === message.view;
    if (!isSame() && !isViewWanted(state, message) && state.view) return;
    const view = await decodeView(message);
    await addRuns(view, message);
    const isAnswer = isViewWanted(state, message);
    if (!isSame() && !isAnswer && state.view) return;
    view.sent = message.sent;
    if (!view.model.name)
      view.model = state.page.models.find(({ name }) => name === state.page.model) ?? {
        name: state.model ?? undefined,
      };
    if (state.view && isSame()) keepFrom(state.view, view);
    const ends = isAnswer ? { pending: null, exploring: progressOf(view) } : {};
    view.source = isAnswer ? state.source : (state.view?.source ?? state.source);
    if (isSame() && !state.linkWanted) {
      set({ view, runs: state.runs + 1, ...nowShown(state, view), ...ends });
    } else {
      set({ ...freshState(state, view, isAnswer), ...ends });
      if (isAnswer && state.schedule !== view.selected) page.actions.announce(state.schedule ?? view.selected);
    }
    askForMissing(view, page.actions);
  },
  async runs(message, { store, actions, races }) {
    const { view } = store.state;
    if (view?.key !== message.view) return;
    await addRuns(view, message);
    if (store.state.view !== view) return;
    for (const [asked, own] of Object.entries(message.renamed ?? {})) view.renamed.set(asked, own);
    const renamed = valueNamed(message.renamed ?? {}, store.state.schedule ?? '');
    if (renamed) store.set(choiceOf(store.state, renamed));
    view.sent = [...new Set([...view.sent, ...message.sent])];
    const isWanted = message.runs.some(({ schedule }) => schedule === store.state.schedule);
    store.set({ runs: store.state.runs + 1, ...nowShown(store.state, view), ...(isWanted ? { queueing: null } : {}) });
    if (store.state.exploring) store.set({ exploring: progressOf(view) });
    askForMissing(view, actions);
    if (isWanted) races.consider();
  },
  explored(message, page) {
    const { state, set } = page.store;
    if (state.view?.key !== message.view) {
      if (state.pending && isLatestView(state, message)) page.opening.lost(message.generation);
      return;
    }
    state.view.sent = [...new Set([...state.view.sent, ...message.sent])];
    set({
      runs: state.runs + 1,
      ...nowShown(state, state.view),
      ...(isViewWanted(state, message) ? { exploring: null } : {}),
    });
    askForMissing(state.view, page.actions);
  },
  heat(message, { store }) {
    if (store.state.view?.key !== message.view) return;
    const values = floatsOf(message.values);
    const known = [...values].filter(Number.isFinite).sort((a, b) => a - b);
    const scale = { low: known[Math.floor(known.length * 0.02)] ?? 0, high: Math.max(known.at(-2) ?? 1, -1) };
    const { schedule, stage, patch, caption } = message;
    store.set({ heat: { schedule, stage, patch, caption, values, scale } });
  },
  features(message, { store }) {
    if (store.state.view?.key !== message.view) return;
    const { schedule, rows, cols, explained } = message;
    const [baseline, merged] = [message.baseline, message.merged].map(bytesOf);
    store.state.view.features.set(schedule, { rows, cols, explained, baseline, merged });
    store.set({ features: store.state.features + 1 });
  },
  curves(message, { store }) {
    const { view, runs } = store.state;
    if (view?.key !== message.view) return;
    view.curves = { curves: message.curves, done: message.done, of: message.of };
    store.set({ runs: runs + 1 });
  },
  file(message, { actions }) {
    saveBlob(new Blob([bytesOf(message.content)], { type: message.mime }), message.name);
    actions.saved();
  },
  failed(message, page) {
    valueNamed(FAILURES, message.what)?.(message, page);
  },
  // A street of the lab.
  offered(message, { opening, store }) {
    opening.picture(message.picture, message.title);
    store.set({ offered: message.nonce });
  },
};

/** @type {Record<string, FailureReceiver>} */
const FAILURES = {
  open(message, { store, opening, actions }) {
    const { state, set } = store;
    if (!isLatestView(state, message)) return;
    if (opening.resend(message.message, state.pending?.digest ?? state.view?.digest)) return;
    if (state.pending) opening.fail(message.message);
    else set({ exploring: null, notice: noticeOf(message.message) });
    if (state.view) askForMissing(state.view, actions);
  },
  custom(message, { store, opening }) {
    const { view, runs } = store.state;
    if (!view || store.state.pending || opening.resend(message.message, view.digest)) return;
    for (const schedule of message.schedules) view.failed.set(schedule, message.message);
    store.set({ runs: runs + 1, queueing: null });
  },
  missing: (message, page) => FAILURES.custom(message, page),
  patch(message, { store, opening }) {
    if (opening.resend(message.message, store.state.view?.digest)) return;
    store.set({ heatWanted: false, notice: noticeOf(message.message) });
  },
  save(message, { store, actions, opening }) {
    actions.saved();
    if (!opening.resend(message.message, store.state.view?.digest)) store.set({ notice: noticeOf(message.message) });
  },
  features(message, { store }) {
    store.set({ notice: noticeOf(message.message) });
  },
};

/** @param {View} view @param {Wire.View | Wire.Runs} message */
async function addRuns(view, message) {
  const stages = await Promise.all(message.stages.map(decodeStage));
  for (const raw of message.runs) {
    view.runs.set(raw.schedule, await decodeRun(raw, view, stages));
    view.failed.delete(raw.schedule);
  }
}

/** @param {View} before @param {View} view */
function keepFrom(before, view) {
  before.runs.forEach((run, name) => {
    if (!view.runs.has(name)) view.runs.set(name, run);
  });
  const { curves, curvesAsked, features, renamed } = before;
  Object.assign(view, { curves, curvesAsked, features, renamed });
}

// How many of the slider's runs are there; null where all are.
/** @param {View} view */
function progressOf(view) {
  const done = view.schedules.filter((one) => view.runs.has(one)).length;
  return done < view.schedules.length
    ? { done, of: view.schedules.length, text: `${done} of ${view.schedules.length}` }
    : null;
}

/** @param {State} state @param {View} view */
const nowShown = ({ schedule }, view) => (schedule !== null && view.runs.has(schedule) ? { shown: schedule } : {});

/** @param {string | null} schedule @param {View} view */
const fitting = (schedule, view) =>
  schedule !== null && blocksOf(schedule).every((block) => block < view.depth) ? schedule : null;

// A new picture: what concerns patches and zoom starts afresh, the rest stays as the user left it.
/** @param {State} state @param {View} view @param {boolean} isAnswer @returns {Changes} */
function freshState(state, view, isAnswer) {
  const wantedLink = isAnswer ? state.linkWanted : null;
  const link = wantedLink?.link ?? {};
  // A schedule chosen while this picture was on its way is newer than the one it was explored with.
  const wanted = (wantedLink ? scheduleFromLink(link, view) : fitting(state.schedule, view)) ?? view.selected;
  const shown = [wanted, view.selected].find((one) => view.runs.has(one)) ?? view.runs.keys().next().value;
  return {
    view,
    runs: state.runs + 1,
    ...choiceOf(state, wanted),
    shown,
    playing: false,
    hover: null,
    pinned: null,
    cursor: null,
    heat: null,
    heatWanted: false,
    focusClass: null,
    focusFlow: null,
    hiddenClasses: new Set(),
    zoom: { scale: 1, x: 0.5, y: 0.5 },
    side: 'own',
    ...freshMode(state, view),
    ...(againstFits(state.against, view) ? {} : droppedAgainst(state.against, view)),
    ...(wantedLink
      ? { linkWanted: null, notice: noticeOf(linkProblems(wantedLink, view)), ...stateFromLink(link, view) }
      : {}),
  };
}

// A recipe of another model's blocks cannot stand beside this one's.
/** @param {Against | null} against @param {View} view */
const droppedAgainst = (against, { model }) => ({
  against: null,
  notice: noticeOf(
    `${againstText(against)} does not fit ${model.name ?? 'this model'}, so the unmerged mask stands beside the merged one again`,
  ),
});

// Messages that follow each other closely may be lost on the way: only the last value is seen.
/** @param {View} view @param {Actions} actions */
function askForMissing(view, actions) {
  const now = performance.now();
  const asked = (view.asked ??= new Map());
  /** @param {string} name */
  const isDue = (name) => !(now - (asked.get(name) ?? -Infinity) < ASK_AGAIN_MS);
  const missing = view.sent.filter((name) => !view.runs.has(name) && isDue(name));
  for (const name of missing) asked.set(name, now);
  if (missing.length) actions.askMissing(missing);
}

// A newer server may send kinds that this page does not know.
/** @param {{kind: string}} message @returns {((message: object, page: Told) => unknown) | undefined} */
const receiverOf = ({ kind }) =>
  valueNamed(
    /** @type {Record<string, (message: object, page: Told) => unknown>} */ (/** @type {unknown} */ (RECEIVERS)),
    kind,
  );

// Decoding takes turns: messages apply in the order in which they came, and each once.
/** @param {Page} page */
export function createInbox(page) {
  const seen = new Set();
  let turn = Promise.resolve();
  /** @param {number | undefined} nonce */
  const isNew = (nonce) => {
    if (nonce !== undefined && seen.has(nonce)) return false;
    seen.add(nonce);
    if (seen.size > KEPT_NONCES) seen.delete(seen.values().next().value);
    return true;
  };
  /** @param {string | null} text */
  return (text) => {
    if (!text) return;
    turn = turn
      .then(async () => {
        const message = JSON.parse(text);
        if (message.schema !== SCHEMA) throw new Error(`expected schema ${SCHEMA}, but got ${message.schema}`);
        if (!isNew(message.nonce)) return;
        if (message.paces) page.store.set({ paces: { ...page.store.state.paces, ...message.paces } });
        await receiverOf(message)?.(message, page);
      })
      .catch((error) => console.error('inspector:', error))
      .then(() => {
        page.store.stats.messages += 1;
      });
  };
}
