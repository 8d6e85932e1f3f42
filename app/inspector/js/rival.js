// What stands beside the merged mask: the unmerged run, or another recipe that is put against the shown one.

import { storedIn } from '../../js/util.js';
import { againstFits, confusionOf, equalTokens, namesApart, ruleName } from './against.js';
import { compareClasses, keptShare } from './model.js';
import { namedRecipe, shortTitle } from './named.js';
import { baselineRun, shownRun } from './store.js';

/** @typedef {{schedule: string, kept: number}} Strength */

// Of runs at hand and of curves: what is known of recipes.
/** @param {Pick<View, 'runs' | 'curves'>} view @returns {Strength[]} */
export function knownStrengths({ runs, curves }) {
  const own = [...runs.values()].map((run) => ({ schedule: run.schedule, kept: keptShare(run) }));
  return [...own, ...(curves?.curves ?? []).flatMap(({ points }) => points)];
}

// {recipe, isExact, note} of the recipe that is put against the shown one; null where that is the unmerged run.
/** @param {Shown} state @returns {Rival | null} */
export function rivalOf(state) {
  const { view, against } = state;
  const run = shownRun(state);
  if (!against || !run || !againstFits(against, view)) return null;
  if (against.recipe) return { recipe: against.recipe, isExact: true, note: null };
  const rule = view.rules.find(({ name }) => name === against.equal);
  return rule && run.stages.length ? equalTokens(run, rule, knownStrengths(view)) : null;
}

// Its run; null while it is on its way.
/** @param {Shown} state @returns {Run | null} */
export function rivalRun(state) {
  const rival = rivalOf(state);
  const { view } = state;
  return rival ? (view.runs.get(view.renamed.get(rival.recipe) ?? rival.recipe) ?? null) : null;
}

/** @param {Shown} state */
export const isAgainst = (state) => rivalOf(state) !== null;
/** @param {Shown} state @returns {Run | null} */
export const besideRun = (state) => (isAgainst(state) ? rivalRun(state) : baselineRun(state));

// What the merged pane and the one beside it are called, such that they differ.
/** @param {Shown} state @returns {[string, string]} */
export function sideNames(state) {
  const rival = rivalOf(state);
  if (!rival) return ['merged', 'unmerged'];
  const run = rivalRun(state);
  /** @param {string} recipe */
  const short = (recipe) => {
    const named = namedRecipe(state, recipe);
    return named && shortTitle(named);
  };
  return namesApart([state.shown, run?.schedule ?? rival.recipe], state.view.rules, short);
}

// The state as seen by what shows the rival's merges.
/** @param {Shown} state @returns {Shown} */
export const rivalSide = (state) => {
  const run = isAgainst(state) ? rivalRun(state) : null;
  return run ? { ...state, shown: run.schedule } : state;
};
/** @param {Shown} state @returns {Shown} */
export const onSide = (state) => (state.side === 'rival' ? rivalSide(state) : state);

// The two masks that stand beside each other, by class: kept on the shown run. null while one is missing.
/** @param {Shown} state @returns {Comparison | null} */
export function comparison(state) {
  const [run, beside] = [shownRun(state), besideRun(state)];
  if (!run || !beside) return null;
  const made = (run.compared ??= new Map());
  const known = made.get(beside);
  if (known) return known;
  const triples = beside === baselineRun(state) ? run.agreement : confusionOf(beside.labels, run.labels);
  return triples && storedIn(made, beside, compareClasses(triples, state.view.classes));
}

// What the second pane is called in full, and what has to be said of it.
/** @param {Shown} state @returns {{name: string, note: string | null}} */
export function besideTitle(state) {
  const rival = rivalOf(state);
  if (!rival) return { name: 'unmerged', note: null };
  const [, name] = sideNames(state);
  const rule = state.view.rules.find((one) => one.name === state.against?.equal);
  if (!rule) return { name, note: null };
  const title = ruleName(rule);
  return { name: rival.isExact ? `${title} at equal tokens` : title, note: rival.note && `${title}: ${rival.note}.` };
}
