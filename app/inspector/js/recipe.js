// Recipes as texts, as mpm/merging/recipe.py writes them: "2,5", "random@2,5", "bipartite(0.2)@0+2,5|sizes".

const PAPER_RULE = 'mutual';

// {stages: [{rule, blocks}], options}: rule is a name with its arguments.
function partsOf(recipe) {
  const [merges, options = ''] = recipe.split('|');
  const stages = merges === 'none' || merges === '' ? [] : merges.split(/\+(?![^(]*\))/).map(stageOf);
  return { stages, options };
}

function stageOf(text) {
  const at = text.lastIndexOf('@');
  return { rule: at < 0 ? PAPER_RULE : text.slice(0, at), blocks: text.slice(at + 1).split(',').map(Number) };
}

function textOf({ stages, options }) {
  const merged = new Map();
  for (const { rule, blocks } of stages) merged.set(rule, [...(merged.get(rule) ?? []), ...blocks]);
  const merges = [...merged]
    .map(([rule, blocks]) => ({ rule, blocks: [...new Set(blocks)].sort((a, b) => a - b) }))
    .filter(({ blocks }) => blocks.length)
    .sort((a, b) => a.blocks[0] - b.blocks[0])
    .map(({ rule, blocks }) => (rule === PAPER_RULE ? '' : `${rule}@`) + blocks.join(','))
    .join('+');
  // Who merges nothing has no use for any option but the input size.
  const kept = options.split(',').filter((option) => option && (merges || option.endsWith('px')));
  return (merges || 'none') + (kept.length ? `|${kept.join(',')}` : '');
}

const blocksOf = (recipe) => partsOf(recipe).stages.flatMap(({ blocks }) => blocks).sort((a, b) => a - b);

// The one rule of a recipe; null where it merges nothing or by several.
function ruleOf(recipe) {
  const { stages } = partsOf(recipe);
  return stages.length === 1 ? stages[0].rule : null;
}

// The same blocks and options with one rule everywhere.
function withRule(recipe, rule) {
  const { options } = partsOf(recipe);
  return textOf({ stages: [{ rule, blocks: blocksOf(recipe) }], options });
}

// A block more, by that rule, or one less.
function toggled(recipe, block, rule) {
  const { stages, options } = partsOf(recipe);
  if (!blocksOf(recipe).includes(block)) return textOf({ stages: [...stages, { rule, blocks: [block] }], options });
  const rest = stages.map((stage) => ({ ...stage, blocks: stage.blocks.filter((own) => own !== block) }));
  return textOf({ stages: rest, options });
}

const blocksText = (blocks) => `{${blocks.join(', ')}}`;

// For people: "{2, 5}", "bipartite(0.2) {2, 5} · sizes".
function recipeName(recipe) {
  const { stages, options } = partsOf(recipe);
  const names = stages.map(({ rule, blocks }) => (rule === PAPER_RULE ? '' : `${rule} `) + blocksText(blocks));
  return [names.join(' + ') || 'none', ...options.split(',').filter(Boolean)].join(' · ');
}
