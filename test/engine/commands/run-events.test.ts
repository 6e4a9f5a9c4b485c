import * as assert from 'uvu/assert';
import { eventText, followRunEvents, levelOf, type RunEvents, type RunEventsParts } from '../../../engine/commands/run-events.ts';
import type { Event } from '../../../engine/event.ts';
import type { QueueEntry } from '../../../engine/queue.ts';
import { eventsOf } from '../../conformance/store.ts';
import { createTestClock, type TestClock } from '../../support/clock.ts';
import { suite } from '../../support/suite.ts';

const entry = { id: 7, pipeline: 'users' } as QueueEntry;
const log = (text: string): Parameters<typeof eventsOf>[2] => ({ type: 'log', level: 'info', text });

interface Stage {
  readonly clock: TestClock;
  readonly written: Event[];
  readonly told: string[];
  readonly asked: number[];
  readonly follower: RunEvents;
  behind: boolean;
  run: string | undefined;
  fail: Error | undefined;
}

function stage(over: Partial<RunEventsParts> = {}): Stage {
  const it: Stage = {
    clock: createTestClock(),
    written: [],
    told: [],
    asked: [],
    behind: false,
    run: 'r1',
    fail: undefined,
    follower: { follow: () => undefined, end: async () => undefined },
  };
  const follower = followRunEvents({
    clock: it.clock,
    runOf: async () => it.run,
    events: async (_run, after, limit) => {
      it.asked.push(after);
      if (it.fail !== undefined) throw it.fail;
      return it.written.filter((e) => e.seq > after).slice(0, limit);
    },
    tell: (event) => it.told.push(eventText(event)),
    trouble: (text) => it.told.push(text),
    isBehind: () => it.behind,
    ...over,
  });
  return Object.assign(it, { follower });
}

suite('events of the runs of a daemon', ({ test }) => {
  test('each is told once, in order, while the run is at work, and the last ones when its process has ended', async () => {
    const it = stage();
    it.run = undefined;
    let end = (): void => undefined;
    it.follower.follow(entry, new Promise<void>((resolve) => (end = resolve)));
    await it.clock.sleeping(1000);
    it.run = 'r1';
    it.written.push(...eventsOf('r1', 0, log('one'), log('two')));
    await it.clock.advance(1000);
    await it.clock.sleeping(1000);
    assert.equal(it.told, ['one', 'two']);
    it.written.push(...eventsOf('r1', 0, log('one'), log('two'), log('three')).slice(2));
    end();
    await it.follower.end();
    assert.equal(it.told, ['one', 'two', 'three']);
  });

  test('a process that does not end keeps nobody: what it has written by then is told', async () => {
    const it = stage();
    it.follower.follow(entry, new Promise<void>(() => undefined));
    await it.clock.sleeping(1000);
    it.written.push(...eventsOf('r1', 0, log('one')));
    await it.follower.end();
    assert.equal(it.told, ['one']);
  });

  test('a run that wrote much is read page by page', async () => {
    const it = stage();
    it.written.push(...eventsOf('r1', 0, ...Array.from({ length: 1_200 }, (_, i) => log(String(i)))));
    it.follower.follow(entry, Promise.resolve());
    await it.follower.end();
    assert.is(it.told.length, 1_200);
    assert.equal(it.asked, [0, 500, 1_000, 1_200]);
  });

  test('while nobody takes what was told, nothing is read; at the end it is said what is left out', async () => {
    const it = stage();
    it.behind = true;
    it.written.push(...eventsOf('r1', 0, log('one')));
    it.follower.follow(entry, Promise.resolve());
    await it.follower.end();
    assert.equal(it.asked, []);
    assert.equal(it.told, ['its last events are left out here: what reads this log is too slow']);
  });

  test('a store that does not answer is asked again, and stops nobody', async () => {
    const it = stage();
    let end = (): void => undefined;
    it.fail = new Error('the state store is gone');
    it.follower.follow(entry, new Promise<void>((resolve) => (end = resolve)));
    await it.clock.sleeping(1000);
    it.fail = undefined;
    it.written.push(...eventsOf('r1', 0, log('one')));
    await it.clock.advance(1000);
    await it.clock.sleeping(1000);
    assert.equal(it.told, ['one']);
    it.fail = new Error('the state store is gone');
    end();
    await it.follower.end();
    assert.equal(it.told, ['one', 'its last events are left out here: the state store is gone']);
  });

  test('an event has the level that it would have in a log', () => {
    const [retrying, progress, said] = eventsOf(
      'r1',
      0,
      { type: 'node.retrying', node: 'a', attempt: 1, delayMs: 1, error: { code: 'x', trouble: 'outside', message: 'm', retryable: true } },
      { type: 'node.progress', node: 'a', progress: {} },
      { type: 'log', level: 'error', text: 'bad' },
    );
    assert.equal(
      [retrying, progress, said].flatMap((e) => (e === undefined ? [] : [levelOf(e)])),
      ['warn', 'debug', 'error'],
    );
  });
});
