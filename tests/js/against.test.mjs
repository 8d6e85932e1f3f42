// Two recipes against each other: the text of a rule at equal tokens, names that differ, what a link may say.

import assert from 'node:assert/strict';
import test from 'node:test';

import {
  againstFits,
  againstFrom,
  againstText,
  confusionOf,
  equalTokens,
  familyOf,
  methodName,
  namesApart,
  shareFor,
} from '../../app/inspector/js/against.js';

const parameter = (name, isNamed = true) => ({ name, is_named: isNamed });
const RULES = [
  { name: 'mutual', title: 'Mutual pairs', parameters: [parameter('above')] },
  { name: 'bipartite', title: 'Bipartite (ToMe)', parameters: [parameter('share', false), parameter('count')] },
  { name: 'energy', title: 'Energy (PiToMe)', parameters: [parameter('share', false)] },
  { name: 'windows', title: 'Windows (ALGM)', parameters: [parameter('threshold', false)] },
];
const [, BIPARTITE, ENERGY, WINDOWS] = RULES;
const run = (schedule, blocks, tokenCounts) => ({ schedule, blocks, tokenCounts });
const PAPER = run('2,5', [2, 5], [1376, 1026, 817]);

test('a rule that counts takes as many tokens at each insertion', () => {
  assert.deepEqual(equalTokens(PAPER, BIPARTITE, []), {
    recipe: 'bipartite(count=350)@2+bipartite(count=209)@5',
    isExact: true,
    note: null,
  });
});

test('options stay, equal numbers are one stage, and an insertion that takes nothing is left out', () => {
  const own = run('2,5,8|residual,sizes', [2, 5, 8], [100, 90, 90, 80]);
  assert.equal(equalTokens(own, BIPARTITE, []).recipe, 'bipartite(count=10)@2,8|residual,sizes');
});

test('a rule that is told a share gets the one of which Python makes that number', () => {
  const { recipe, isExact } = equalTokens(PAPER, ENERGY, []);
  const shares = [...recipe.matchAll(/\(([\d.]+)\)/g)].map((match) => Number(match[1]));
  assert.deepEqual(
    shares.map((share, i) => Math.floor(share * [1376, 1026][i])),
    [350, 209],
  );
  assert.equal(isExact, true);
  for (const tokens of [2, 7, 100, 1376, 9999]) {
    for (let gone = 0; 2 * gone < tokens; gone += Math.max(1, tokens >> 4))
      assert.equal(Math.floor(shareFor(gone, tokens) * tokens), gone);
  }
});

test('more than half in one merge is more than halves can give, and that is said', () => {
  const { isExact, note } = equalTokens(run('regions@0', [0], [100, 30]), BIPARTITE, []);
  assert.equal(isExact, false);
  assert.match(note, /half of the tokens/);
});

test('other rules stand at the nearest strength that is known, and say so', () => {
  const known = [
    { schedule: 'windows(0.9)@2,5', kept: 0.7 },
    { schedule: 'windows(0.8)@2,5', kept: 0.58 },
    { schedule: '2', kept: 0.59 },
  ];
  const found = equalTokens(PAPER, WINDOWS, known);
  assert.deepEqual([found.recipe, found.isExact], ['windows(0.8)@2,5', false]);
  assert.match(found.note, /nearest strength/);
  assert.equal(equalTokens(PAPER, WINDOWS, []).recipe, 'windows@2,5');
});

test('methods are called by one rule, whatever its arguments', () => {
  assert.equal(familyOf('bipartite(count=3)@2+bipartite(count=4)@5|sizes'), 'bipartite');
  assert.equal(familyOf('2+windows@5'), null);
  assert.equal(methodName('bipartite(count=3)@2+bipartite@5', RULES), 'ToMe');
  assert.equal(methodName('2,5', RULES), 'MPM');
});

test('two recipes have names that differ', () => {
  const none = () => undefined;
  assert.deepEqual(namesApart(['2,5', 'bipartite(count=3)@2'], RULES, none), ['MPM', 'ToMe']);
  assert.deepEqual(namesApart(['2,5', '2'], RULES, none), ['MPM {2, 5}', 'MPM {2}']);
});

test('what a link says comes back, and must fit the model', () => {
  for (const against of [{ equal: 'bipartite' }, { recipe: 'bipartite(0.2)@2' }])
    assert.deepEqual(againstFrom(againstText(against)), against);
  assert.equal(againstFrom('none'), null);
  assert.equal(againstText(null), null);
  const view = { rules: RULES, depth: 6 };
  assert.deepEqual(
    [null, { equal: 'energy' }, { equal: 'other' }, { recipe: '2,5' }, { recipe: '2,8' }, { recipe: 'x@2' }].map(
      (one) => againstFits(one, view),
    ),
    [true, true, false, true, false, false],
  );
});

test('two masks are counted class by class', () => {
  assert.deepEqual(confusionOf(Uint8Array.of(0, 0, 1, 2), Uint8Array.of(0, 1, 1, 0)), [
    [0, 0, 1],
    [0, 1, 1],
    [1, 1, 1],
    [2, 0, 1],
  ]);
});
