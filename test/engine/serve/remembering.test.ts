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

  const patience = { ms: 10_000, late: () => new Error('late') };
  /** Looks that end when they are told to. */
  const held = () => {
    let end: (found: string) => void = () => undefined;
    const found = new Promise<string>((resolve) => {
      end = resolve;
    });
    const looks = {
      begun: 0,
      find: () => {
        looks.begun += 1;
        return found;
      },
      end,
    };
    return looks;
  };
  const saying = async (asked: Promise<{ readonly value: string; readonly at: string }>): Promise<string> =>
    asked.then(({ value, at }) => `${value} ${at.slice(11, 19)}`).catch((error: Error) => error.message);

  test('what hangs is late for all who ask, is not begun again beside it, and is told once it is found', async () => {
    const clock = createTestClock();
    const remembering = createRemembering<string>(clock, { freshMs: 10_000, atOnce: 1, most: 10 });
    const users = held();
    const first = saying(remembering.get('users', users.find, undefined, patience));
    await clock.advance(4_000);
    const second = saying(remembering.get('users', users.find, undefined, patience));
    assert.ok(remembering.busy());
    await clock.advance(6_000);
    assert.equal([await first, await second], ['late', 'late']);
    assert.not.ok(remembering.busy(), 'nobody need ask again in a second');
    await clock.advance(60_000);
    assert.is(
      await saying(remembering.get('users', users.find, clock.now() - 1_000, patience)),
      'late',
      'at once, and for those who know of a change',
    );
    assert.is(users.begun, 1);
    assert.is(
      await saying(remembering.get('orders', async () => 'found', undefined, patience)),
      'found 09:01:10',
      'its place is for others',
    );
    users.end('v7');
    await clock.advance(0);
    assert.is(await saying(remembering.get('users', users.find, undefined, patience)), 'v7 09:00:00', 'of when it was begun');
    assert.is(await saying(remembering.get('users', async () => 'v8', clock.now(), patience)), 'v8 09:01:10');
  });

  test('many that hang are not piled up, and nobody waits longer for a turn either', async () => {
    const clock = createTestClock();
    const remembering = createRemembering<string>(clock, { freshMs: 10_000, atOnce: 2, most: 100 });
    const all = held();
    const asked: string[] = [];
    for (let round = 0; round < 10; round += 1) {
      const answers = [1, 2, 3].map((i) => saying(remembering.get(`${round} ${i}`, all.find, undefined, patience)));
      await clock.advance(10_000);
      asked.push(...(await Promise.all(answers)));
    }
    assert.equal(new Set(asked), new Set(['late']));
    assert.is(all.begun, 4, 'two that left their places, and two that keep them');
    assert.not.ok(remembering.busy());
    all.end('found');
    assert.is((await remembering.get('other', async () => 'other', undefined, patience)).value, 'other');
    assert.is(all.begun, 30, 'those that waited had their turn');
  });
});
