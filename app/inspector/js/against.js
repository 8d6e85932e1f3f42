// Whom the shown recipe is put against: a rule at equal tokens, or a recipe of one's own choice. Pure functions.

import { valueNamed } from '../../js/util.js';
import { keptShare } from './model.js';
import { blocksOf, PAPER_RULE, partsOf, recipeName, textOf } from '../../js/recipe.js';

/** @typedef {Pick<Run, 'schedule' | 'blocks' | 'tokenCounts'>} CountedRun */
/** @typedef {{schedule: string, kept: number}} Strength */

// As people call them where there is little room; other rules by their titles.
/** @type {Record<string, string>} */
const SHORT_RULES = { mutual: 'MPM', bipartite: 'ToMe', energy: 'PiToMe', graph: 'G2TM' };

/** @param {string} call */
const bareRule = (call) => call.split('(')[0];

// The one rule by which a recipe merges, whatever its arguments; null where it merges by none or by several.
/** @param {string} recipe */
export function familyOf(recipe) {
  const names = new Set(partsOf(recipe).stages.map(({ rule }) => bareRule(rule)));
  return names.size === 1 ? [...names][0] : null;
}

/** @param {Pick<Rule, 'name' | 'title'>} rule */
export const ruleName = ({ name, title }) => valueNamed(SHORT_RULES, name) ?? title.replace(/ \(.*\)$/, '');

// A recipe in which `rule` takes as many tokens away as `run` did, insertion by insertion, and all else is the same.
// known: [{schedule, kept}], what is known of recipes. Gives {recipe, isExact, note}; note: null or a half sentence.
/**
 * @param {CountedRun} run
 * @param {Pick<Rule, 'name' | 'parameters'>} rule
 * @param {Strength[]} known
 * @returns {Rival}
 */
export function equalTokens(run, rule, known) {
  const call = countedCall(rule);
  if (!call) return nearestStrength(run, rule, known);
  const { options } = partsOf(run.schedule);
  const stages = run.blocks.flatMap((block, k) => {
    const [before, after] = [run.tokenCounts[k], run.tokenCounts[k + 1]];
    return before > after ? [{ rule: call(before - after, before), blocks: [block] }] : [];
  });
  const isExact = run.tokenCounts.slice(1).every((after, k) => 2 * (run.tokenCounts[k] - after) <= run.tokenCounts[k]);
  return {
    recipe: textOf({ stages, options }),
    isExact,
    note: isExact ? null : 'it can take half of the tokens at most in one merge',
  };
}

// How a rule is told how many tokens are to go: by their number or their share; null where it cannot be told.
/** @param {Pick<Rule, 'name' | 'parameters'>} rule @returns {((gone: number, tokens: number) => string) | null} */
function countedCall({ name, parameters }) {
  /** @param {string} wanted */
  const at = (wanted) => parameters.findIndex((one) => one.name === wanted);
  if (at('count') >= 0) return (gone) => `${name}(count=${gone})`;
  const share = at('share');
  if (share < 0) return null;
  const key = share === 0 && !parameters[0].is_named ? '' : 'share=';
  return (gone, tokens) => `${name}(${key}${shareFor(gone, tokens)})`;
}

const MOST_SHARE = 0.5;
const SHARE_DIGITS = [3, 4, 5, 6];

// The shortest share of which Python makes just that number: int(share * tokens).
/** @param {number} gone @param {number} tokens */
export function shareFor(gone, tokens) {
  if (2 * gone >= tokens) return MOST_SHARE;
  const middle = (gone + 0.5) / tokens;
  const rounded = SHARE_DIGITS.map((digits) => Number(middle.toFixed(digits)));
  return Math.min(MOST_SHARE, rounded.find((share) => Math.floor(share * tokens) === gone) ?? middle);
}

/**
 * @param {CountedRun} run
 * @param {Pick<Rule, 'name' | 'parameters'>} rule
 * @param {Strength[]} known
 * @returns {Rival}
 */
