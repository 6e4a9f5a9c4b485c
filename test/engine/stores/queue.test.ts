import * as assert from 'uvu/assert';
import { systemClock } from '../../../engine/base/clock.ts';
import { EngineError } from '../../../engine/error.ts';
import type { Event } from '../../../engine/event.ts';
import type { Decision, Queue } from '../../../engine/queue.ts';
import type { Store } from '../../../engine/store.ts';
import { createPostgresStore } from '../../../engine/stores/postgres.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { suite } from '../../support/suite.ts';

const noon = Date.parse('2026-05-04T12:00:00Z');
const decision = (times: readonly number[], seenUntilMs: number, over: Partial<Decision> = {}): Decision => ({
  pipeline: 'users',
  mark: { schedules: { list: ['0 * * * *'] }, seenUntilMs },
  fires: times.map((scheduledAtMs) => ({ scheduledAtMs, state: 'queued' })),
  ...over,
});
const holder = (runId: string): { runId: string; host: string; pid: number } => ({ runId, host: 'here', pid: process.pid });
const started = (runId: string, queued: number): Event => ({
  seq: 1,
  at: '2026-05-04T12:00:01.000Z',
  runId,
  type: 'run.started',
  pipeline: 'users',
  mode: 'incremental',
  trigger: 'schedule',
  queued,
  nodes: [],
  engine: 'test',
  host: 'here',
  pid: process.pid,
  request: { pipeline: 'users' },
});

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'nothing',
    (error: unknown) => {
      if (error instanceof EngineError) return error.code;
      throw error;
    },
  );
}

