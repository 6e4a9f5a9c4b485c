import * as assert from 'uvu/assert';
import { EngineError } from '../../engine/error.ts';
import type { Event, EventBody } from '../../engine/event.ts';
import { runOf } from '../../engine/run.ts';
import type { Store } from '../../engine/store.ts';
import { createTestClock } from '../support/clock.ts';
import { suite } from '../support/suite.ts';

/** A place for stores of one test: `open` gives another process's store on the same place; closing one is as if its process were gone. */
export interface StorePlace {
  open(): Promise<Store>;
  remove(): Promise<void>;
}

const start: EventBody & { readonly type: 'run.started' } = {
  type: 'run.started',
  pipeline: 'users',
  mode: 'incremental',
  trigger: 'cli',
  nodes: [{ id: 'a', type: 'puppet.do', unit: 'a', needs: [] }],
  engine: '0.0.0',
  host: 'here',
  pid: 7,
  request: { pipeline: 'users' },
};

/** Events of a run, numbered from 1, a second apart, from `minute` past nine. */
export function eventsOf(runId: string, minute: number, ...bodies: readonly EventBody[]): readonly Event[] {
  return bodies.map((body, i) => ({ seq: i + 1, at: new Date(Date.UTC(2026, 0, 31, 9, minute, i)).toISOString(), runId, ...body }));
}

/** Who asks for a lease. */
const holder = (runId: string): { runId: string; host: string; pid: number } => ({ runId, host: 'here', pid: 7 });

async function refusal(work: Promise<unknown>): Promise<EngineError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  throw new Error('was not refused');
}

