// Recipes as texts: what is read is written again, in the usual spelling.

import assert from 'node:assert/strict';
import test from 'node:test';

import { blocksOf, partsOf, recipeName, ruleOf, textOf, toggled, withRule } from '../../app/js/recipe.js';

const usual = (text) => textOf(partsOf(text));

test('a recipe is written in its usual spelling', () => {
  assert.equal(usual('5,2,5'), '2,5');
  assert.equal(usual('none'), 'none');
  assert.equal(usual('2|weighted,sizes'), '2|sizes');
  assert.equal(usual('none|sizes,432px'), 'none|432px');
  assert.equal(usual('random@8+mutual@5,2|sizes,residual'), '2,5+random@8|residual,sizes');
});

test('a number to round to stands before the size, the last one counts, and 1 says nothing', () => {
  assert.equal(usual('2|432px,round16,sizes,round032'), '2|sizes,round32,432px');
  assert.equal(usual('2|round1'), '2');
  assert.equal(usual('none|round32,432px'), 'none|432px');
  assert.equal(usual('2|roundly'), '2|roundly', 'Python says what is wrong with it');
});

test('a plus sign in a rule’s arguments separates nothing', () => {
  const { stages } = partsOf('bipartite(1e+2)@3+5');
  assert.deepEqual(stages, [
    { rule: 'bipartite(1e+2)', blocks: [3] },
    { rule: 'mutual', blocks: [5] },
  ]);
});

test('rules and blocks can be asked for and changed', () => {
  assert.deepEqual(blocksOf('random@8+2,5'), [2, 5, 8]);
  assert.equal(ruleOf('random@8'), 'random');
  assert.equal(ruleOf('random@8+2'), null);
  assert.equal(withRule('random@8+2|sizes', 'mutual'), '2,8|sizes');
});

test('a block is added by the rule at hand, and taken from whoever has it', () => {
  assert.equal(toggled('2,5', 8, 'random', []), '2,5+random@8');
  assert.equal(toggled('2,5|sizes', 5, 'random', []), '2|sizes');
  assert.equal(toggled('none', 3, 'mutual', ['sizes']), '3|sizes');
  assert.equal(toggled('3|sizes', 3, 'mutual', []), 'none');
});

test('people read sets, and ranges where they are long', () => {
  assert.equal(recipeName('2,5|sizes'), '{2, 5} · sizes');
  assert.equal(recipeName('bipartite(0.2)@0,1,2,3,4,5'), 'bipartite(0.2) {0 to 5}');
  assert.equal(recipeName('none'), 'none');
});
