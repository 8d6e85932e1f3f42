// What a person can do: changes of the state, and what Python hears of them.

import { partsOf, toggled, withOptions, withRule } from '../../js/recipe.js';
import { onceQuiet } from '../../js/util.js';
import { colOf, rowOf } from './model.js';
import { choiceOf } from './options.js';
import { heatApplies, shownStage } from './store.js';

export function makeActions(store, trigger) {
  const { state, set } = store;
  const send = (name, data) => trigger(name, { view: state.view.key, ...data });
  const tellSchedule = onceQuiet(250, () => send('schedule', { schedule: state.schedule }));
  const askHeat = onceQuiet(150, () => {
    if (!state.heatWanted || state.pinned === null || heatApplies(state)) return;
    send('patch', {
      schedule: state.shown,
      stage: shownStage(state),
      patch: state.pinned,
      row: rowOf(state.view, state.pinned),
      col: colOf(state.view, state.pinned),
    });
  });
  // Python hears of every choice; what is neither at hand nor on its way it is asked to compute.
  const announce = (schedule) => {
    const { runs, schedules, failed } = state.view;
    if (runs.has(schedule) || (schedules.includes(schedule) && !failed.has(schedule))) return tellSchedule();
    failed.delete(schedule);
    return send('custom', { schedule });
  };
  return {
    askHeat,
    announce,
    chooseSchedule(schedule) {
      if (schedule === state.schedule) return;
      const shown = state.view.runs.has(schedule) ? { shown: schedule } : {};
      set({ ...choiceOf(state, schedule), playing: false, ...shown });
      announce(schedule);
    },
    toggleBlock(block) {
      this.chooseSchedule(toggled(state.schedule, block, state.method, state.options));
    },
    chooseRule(rule) {
      set({ method: rule });
      this.chooseSchedule(withRule(state.schedule, rule));
    },
    chooseOption(option, isOn) {
      const others = partsOf(state.schedule).options.filter((own) => own !== option);
      this.chooseSchedule(withOptions(state.schedule, isOn ? [...others, option] : others));
    },
    pin: (patch) =>
      set({ pinned: patch === state.pinned ? null : patch, cursor: patch === state.pinned ? patch : null }),
    release: () => set({ pinned: null, cursor: null, heatWanted: false }),
    toggleHeat: () => set({ heatWanted: !state.heatWanted }),
    toggleClass(index) {
      const hiddenClasses = new Set(state.hiddenClasses);
      if (!hiddenClasses.delete(index)) hiddenClasses.add(index);
      set({ hiddenClasses });
    },
    showAllClasses: () => set({ hiddenClasses: new Set() }),
    save: (what) => send('save', { schedule: state.shown, what }),
    askMissing: (schedules) => send('missing', { schedules }),
  };
}
