// What tests compare with Python's trace: copies, never the live state.

import { runRecord } from './downloads.js';
import { LAYER_PAINTERS } from './merges.js';
import { comparison, rivalOf, rivalRun } from './rival.js';
import { speedOf } from './speed.js';
import { heatApplies, shownRun, shownStage } from './store.js';
import { pictureRect } from './viewport.js';

export function debugHandle(store, ui) {
  return {
    get state() {
      const { state } = store;
      const run = shownRun(state);
      const stage = run ? shownStage(state) : null;
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
        layers: Object.keys(LAYER_PAINTERS).filter((name) => state.layers[name].on),
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
        groups: run ? [...run.groups[stage]] : null,
        rows: state.view?.rows,
        cols: state.view?.cols,
      };
    },
    get stats() {
      return { ...store.stats };
    },
    run: (name) => {
      const run = store.state.view.runs.get(name);
      return {
        ...runRecord({ view: store.state.view, shown: name, speeds: store.state.speeds }),
        labels: [...run.labels],
      };
    },
    comparison: () => comparison(store.state),
    rect: (name) => {
      const { clientWidth, clientHeight } = ui[`${name}Stage`];
      return pictureRect(store.state.view, clientWidth, clientHeight, store.state.zoom);
    },
  };
}

const liveRecord = ({ run, number, frames, tokens, counts, agreement, rates }) => ({
  isAnswered: Boolean(run),
  number,
  frames,
  tokens,
  counts,
  agreement,
  rates,
});
