// Messages from Python, one receiver a kind.

import { blocksOf } from '../../js/recipe.js';
import { arrayOf, bytesOf, decodeRun, decodeView, SCHEMA } from './decode.js';
import { saveBlob } from './downloads.js';
import { readLink, scheduleFromLink, stateFromLink } from './link.js';
import { choiceOf } from './options.js';

const RECEIVERS = {
  async view(message, store, actions) {
    const same = store.state.view?.key === message.view;
    const view = await decodeView(message);
    if (same) {
      store.state.view.runs.forEach((run, name) => view.runs.set(name, run));
      view.controls = store.state.view.controls;
    }
    await addRuns(view, message.runs);
    view.sent = message.sent;
    store.set(
      same ? { view, runs: store.state.runs + 1, ...nowShown(store.state, view) } : freshState(store, view),
    );
    if (!same && store.state.schedule !== view.selected) actions.announce(store.state.schedule);
    askForMissing(view, actions);
  },
  async runs(message, store, actions) {
    const { view } = store.state;
    if (view?.key !== message.view) return;
    await addRuns(view, message.runs);
    const renamed = message.renamed?.[store.state.schedule];
    if (renamed) store.set(choiceOf(store.state, renamed));
    view.sent = [...new Set([...view.sent, ...message.sent])];
    store.set({ runs: store.state.runs + 1, ...nowShown(store.state, view) });
    askForMissing(view, actions);
  },
  timing(message, store) {
    const { view } = store.state;
    if (view?.key !== message.view) return;
    for (const [name, timing] of Object.entries(message.timings)) {
      const run = view.runs.get(name);
      if (run) run.timing = timing;
    }
    store.set({ runs: store.state.runs + 1 });
  },
  controls(message, store) {
    const { view } = store.state;
    if (view?.key !== message.view) return;
    view.controls = message.controls;
    store.set({ runs: store.state.runs + 1 });
  },
  heat(message, store) {
    if (store.state.view?.key !== message.view) return;
    const values = arrayOf(message.values, 'f4');
    const known = [...values].filter(Number.isFinite).sort((a, b) => a - b);
    const scale = { low: known[Math.floor(known.length * 0.02)] ?? 0, high: Math.max(known.at(-2) ?? 1, -1) };
    const { schedule, stage, patch, caption } = message;
    store.set({ heat: { schedule, stage, patch, caption, values, scale } });
  },
  file(message) {
    saveBlob(new Blob([bytesOf(message.content)], { type: message.mime }), message.name);
  },
  failed(message, store) {
    const { view } = store.state;
    if (view?.key !== message.view) return;
    for (const schedule of message.schedules) view.failed.set(schedule, message.message);
    store.set({ runs: store.state.runs + 1 });
  },
};

async function addRuns(view, raws) {
  for (const raw of raws) {
    view.runs.set(raw.schedule, await decodeRun(raw, view.size));
    view.failed.delete(raw.schedule);
  }
}

const nowShown = (state, view) => (view.runs.has(state.schedule) ? { shown: state.schedule } : {});

const fitting = (schedule, view) =>
  schedule !== null && blocksOf(schedule).every((block) => block < view.depth) ? schedule : null;

// A new picture: what concerns patches and zoom starts afresh, the rest stays as the user left it.
function freshState(store, view) {
  const first = store.state.view === null;
  const link = first ? readLink() : {};
  // A schedule chosen while this picture was on its way is newer than the one it was explored with.
  const wanted = (first ? scheduleFromLink(link, view) : fitting(store.state.schedule, view)) ?? view.selected;
  const shown = view.runs.has(wanted)
    ? wanted
    : view.runs.has(view.selected)
      ? view.selected
      : view.runs.keys().next().value;
  const { maskMode } = store.state;
  return {
    view,
    runs: store.state.runs + 1,
    ...choiceOf(store.state, wanted),
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
    maskMode: maskMode === 'truth' && !view.truth ? 'compare' : maskMode,
    ...stateFromLink(link, view),
  };
}

// Messages that follow each other closely may be lost on the way: only the last value is seen.
function askForMissing(view, actions) {
  const missing = view.sent.filter((name) => !view.runs.has(name));
  if (missing.length) actions.askMissing(missing);
}

// Decoding takes turns: messages apply in the order in which they came.
export function createInbox(store, actions) {
  let turn = Promise.resolve();
  return (text) => {
    if (!text) return;
    turn = turn
      .then(async () => {
        const message = JSON.parse(text);
        if (message.schema !== SCHEMA)
          throw new Error(`expected schema ${SCHEMA}, but got ${message.schema}`);
        await RECEIVERS[message.kind](message, store, actions);
      })
      .catch((error) => console.error('inspector:', error));
  };
}
