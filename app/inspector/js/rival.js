// What stands beside the merged mask: the unmerged run, or another recipe that is put against the shown one.

import { againstFits, confusionOf, equalTokens, namesApart, ruleName } from './against.js';
import { compareClasses } from './model.js';
import { namedRecipe, shortTitle } from './named.js';
import { baselineRun, shownRun } from './store.js';

// Of runs at hand and of curves: what is known of recipes.
export function knownStrengths({ runs, curves }) {
  const own = [...runs.values()].map(({ schedule, tokenCounts }) => ({
    schedule,
    kept: tokenCounts.at(-1) / tokenCounts[0],
  }));
  return [...own, ...(curves?.curves ?? []).flatMap(({ points }) => points)];
}

// {recipe, isExact, note} of the recipe that is put against the shown one; null where that is the unmerged run.
export function rivalOf(state) {
  const { view, against } = state;
  const run = shownRun(state);
  if (!against || !run || !againstFits(against, view)) return null;
  if (against.recipe) return { recipe: against.recipe, isExact: true, note: null };
  const rule = view.rules.find(({ name }) => name === against.equal);
  return run.stages.length ? equalTokens(run, rule, knownStrengths(view)) : null;
}

// Its run; null while it is on its way.
export function rivalRun(state) {
  const rival = rivalOf(state);
  const { view } = state;
  return rival ? (view.runs.get(view.renamed.get(rival.recipe) ?? rival.recipe) ?? null) : null;
}

export const isAgainst = (state) => rivalOf(state) !== null;
export const besideRun = (state) => (isAgainst(state) ? rivalRun(state) : baselineRun(state));

// What the merged pane and the one beside it are called, such that they differ.
export function sideNames(state) {
  const rival = rivalOf(state);
  if (!rival) return ['merged', 'unmerged'];
  const run = rivalRun(state);
  const short = (recipe) => {
    const named = namedRecipe(state, recipe);
    return named && shortTitle(named);
  };
  return namesApart([state.shown, run?.schedule ?? rival.recipe], state.view.rules, short);
}

// The state as seen by what shows the rival's merges.
export const rivalSide = (state) => {
  const run = isAgainst(state) ? rivalRun(state) : null;
  return run ? { ...state, shown: run.schedule } : state;
};
export const onSide = (state) => (state.side === 'rival' ? rivalSide(state) : state);

// The two masks that stand beside each other, by class: kept on the shown run. null while one is missing.
export function comparison(state) {
  const [run, beside] = [shownRun(state), besideRun(state)];
  if (!run || !beside) return null;
  run.compared ??= new Map();
  if (!run.compared.has(beside)) {
    const triples = beside === baselineRun(state) ? run.agreement : confusionOf(beside.labels, run.labels);
    if (!triples) return null;
    run.compared.set(beside, compareClasses(triples, state.view.classes));
  }
  return run.compared.get(beside);
}

// What the second pane is called in full, and what has to be said of it.
export function besideTitle(state) {
  const rival = rivalOf(state);
  if (!rival) return { name: 'unmerged', note: null };
  const [, name] = sideNames(state);
  if (!state.against.equal) return { name, note: null };
  const title = ruleName(state.view.rules.find((one) => one.name === state.against.equal));
  return { name: rival.isExact ? `${title} at equal tokens` : title, note: rival.note && `${title}: ${rival.note}.` };
}
