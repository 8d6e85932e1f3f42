// Who races: recipes in the page's own runtime, the baseline first, then the same in another where one was chosen.

import { recipeName } from '../../js/recipe.js';
import { BASELINE_NAME } from './numbers.js';
import { tintOf } from './theme.js';

// Those of a message, with what drawing needs:
// runtime  its title; empty where there is only one
// isThere  in the other runtime: the colour of its recipe, hollow
// place    of its colour
// against  the name of the one that it is profiled beside: the unmerged run of its own runtime
/** @param {Wire.Race} of @returns {Contender[]} */
export function contendersOf({ contenders, elsewhere, runtime }) {
  const [baseline] = contenders;
  const own = contenders.map((one, place) => ({
    ...one,
    runtime: elsewhere ? runtime : '',
    isThere: false,
    place,
    tint: tintOf(place),
    against: baseline.name,
  }));
  if (!elsewhere) return own;
  const isAlone = contenders.length === 1; // the two baselines are told apart by colour then
  const [unmerged] = elsewhere.contenders;
  const there = elsewhere.contenders.map((one, place) => ({
    ...one,
    runtime: elsewhere.runtime,
    isThere: true,
    place: isAlone ? 1 : place,
    tint: tintOf(isAlone ? 1 : place),
    against: one === unmerged ? baseline.name : unmerged.name,
  }));
  return [...own, ...there];
}

// Those that can be shown beside a baseline: a runtime's own baseline only where nothing merges.
/** @param {Contender[]} contenders */
export function shownBeside(contenders) {
  const others = contenders.slice(1);
  return others.length > 1 ? others.filter(({ schedule }) => schedule !== BASELINE_NAME) : others;
}

/** @param {Contender} of */
export const focusName = ({ schedule, runtime, isThere }) => recipeName(schedule) + (isThere ? ` in ${runtime}` : '');

// The same recipe in the other runtime, for one in the page's own.
/** @param {Contender[]} contenders @param {Contender} focus */
export const thereOf = (contenders, focus) =>
  focus.isThere ? null : contenders.find(({ schedule, isThere }) => isThere && schedule === focus.schedule);