suite('the queue of daemons', ({ test, before, after }) => {
  let database: TestDatabase;
  const stores: Store[] = [];
  before(async () => {
    database = await freshDatabase('queue');
  });
  after(async () => {
    for (const store of stores) await store.close();
    await database.drop();
  });
  let schemas = 0;
  /** A store of its own with its queue; `again` opens it as another process does. */
  const fresh = async (): Promise<{ store: Store; queue: Queue; again: () => Promise<Store> }> => {
    schemas += 1;
    const schema = `engine_${schemas}`;
    const again = async (): Promise<Store> => {
      const store = createPostgresStore({ connect: () => database.client(), schema, clock: systemClock });
      stores.push(store);
      await store.migrate();
      return store;
    };
    const store = await again();
    if (store.queue === undefined) throw new Error('no queue');
    return { store, queue: store.queue, again };
  };

  test('a time that was decided about stays decided, whoever decides again', async () => {
    const { store, queue } = await fresh();
    const lead = await store.lease('daemon', holder('one'));
    const [first] = await queue.decide(lead, decision([noon], noon));
    assert.equal([first?.scheduledAt, first?.state], ['2026-05-04T12:00:00.000Z', 'queued']);
    assert.equal(await queue.decide(lead, decision([noon], noon)), []);
    const skipped = decision([noon, noon + 3_600_000], noon, {
      fires: [noon, noon + 3_600_000].map((scheduledAtMs) => ({ scheduledAtMs, state: 'skipped', reason: 'paused' })),
    });
    assert.equal(
      (await queue.decide(lead, skipped)).map((e) => e.scheduledAt),
      ['2026-05-04T13:00:00.000Z'],
    );
    assert.equal(
      (await queue.waiting()).map((e) => e.id),
      [first?.id],
    );
    assert.is((await queue.marks()).get('users')?.seenUntilMs, noon);
    await queue.seen(lead, ['users', 'nobody'], noon + 60_000);
    await queue.seen(lead, ['users'], noon);
    assert.equal(
      [...(await queue.marks())].map(([name, mark]) => [name, mark.seenUntilMs]),
      [['users', noon + 60_000]],
    );
  });

  test('whoever does not lead any more decides nothing: neither times nor how far was seen', async () => {
    const { store, queue, again } = await fresh();
    const old = await store.lease('daemon', holder('one'));
    await old.release();
    await (await again()).lease('daemon', holder('two'));
    assert.is(await codeOf(queue.seen(old, ['users'], noon)), 'lease.lost');
    assert.is(await codeOf(queue.decide(old, decision([noon], noon))), 'lease.lost');
    assert.equal([await queue.waiting(), (await queue.marks()).size], [[], 0]);
  });

  test('of many runs for one time, one begins; the others are refused and leave no run', async () => {
    const { store, queue, again } = await fresh();
    const lead = await store.lease('daemon', holder('one'));
    const [entry] = await queue.decide(lead, decision([noon], noon));
    if (entry === undefined) throw new Error('nothing was queued');
    const runs = await Promise.all(['a', 'b', 'c', 'd'].map(async (runId) => ({ runId, store: await again() })));
    const codes = await Promise.all(runs.map((run) => codeOf(run.store.append([started(run.runId, entry.id)]))));
    assert.equal(
      codes.filter((code) => code !== 'nothing'),
      ['queue.taken', 'queue.taken', 'queue.taken'],
    );
    const winner = runs[codes.indexOf('nothing')];
    assert.equal(
      (await store.runs({})).map((r) => [r.runId, r.trigger, r.scheduledAt]),
      [[winner?.runId, 'schedule', '2026-05-04T12:00:00.000Z']],
    );
    assert.is((await queue.entry(entry.id))?.runId, winner?.runId);
    // An answer that was lost: the same event again.
    assert.is(await codeOf(winner?.store.append([started(winner.runId, entry.id)]) ?? Promise.resolve()), 'nothing');
  });

  test('a run is gone on with once, however often that is asked for', async () => {
    const { queue } = await fresh();
    const ask = () => queue.add({ pipeline: 'users', kind: 'resume', retryOf: 'RUN', request: {}, askedBy: 'its process died' });
    const [first, second] = await Promise.all([ask(), ask()]);
    assert.is(first?.id, second?.id);
    assert.is((await queue.waiting()).length, 1);
    assert.is(await queue.end(first?.id ?? 0, 'cancelled', 'no need'), true);
    assert.is((await ask()).state, 'cancelled');
  });

  test('times are the same whatever the database has set for how they are written, their zone and its transactions', async () => {
    const own = await freshDatabase('queue_set');
    try {
      const client = await own.client();
      for (const [name, value] of [
        ['DateStyle', 'SQL, DMY'],
        ['TimeZone', 'America/St_Johns'],
        ['default_transaction_isolation', 'serializable'],
      ])
        await client.query(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET ${name} = %L', current_database(), '${value}'); END $$`);
      const store = createPostgresStore({ connect: () => own.client(), schema: 'engine', clock: systemClock });
      stores.push(store);
      await store.migrate();
      const leader = await store.lease('daemon', holder('D1'));
      const made = await store.queue?.decide(leader, decision([noon], noon + 1));
      assert.equal(
        made?.map((entry) => entry.scheduledAt),
        ['2026-05-04T12:00:00.000Z'],
      );
      assert.is((await store.queue?.marks())?.get('users')?.seenUntilMs, noon + 1);
      await store.close();
    } finally {
      await own.drop();
    }
  });

  test('what waits to go on with a run is taken off the queue by a run that goes on from it, and does not begin any more', async () => {
    const { store, queue } = await fresh();
    const ask = (kind: 'resume' | 'trigger') =>
      queue.add({ pipeline: 'users', kind, retryOf: 'DEAD', request: {}, askedBy: 'its process died' });
    const resume = await ask('resume');
    const { queued: _, ...byHand } = started('by hand', 0) as Event & { readonly type: 'run.started' };
    await store.append([{ ...byHand, trigger: 'retry', retryOf: 'DEAD' }]);
    const now = await queue.entry(resume.id);
    assert.equal([now?.state, now?.reason], ['cancelled', 'run by hand goes on from it']);
    assert.is(
      await codeOf(store.append([{ ...(started('late', resume.id) as Event & { readonly type: 'run.started' }), retryOf: 'DEAD' }])),
      'queue.taken',
    );
    const asked = await ask('trigger');
    await store.append([{ ...(started('asked', asked.id) as Event & { readonly type: 'run.started' }), retryOf: 'DEAD' }]);
    assert.is((await queue.entry(asked.id))?.state, 'started');
  });

  test('runs whose process died are abandoned until something goes on with them, whoever found them dead', async () => {
    const { store, queue, again } = await fresh();
    const dying = await again();
    const end = (runId: string, at: string): Event => ({ seq: 2, at, runId, type: 'run.interrupted', reason: 'gone' });
    const begin = async (runId: string, over: Partial<Event & { readonly type: 'run.started' }> = {}): Promise<void> => {
      const { queued: _, ...event } = started(runId, 0) as Event & { readonly type: 'run.started' };
      await dying.append([{ ...event, ...over } as Event]);
    };
    const ids = async (sinceMs = noon): Promise<readonly string[]> => (await queue.abandoned(sinceMs)).map((run) => run.runId);
    for (const runId of ['resumed', 'by hand', 'old', 'retried', 'swept'])
      await begin(runId, runId === 'by hand' ? { trigger: 'cli' } : {});
    await dying.append(['resumed', 'by hand', 'retried'].map((runId) => end(runId, '2026-05-04T12:30:00.000Z')));
    await dying.append([end('old', '2026-05-04T11:59:00.000Z')]);
    assert.equal(await ids(), ['resumed', 'retried']);
    await dying.close();
    await (await again()).sweep();
    assert.equal(await ids(), ['resumed', 'retried', 'swept']);
    await queue.add({ pipeline: 'users', kind: 'resume', retryOf: 'resumed', request: {}, askedBy: 'a test' });
    await store.append([
      { ...(started('next', 0) as Event & { readonly type: 'run.started' }), queued: undefined, retryOf: 'retried' } as unknown as Event,
    ]);
    assert.equal(await ids(), ['swept']);
    assert.equal(await ids(noon - 86_400_000), ['old', 'swept']);
  });

  test('only what waits can be ended or explained', async () => {
    const { store, queue } = await fresh();
    const entry = await queue.add({ pipeline: 'users', kind: 'trigger', request: { fullRefresh: true }, askedBy: 'ada' });
    assert.equal([entry.request, entry.askedBy], [{ fullRefresh: true }, 'ada']);
    await queue.explain(entry.id, 'waits for a table');
    assert.is((await queue.entry(entry.id))?.reason, 'waits for a table');
    await store.append([started('r', entry.id)]);
    assert.is(await queue.end(entry.id, 'cancelled', 'too late'), false);
    assert.equal(
      (await queue.entries({ limit: 5, pipeline: 'users' })).map((e) => [e.state, e.reason, e.runId]),
      [['started', undefined, 'r']],
    );
    assert.is(await queue.entry(99_999), undefined);
  });

  test('the entries that concern some runs come at once, and the newest that were left out or could not begin', async () => {
    const { store, queue } = await fresh();
    const lead = await store.lease('daemon', holder('one'));
    const left = (pipeline: string): Decision => ({
      ...decision([], noon, { pipeline }),
      fires: [1, 2, 3, 4, 5].map((i) => ({ scheduledAtMs: noon + i, state: 'skipped', reason: `no ${i}` })),
    });
    await queue.decide(lead, left('users'));
    await queue.decide(lead, left("o'dd"));
    const run = await queue.add({ pipeline: 'users', kind: 'trigger', request: {}, askedBy: 'ada' });
    await store.append([started('r', run.id)]);
    const resume = await queue.add({ pipeline: 'users', kind: 'resume', retryOf: 'r', request: {}, askedBy: 'ada' });
    await queue.add({ pipeline: 'users', kind: 'trigger', request: {}, askedBy: 'ada' });
    const found = await queue.concerning(['users'], ['r']);
    assert.equal(
      found.map((entry) => entry.reason ?? entry.id),
      [resume.id, run.id, 'no 5', 'no 4', 'no 3'],
    );
    assert.equal(
      (await queue.concerning(["o'dd", 'nobody'], [])).map((entry) => entry.reason),
      ['no 5', 'no 4', 'no 3'],
    );
    assert.equal(await queue.concerning([], []), []);
  });

  test('a pause says who and when, and the first one stays', async () => {
    const { queue } = await fresh();
    await queue.pause('users', 'ada');
    await queue.pause('users', 'grace');
    assert.is((await queue.pauses()).get('users')?.by, 'ada');
    await queue.unpause('users');
    assert.is((await queue.pauses()).size, 0);
  });
});