/** The promises of `Store`, run against an implementation. */
export function storeConformance(name: string, makePlace: (clock: ReturnType<typeof createTestClock>) => Promise<StorePlace>): void {
  suite(`store: ${name}`, ({ test }) => {
    const onPlace = (title: string, body: (store: Store, place: StorePlace) => Promise<void>): void =>
      test(title, async () => {
        const place = await makePlace(createTestClock());
        try {
          const store = await place.open();
          await store.migrate();
          await body(store, place);
        } finally {
          await place.remove();
        }
      });

    onPlace('migrating twice, and by two at once, is safe', async (store, place) => {
      const other = await place.open();
      await Promise.all([store.migrate(), other.migrate()]);
      await store.migrate();
      assert.is(await other.exists(), true);
    });

    onPlace('events come back as they were written, in order, after the asked one', async (store) => {
      const odd = 'quote " backslash \\ newline \n NUL \0 emoji \u{1f600} lone \ud800';
      const events = eventsOf('r1', 0, start, { type: 'log', level: 'info', text: odd }, { type: 'node.started', node: 'a', attempt: 1 });
      await store.append(events.slice(0, 1));
      await store.append(events.slice(1));
      assert.equal(await store.events('r1'), events);
      assert.equal(
        (await store.events('r1', 1)).map((e) => e.seq),
        [2, 3],
      );
      assert.equal(await store.events('nobody'), []);
    });

    onPlace('the same event twice is kept once', async (store) => {
      const events = eventsOf('r1', 0, start, { type: 'log', level: 'info', text: 'once' });
      await store.append(events);
      await store.append(events);
      assert.is((await store.events('r1')).length, 2);
    });

    onPlace('a long batch is kept whole', async (store) => {
      const lines = Array.from({ length: 1203 }, (_, i): EventBody => ({ type: 'log', level: 'info', text: `line ${i}` }));
      await store.append(eventsOf('r1', 0, start, ...lines));
      assert.is((await store.events('r1')).at(-1)?.seq, 1204);
    });

    onPlace('a run is what its events say', async (store) => {
      const events = eventsOf('r1', 0, { ...start, retryOf: 'r0' }, { type: 'run.succeeded' });
      await store.append(events.slice(0, 1));
      const record = {
        runId: 'r1',
        pipeline: 'users',
        mode: 'incremental',
        state: 'running',
        startedAt: '2026-01-31T09:00:00.000Z',
        endedAt: undefined,
        host: 'here',
        pid: 7,
        retryOf: 'r0',
        trigger: 'cli',
        scheduledAt: undefined,
      };
      assert.equal(await store.run('r1'), record);
      await store.append(events.slice(1));
      assert.equal(await store.run('r1'), { ...record, state: 'succeeded', endedAt: '2026-01-31T09:00:01.000Z' });
      assert.is(await store.run('nobody'), undefined);
    });

    onPlace('runs are listed newest first, by pipeline, state and number', async (store) => {
      const failed: EventBody = { type: 'run.failed', error: { code: 'x', trouble: 'failed', message: 'x', retryable: false } };
      await store.append(eventsOf('r1', 1, start, failed));
      await store.append(eventsOf('r2', 2, { ...start, pipeline: 'other' }, { type: 'run.succeeded' }));
      await store.append(eventsOf('r3', 3, start, { type: 'run.succeeded' }));
      const ids = async (query: Parameters<Store['runs']>[0]): Promise<string[]> => (await store.runs(query)).map((r) => r.runId);
      assert.equal(await ids({}), ['r3', 'r2', 'r1']);
      assert.equal(await ids({ pipeline: 'users' }), ['r3', 'r1']);
      assert.equal(await ids({ states: ['failed', 'cancelled'] }), ['r1']);
      assert.equal(await ids({ limit: 2 }), ['r3', 'r2']);
    });

    onPlace('a lease has one holder, and the refusal names the run', async (store, place) => {
      const other = await place.open();
      const lease = await store.lease('extract users', holder('r1'));
      await lease.check();
      const error = await refusal(other.lease('extract users', holder('r2')));
      assert.is(error.code, 'lease.held');
      assert.is(error.trouble, 'refused');
      assert.match(error.message, 'run r1 (pid 7 on here) since 2026-01-31T09:00:00.000Z');
      assert.equal(await other.leases(), [{ name: 'extract users', token: 1, since: '2026-01-31T09:00:00.000Z', ...holder('r1') }]);
    });

    onPlace('a lease that was given back can be taken, with a higher token', async (store, place) => {
      const other = await place.open();
      const first = await store.lease('t', holder('r1'));
      await first.release();
      assert.equal(await store.leases(), []);
      const second = await other.lease('t', holder('r2'));
      assert.ok(second.token > first.token);
      assert.is((await refusal(first.check())).code, 'lease.lost');
      await first.release();
      await second.check();
    });

    onPlace('a lease whose holder is gone can be taken, and the old one is lost', async (store, place) => {
      const other = await place.open();
      const first = await other.lease('t', holder('r1'));
      await other.close();
      const second = await store.lease('t', holder('r2'));
      assert.ok(second.token > first.token);
      await second.check();
    });

    onPlace('a run may take its own lease again; its earlier attempt has lost it', async (store) => {
      const first = await store.lease('t', holder('r1'));
      const second = await store.lease('t', holder('r1'));
      assert.ok(second.token > first.token);
      assert.is((await refusal(first.check())).code, 'lease.lost');
    });

    onPlace('of many that ask at once for a lease, one has it', async (store, place) => {
      const stores = await Promise.all([place.open(), place.open(), place.open()]);
      const asked = await Promise.allSettled([store, ...stores].map((s, i) => s.lease('t', holder(`r${i}`))));
      assert.is(asked.filter((a) => a.status === 'fulfilled').length, 1);
    });

    onPlace('a run whose process is gone is marked as interrupted, once; a live one is not', async (store, place) => {
      const other = await place.open();
      await other.append(eventsOf('dead', 1, start, { type: 'node.started', node: 'a', attempt: 1 }));
      await store.append(eventsOf('live', 2, start));
      assert.equal(await store.sweep(), []);
      await other.close();
      assert.equal(await store.sweep(), ['dead']);
      assert.equal(await store.sweep(), []);
      assert.is((await store.run('dead'))?.state, 'interrupted');
      assert.is(runOf(await store.events('dead'))?.nodes[0]?.state, 'interrupted');
      assert.is((await store.run('live'))?.state, 'running');
    });

    onPlace('a live run can be asked to stop by another process, one that is over or unknown cannot', async (store, place) => {
      const other = await place.open();
      await store.append(eventsOf('r1', 0, start));
      assert.is(await store.cancelRequestedBy('r1'), undefined);
      assert.is(await other.requestCancel('r1', 'me'), true);
      assert.is(await store.cancelRequestedBy('r1'), 'me');
      await store.append(eventsOf('r2', 1, start, { type: 'run.succeeded' }));
      assert.is(await other.requestCancel('r2', 'me'), false);
      assert.is(await other.requestCancel('nobody', 'me'), false);
    });
  });
}
