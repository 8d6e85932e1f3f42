// Who races in which runtime, what each is shown beside, and how it is called.

import assert from 'node:assert/strict';
import test from 'node:test';

import { contendersOf, focusName, shownBeside, thereOf } from '../../app/latency/js/contenders.js';
import { contenderName } from '../../app/latency/js/numbers.js';

const one = (schedule, runtime = '') => ({ name: runtime ? `${runtime} ${schedule}` : schedule, schedule });
const race = (schedules, other) => ({
  runtime: 'PyTorch',
  contenders: schedules.map((schedule) => one(schedule)),
  elsewhere: other ? { runtime: 'OpenVINO', contenders: schedules.map((schedule) => one(schedule, other)) } : null,
});

test('in one runtime nobody names it', () => {
  const [baseline, merged] = contendersOf(race(['none', '2,5']));
  assert.equal(contenderName(baseline), 'baseline');
  assert.equal(contenderName(merged), 'merged at {2, 5}');
  assert.deepEqual([merged.against, merged.isThere, thereOf([baseline, merged], merged)], ['none', false, undefined]);
});

test('in two runtimes each recipe keeps its colour, and is profiled beside the baseline of its own', () => {
  const all = contendersOf(race(['none', '2,5', '5'], 'openvino'));
  assert.deepEqual(
    all.map(({ tint }) => tint),
    ['t0', 't1', 't2', 't0', 't1', 't2'],
  );
  assert.deepEqual(
    all.map(({ against }) => against),
    ['none', 'none', 'none', 'none', 'openvino none', 'openvino none'],
  );
  assert.equal(contenderName(all[0]), 'baseline in PyTorch');
  assert.equal(contenderName(all[4]), 'merged at {2, 5} in OpenVINO');
  assert.deepEqual(shownBeside(all).map(focusName), ['{2, 5}', '{5}', '{2, 5} in OpenVINO', '{5} in OpenVINO']);
  assert.equal(thereOf(all, all[1]), all[4]);
  assert.equal(thereOf(all, all[4]), null);
});

test('where nothing merges the two baselines are told apart by colour', () => {
  const [own, there] = contendersOf(race(['none'], 'openvino'));
  assert.notEqual(own.tint, there.tint);
  assert.deepEqual([there.against, shownBeside([own, there])], ['none', [there]]);
});