function nearestStrength(run, rule, known) {
  const kept = keptShare(run);
  const own = known.filter(({ schedule }) => schedule !== run.schedule && familyOf(schedule) === rule.name);
  if (!own.length)
    return {
      recipe: plainRecipe(run, rule),
      isExact: false,
      note: 'it cannot be told how many: this is its own strength',
    };
  /** @param {Strength} one */
  const off = (one) => Math.abs(one.kept - kept);
  const nearest = own.reduce((best, one) => (off(one) < off(best) ? one : best));
  return {
    recipe: nearest.schedule,
    isExact: off(nearest) < 1e-9,
    note: 'it cannot be told how many: this is the nearest strength at hand',
  };
}

// The same blocks and options by that rule as it is; where that is the shown recipe itself, fewer blocks.
/** @param {CountedRun} run @param {Pick<Rule, 'name'>} rule */
function plainRecipe(run, { name }) {
  return textOf({ stages: [{ rule: name, blocks: blocksOf(run.schedule) }], options: partsOf(run.schedule).options });
}

// What a person chose, as a text for menus and links: "equal:bipartite" or a recipe; null for the unmerged run.
/** @param {Against | null} against */
export const againstText = (against) =>
  against && (against.equal ? `equal:${against.equal}` : (against.recipe ?? null));
/** @param {string} text @returns {Against | null} */
export const againstFrom = (text) => {
  if (!text || text === 'none') return null;
  return text.startsWith('equal:') ? { equal: text.slice('equal:'.length) } : { recipe: text };
};

// Whether a model of that view can run it.
/** @param {Against | null} against @param {Pick<View, 'rules' | 'depth'>} view */
export function againstFits(against, view) {
  if (!against) return true;
  /** @param {string} name */
  const isRule = (name) => view.rules.some((one) => one.name === name);
  if (against.equal) return isRule(against.equal);
  /** @param {number} block */
  const isBlock = (block) => Number.isInteger(block) && block >= 0 && block < view.depth;
  return partsOf(against.recipe ?? 'none').stages.every(
    ({ rule, blocks }) => isRule(bareRule(rule)) && blocks.every(isBlock),
  );
}

// The method behind a recipe in a word: of its one rule, or its own text.
/** @param {string} recipe @param {Rule[]} rules */
export function methodName(recipe, rules) {
  const rule = rules.find(({ name }) => name === familyOf(recipe));
  return rule ? ruleName(rule) : recipeName(recipe);
}

// Two recipes by name, in so many words that they differ.
/**
 * @param {[string, string]} recipes
 * @param {Rule[]} rules
 * @param {(recipe: string) => string | undefined} short
 * @returns {[string, string]}
 */
export function namesApart(recipes, rules, short) {
  /** @param {(recipe: string) => string} nameOf @returns {[string, string]} */
  const both = (nameOf) => [nameOf(recipes[0]), nameOf(recipes[1])];
  const tries = [both((one) => short(one) ?? methodName(one, rules)), both((one) => fullName(one, rules))];
  return tries.find(([a, b]) => a !== b) ?? recipes;
}

/** @param {string} recipe @param {Rule[]} rules */
const fullName = (recipe, rules) => {
  const name = recipeName(recipe);
  return familyOf(recipe) === PAPER_RULE ? `${methodName(recipe, rules)} ${name}` : name;
};

/** @param {ArrayLike<number> & Iterable<number>} labels */
const highest = (labels) => {
  let top = 0;
  for (const label of labels) top = Math.max(top, label);
  return top;
};

// [class in a, class in b, pixels] of two masks of the same size.
/** @param {Labels} a @param {Labels} b @returns {Wire.Triple[]} */
export function confusionOf(a, b) {
  const classes = 1 + Math.max(highest(a), highest(b));
  /** @type {Wire.Triple[]} */
  const triples = [];
  /** @param {number} number @param {number} pair */
  const take = (number, pair) => number && triples.push([Math.floor(pair / classes), pair % classes, number]);
  if (classes <= 256) {
    const pixels = new Uint32Array(classes * classes);
    for (let at = 0; at < a.length; at += 1) pixels[a[at] * classes + b[at]] += 1;
    pixels.forEach(take);
  } else {
    /** @type {Map<number, number>} */
    const pixels = new Map();
    for (let at = 0; at < a.length; at += 1) {
      const pair = a[at] * classes + b[at];
      pixels.set(pair, (pixels.get(pair) ?? 0) + 1);
    }
    pixels.forEach(take);
  }
  return triples.sort(([a1, b1], [a2, b2]) => a1 - a2 || b1 - b2);
}
