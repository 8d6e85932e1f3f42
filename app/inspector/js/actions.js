// What a person can do: changes of the state, and what Python hears of them.

import { partsOf, toggled, withOptions, withRule } from '../../js/recipe.js';
import { onceQuiet } from '../../js/util.js';
import { choiceOf } from './options.js';
import { speedLine } from './speed.js';
import { heatApplies, shownStage } from './store.js';
import { newAct } from './wish.js';

const QUIET_MS = 250;

// send(name, data): to Python, with the wish. race: asks for races (see races.js).
/** @param {Store} store @param {Send} send @param {Races} race */
export function makeActions(store, send, race) {
  const { state, set } = store;
  const tellRecipe = onceQuiet(QUIET_MS, () => {
    send('act', { kind: 'recipe' });
    race.consider();
  });
  const askHeat = onceQuiet(150, () => {
    if (!state.view || !state.heatWanted || state.pinned === null || state.pending || heatApplies(state)) return;
    send('patch', { recipe: state.shown, stage: shownStage(state), patch: state.pinned });
  });
  /** @type {{recipe: string, what: string, speed: string | null}[]} */
  const wanted = [];
  // Python hears of every choice; what is neither at hand nor on its way it is asked to compute.
  /** @param {string} schedule */
  const announce = (schedule) => {
    newAct(state, 'recipe');
    set({ queueing: null, ...(state.notice?.kind === 'gone' ? {} : { notice: null }) });
    if (!state.view || state.pending || state.live) return undefined; // told when the picture is there, or there again
    const { runs, schedules, failed } = state.view;
    const comes = state.exploring && schedules.includes(schedule) && !failed.has(schedule);
    if (runs.has(schedule) || comes) return tellRecipe();
    failed.delete(schedule);
    return send('custom', {});
  };
  return {
    askHeat,
    announce,
    /** @param {string} schedule */
    chooseSchedule(schedule) {
      if (schedule === state.schedule || !state.view) return;
      const shown = state.view.runs.has(schedule) ? { shown: schedule } : {};
      set({ ...choiceOf(state, schedule), playing: false, ...shown });
      announce(schedule);
    },
    /** @param {number} block */
    toggleBlock(block) {
      if (state.view) this.chooseSchedule(toggled(state.schedule, block, state.method, state.options));
    },
    /** @param {string} rule */
    chooseRule(rule) {
      set({ method: rule });
      if (state.view) this.chooseSchedule(withRule(state.schedule, rule));
    },
    /** @param {string} option @param {boolean} isOn */
    chooseOption(option, isOn) {
      if (!state.view) return;
      const others = partsOf(state.schedule).options.filter((own) => own !== option);
      this.chooseSchedule(withOptions(state.schedule, isOn ? [...others, option] : others));
    },
    /** @param {number | null} patch */
    pin: (patch) =>
      set({ pinned: patch === state.pinned ? null : patch, cursor: patch === state.pinned ? patch : null }),
    release: () => set({ pinned: null, cursor: null, heatWanted: false }),
    toggleHeat: () => set({ heatWanted: !state.heatWanted }),
    /** @param {number} index */
    toggleClass(index) {
      const hiddenClasses = new Set(state.hiddenClasses);
      if (!hiddenClasses.delete(index)) hiddenClasses.add(index);
      set({ hiddenClasses });
    },
    showAllClasses: () => set({ hiddenClasses: new Set() }),
    // One after the other, so that each answer belongs to the file asked for first.
    /** @param {string} what */
    save(what) {
      if (!state.view || state.saving.includes(what) || state.pending) return;
      set({ saving: [...state.saving, what] });
      wanted.push({ recipe: state.shown, what, speed: speedLine(state, state.shown) });
      if (wanted.length === 1) send('save', wanted[0]);
    },
    saved() {
      const done = wanted.shift();
      if (done) set({ saving: state.saving.filter((one) => one !== done.what) });
      if (wanted.length) send('save', wanted[0]);
    },
    dropSaves() {
      wanted.length = 0;
      set({ saving: [] });
    },
    // A race by hand of the shown recipe and these: until it ends the page starts none by itself.
    /** @param {string[]} rivals */
    measure: (rivals) => rivals.length && race.byHand(rivals),
    /** @param {string[]} schedules */
    askMissing: (schedules) => send('missing', { schedules }),
    /** @param {string} recipe */
    askFeatures: (recipe) => send('features', { recipe }),
  };
}
