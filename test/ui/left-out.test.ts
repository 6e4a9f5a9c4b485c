import * as assert from 'uvu/assert';
import { isMissed, leftOut } from '../../engine/schedule/left-out.ts';
import { leftOutState } from '../../ui/left-out.ts';
import { suite } from '../support/suite.ts';

suite('a time that was left out', ({ test }) => {
  test('is missed on the page of its pipeline when it is so in the schedule', () => {
    const reasons = [
      leftOut.paused('ada', '2026-01-31T09:00:00Z'),
      leftOut.pausedInFile,
      leftOut.waiting,
      leftOut.atWork('r1'),
      leftOut.missed({ count: 1, firstMs: 0, lastMs: 0 }),
      leftOut.missed({ count: 12, firstMs: 0, lastMs: 60_000 }),
      undefined,
    ];
    const states = reasons.map((reason) => leftOutState({ kind: 'fire', state: 'skipped', reason }));
    assert.equal(
      states,
      reasons.map((reason) => (isMissed(reason) ? 'missed' : 'skipped')),
    );
    assert.equal(new Set(states).size, 2);
    assert.is(leftOutState({ kind: 'resume', state: 'skipped', reason: undefined }), 'skipped');
    assert.is(leftOutState({ kind: 'fire', state: 'cancelled', reason: 'x' }), 'cancelled');
  });
});
