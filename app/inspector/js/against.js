// Whom the shown recipe is put against: a rule at equal tokens, or a recipe of one's own choice. Pure functions.

import { blocksOf, PAPER_RULE, partsOf, recipeName, textOf } from '../../js/recipe.js';

// As people call them where there is little room; other rules by their titles.
const SHORT_RULES = { mutual: 'MPM', bipartite: 'ToMe', energy: 'PiToMe', graph: 'G2TM' };

const bareRule = (call) => call.split('(')[0];

// The one rule by which a recipe merges, whatever its arguments; null where it merges by none or by several.
export function familyOf(recipe) {
  const names = new Set(partsOf(recipe).stages.map(({ rule }) => bareRule(rule)));
  return names.size === 1 ? [...names][0] : null;
}

export const ruleName = ({ name, title }) => SHORT_RULES[name] ?? title.replace(/ \(.*\)$/, '');

// A recipe in which `rule` takes as many tokens away as `run` did, insertion by insertion, and all else is the same.
// known: [{schedule, kept}], what is known of recipes. Gives {recipe, isExact, note}; note: null or a half sentence.
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
function countedCall({ name, parameters }) {
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
export function shareFor(gone, tokens) {
  if (2 * gone >= tokens) return MOST_SHARE;
  const middle = (gone + 0.5) / tokens;
  const rounded = SHARE_DIGITS.map((digits) => Number(middle.toFixed(digits)));
  return Math.min(MOST_SHARE, rounded.find((share) => Math.floor(share * tokens) === gone) ?? middle);
}

const keptOfRun = ({ tokenCounts }) => tokenCounts.at(-1) / tokenCounts[0];

function nearestStrength(run, rule, known) {
  const kept = keptOfRun(run);
  const own = known.filter(({ schedule }) => schedule !== run.schedule && familyOf(schedule) === rule.name);
  if (!own.length)
    return {
      recipe: plainRecipe(run, rule),
      isExact: false,
      note: 'it cannot be told how many: this is its own strength',
    };
  const off = (one) => Math.abs(one.kept - kept);
  const nearest = own.reduce((best, one) => (off(one) < off(best) ? one : best));
  return {
    recipe: nearest.schedule,
    isExact: off(nearest) < 1e-9,
    note: 'it cannot be told how many: this is the nearest strength at hand',
  };
}

// The same blocks and options by that rule as it is; where that is the shown recipe itself, fewer blocks.
function plainRecipe(run, { name }) {
  return textOf({ stages: [{ rule: name, blocks: blocksOf(run.schedule) }], options: partsOf(run.schedule).options });
}

// What a person chose, as a text for menus and links: "equal:bipartite" or a recipe; null for the unmerged run.
export const againstText = (against) => against && (against.equal ? `equal:${against.equal}` : against.recipe);
export const againstFrom = (text) => {
  if (!text || text === 'none') return null;
  return text.startsWith('equal:') ? { equal: text.slice('equal:'.length) } : { recipe: text };
};

// Whether a model of that view can run it.
export function againstFits(against, view) {
  if (!against) return true;
  const isRule = (name) => view.rules.some((one) => one.name === name);
  if (against.equal) return isRule(against.equal);
  const isBlock = (block) => Number.isInteger(block) && block >= 0 && block < view.depth;
  return partsOf(against.recipe).stages.every(({ rule, blocks }) => isRule(bareRule(rule)) && blocks.every(isBlock));
}

// The method behind a recipe in a word: of its one rule, or its own text.
export function methodName(recipe, rules) {
  const rule = rules.find(({ name }) => name === familyOf(recipe));
  return rule ? ruleName(rule) : recipeName(recipe);
}

// Two recipes by name, in so many words that they differ.
export function namesApart(recipes, rules, short) {
  const tries = [
    recipes.map((one) => short(one) ?? methodName(one, rules)),
    recipes.map((one) => fullName(one, rules)),
  ];
  return tries.find(([a, b]) => a !== b) ?? recipes;
}

const fullName = (recipe, rules) => {
  const name = recipeName(recipe);
  return familyOf(recipe) === PAPER_RULE ? `${methodName(recipe, rules)} ${name}` : name;
};

const highest = (labels) => labels.reduce((top, label) => Math.max(top, label), 0);

// [class in a, class in b, pixels] of two masks of the same size.
export function confusionOf(a, b) {
  const classes = 1 + Math.max(highest(a), highest(b));
  const pixels = classes <= 256 ? new Uint32Array(classes * classes) : new Map();
  const add = classes <= 256 ? (pair) => (pixels[pair] += 1) : (pair) => pixels.set(pair, (pixels.get(pair) ?? 0) + 1);
  for (let at = 0; at < a.length; at += 1) add(a[at] * classes + b[at]);
  const triples = [];
  pixels.forEach((number, pair) => number && triples.push([Math.floor(pair / classes), pair % classes, number]));
  return triples.sort(([a1, b1], [a2, b2]) => a1 - a2 || b1 - b2);
}
