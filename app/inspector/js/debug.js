// What tests compare with Python's trace: copies, never the live state.

import { runRecord } from './downloads.js';
import { LAYER_ORDER } from './merges.js';
import { comparison, rivalOf, rivalRun } from './rival.js';
import { speedOf } from './speed.js';
import { heatApplies, shownRun, shownStage } from './store.js';
import { pictureRect } from './viewport.js';

/** @param {Store} store @param {Ui} ui */
export function debugHandle(store, ui) {
  const shownState = () => {
    if (!store.state.view) throw new Error('there is no view yet');
    return store.state;
  };
  return {
    get state() {
      const { state } = store;
      const run = shownRun(state);
      const stage = state.view ? shownStage(state) : null;
      return {
        view: state.view?.key ?? null,
        digest: state.view?.digest ?? null,
        generation: state.generation,
        acts: { ...state.acts },
        model: state.model,
        source: state.source && { ...state.source },
        pending: state.pending && { ...state.pending, file: Boolean(state.pending.file) },
        live: state.live && liveRecord(state.live),
        cameraText: state.cameraText,
        exploring: state.exploring,
        notice: state.notice?.text ?? null,
        saving: [...state.saving],
        speed: state.view && state.shown !== null ? speedOf(state, state.shown) : null,
        curves: Boolean(state.view?.curves),
        schedule: state.schedule,
        method: state.method,
        options: [...state.options],
        shown: state.shown,
        stage,
        runs: [...(state.view?.runs.keys() ?? [])],
        layers: LAYER_ORDER.filter((name) => state.layers[name].on),
        hover: state.hover,
        pinned: state.pinned,
        cursor: state.cursor,
        zoom: state.zoom.scale,
        maskMode: state.maskMode,
        split: state.split,
        against: state.view ? (rivalOf(state)?.recipe ?? null) : null,
        rival: state.view ? (rivalRun(state)?.schedule ?? null) : null,
        rivalCounts: state.view ? (rivalRun(state)?.tokenCounts ?? null) : null,
        side: state.side,
        features: [...(state.view?.features.keys() ?? [])],
        unsure: state.view?.unsure ?? null,
        heat: state.view ? Boolean(heatApplies(state)) : false,
        tokenCounts: run?.tokenCounts ?? null,
        groups: run && stage !== null ? [...run.groups[stage]] : null,
        rows: state.view?.rows,
        cols: state.view?.cols,
      };
    },
    get stats() {
      return { ...store.stats };
    },
    /** @param {string} name */
    run: (name) => {
      const { view, speeds } = shownState();
      return { ...runRecord({ view, shown: name, speeds }), labels: [...(view.runs.get(name)?.labels ?? [])] };
    },
    comparison: () => comparison(shownState()),
    /** @param {PaneName} name */
    rect: (name) => {
      const { clientWidth, clientHeight } = ui[`${name}Stage`];
      return pictureRect(shownState().view, clientWidth, clientHeight, store.state.zoom);
    },
  };
}

/** @param {Live} live */
const liveRecord = (live) => ({
  isAnswered: Boolean(live.run),
  ...answerOf(live),
  frames: live.frames,
  rates: live.rates,
});

/** @param {Live} live */
const answerOf = (live) =>
  live.run ? { number: live.number, tokens: live.tokens, counts: live.counts, agreement: live.agreement } : {};
