// Recipes as texts, as mpm/merging/recipe.py writes them: "2,5", "random@2,5", "bipartite(0.2)@0+2,5|sizes,round32".

export const PAPER_RULE = 'mutual';
const OPTIONS = ['after-attention', 'decode-merged', 'residual', 'sizes', 'weighted'];
const ROUND = /^round[0-9]+$/;

// {stages: [{rule, blocks}], options}: rule is a name with its arguments.
/** @param {string} recipe @returns {RecipeParts} */
export function partsOf(recipe) {
  const [merges, options = ''] = recipe.split('|');
  const stages = merges === 'none' || merges === '' ? [] : merges.split(/\+(?![^(]*\))/).map(stageOf);
  return { stages, options: options.split(',').filter(Boolean) };
}

/** @param {string} text @returns {RecipeStage} */
function stageOf(text) {
  const at = text.lastIndexOf('@');
  return {
    rule: at < 0 ? PAPER_RULE : text.slice(0, at),
    blocks: text
      .slice(at + 1)
      .split(',')
      .map(Number),
  };
}

/** @param {RecipeParts} of */
export function textOf({ stages, options }) {
  const merged = new Map();
  for (const { rule, blocks } of stages) merged.set(rule, [...(merged.get(rule) ?? []), ...blocks]);
  const merges = [...merged]
    .map(([rule, blocks]) => ({ rule, blocks: [...new Set(blocks)].sort((a, b) => a - b) }))
    .filter(({ blocks }) => blocks.length)
    .sort((a, b) => a.blocks[0] - b.blocks[0])
    .map(({ rule, blocks }) => (rule === PAPER_RULE ? '' : `${rule}@`) + blocks.join(','))
    .join('+');
  const kept = optionsInOrder(options, Boolean(merges));
  return (merges || 'none') + (kept.length ? `|${kept.join(',')}` : '');
}

// Who merges nothing has no use for any but the input size; sizes weigh the means as well.
/** @param {string[]} options @param {boolean} isMerging */
function optionsInOrder(options, isMerging) {
  /** @param {string} option */
  const isUsed = (option) => options.includes(option) && !(option === 'weighted' && options.includes('sizes'));
  /** @param {string} option */
  const isKnown = (option) =>
    OPTIONS.includes(option) || ROUND.test(option) || option.endsWith('px') || option === 'copy';
  const multiple = Number(options.findLast((option) => ROUND.test(option))?.slice('round'.length) ?? 1);
  const size = options.findLast((option) => option.endsWith('px'));
  return [
    ...(isMerging ? OPTIONS.filter(isUsed) : []),
    ...options.filter((option) => !isKnown(option)), // Python says what is wrong with it
    ...(isMerging && multiple !== 1 ? [`round${multiple}`] : []),
    ...(size ? [size] : []),
  ];
}

/** @param {string} recipe */
export const blocksOf = (recipe) =>
  partsOf(recipe)
    .stages.flatMap(({ blocks }) => blocks)
    .sort((a, b) => a - b);

// The one rule of a recipe; null where it merges nothing or by several.
/** @param {string} recipe */
export function ruleOf(recipe) {
  const { stages } = partsOf(recipe);
  return stages.length === 1 ? stages[0].rule : null;
}

// The same blocks and options with one rule everywhere.
/** @param {string} recipe @param {string} rule */
export function withRule(recipe, rule) {
  const { options } = partsOf(recipe);
  return textOf({ stages: [{ rule, blocks: blocksOf(recipe) }], options });
}

/** @param {string} recipe @param {string[]} options */
export const withOptions = (recipe, options) => textOf({ stages: partsOf(recipe).stages, options });

// A block more, by that rule, or one less. options: of a recipe that merged nothing so far.
/** @param {string} recipe @param {number} block @param {string} rule @param {string[]} options */
export function toggled(recipe, block, rule, options) {
  const own = partsOf(recipe);
  if (!blocksOf(recipe).includes(block)) {
    const stages = [...own.stages, { rule, blocks: [block] }];
    return textOf({ stages, options: own.stages.length ? own.options : [...own.options, ...options] });
  }
  const rest = own.stages.map((stage) => ({ ...stage, blocks: stage.blocks.filter((one) => one !== block) }));
  return textOf({ stages: rest, options: own.options });
}

/** @param {string} recipe */
export const mergesInside = (recipe) => partsOf(recipe).options.includes('after-attention');

const LONGEST_LIST = 5;

// Many blocks in a row are written as a range.
/** @param {number[]} blocks */
function blocksText(blocks) {
  const isRange = blocks.length > LONGEST_LIST && blocks.every((block, i) => block === blocks[0] + i);
  return isRange ? `{${blocks[0]} to ${blocks.at(-1)}}` : `{${blocks.join(', ')}}`;
}

// For people: "{2, 5}", "bipartite(0.2) {0 to 11} · sizes".
/** @param {string} recipe */
export function recipeName(recipe) {
  const { stages, options } = partsOf(recipe);
  const names = stages.map(({ rule, blocks }) => (rule === PAPER_RULE ? '' : `${rule} `) + blocksText(blocks));
  return [names.join(' + ') || 'none', ...options].join(' · ');
}
