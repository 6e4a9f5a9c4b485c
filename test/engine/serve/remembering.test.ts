import * as assert from 'uvu/assert';
import { createRemembering } from '../../../engine/serve/remembering.ts';
import { createTestClock } from '../../support/clock.ts';
import { suite } from '../../support/suite.ts';

suite('what is remembered of a look', ({ test }) => {
  test('is told for a while, but not to those who know of a change since it was begun', async () => {
    const clock = createTestClock();
    const remembering = createRemembering<number>(clock, { freshMs: 10_000, atOnce: 1, most: 10 });
    let version = 15;
    const look = async (changedMs?: number): Promise<number> => (await remembering.get('users', async () => version, changedMs)).value;
    assert.is(await look(), 15);
    version = 16;
    await clock.advance(1_000);
    assert.is(await look(), 15, 'no older than ten seconds');
    assert.is(await look(clock.now() - 2_000), 15, 'that change was there already');
    assert.is(await look(clock.now() + 60_000), 15, 'the clock of another machine');
    assert.is(await look(clock.now()), 16);
    assert.is(remembering.peek('users')?.at, new Date(clock.now()).toISOString());
  });

  test('a look that was begun before a change is not told of the time after it', async () => {
    const clock = createTestClock();
    const remembering = createRemembering<string>(clock, { freshMs: 10_000, atOnce: 2, most: 10 });
    let finish: (found: string) => void = () => undefined;
    const before = remembering.get(
      'users',
      () =>
        new Promise<string>((resolve) => {
          finish = resolve;
        }),
    );
    await clock.advance(500);
    const after = remembering.get('users', async () => 'new', clock.now());
    finish('old');
    assert.equal([(await before).value, (await after).value, remembering.peek('users')?.value], ['old', 'new', 'new']);
  });
});
