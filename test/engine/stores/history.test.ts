import knex from 'knex';
import * as assert from 'uvu/assert';
import { systemClock } from '../../../engine/base/clock.ts';
import type { Event, EventBody, NodeResult } from '../../../engine/event.ts';
import type { History, NodeRecord } from '../../../engine/history.ts';
import type { Store } from '../../../engine/store.ts';
import { migrateSchema, shippedMigrations } from '../../../engine/stores/migrate.ts';
import { createPostgresStore } from '../../../engine/stores/postgres.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { suite } from '../../support/suite.ts';

const noon = Date.parse('2026-05-04T12:00:00Z');
const minute = 60_000;
const at = (ms: number): string => new Date(ms).toISOString();
const failed: EventBody = { type: 'run.failed', error: { code: 'x', trouble: 'failed', message: 'x', retryable: false } };

/** Events of a run of table `t`: an extract and a load, and what is said of them. */
function eventsOf(
  runId: string,
  startMs: number,
  bodies: readonly EventBody[],
  over: { readonly pipeline?: string; readonly table?: string; readonly dbt?: boolean } = {},
): Event[] {
  const { pipeline = 'users', table = 't', dbt = false } = over;
  const started: EventBody = {
    type: 'run.started',
    pipeline,
    mode: 'incremental',
    trigger: 'cli',
    nodes: [
      { id: `extract ${table}`, type: 'postgres.extract', table, unit: `extract ${table}`, needs: [] },
      { id: `load ${table}`, type: 'postgres.load', table, unit: `load ${table}`, needs: [`extract ${table}`] },
      ...(dbt ? [{ id: 'dbt', type: 'dbt.build', unit: 'dbt', needs: [`load ${table}`] }] : []),
    ],
    engine: 'test',
    host: 'here',
    pid: process.pid,
    request: { pipeline },
  };
  return [started, ...bodies].map((body, i) => ({ seq: i + 1, at: at(startMs + i * 1_000), runId, ...body }));
}
const result = (rows: number, facts: NodeResult['facts']): NodeResult => ({ summary: `${rows} rows \0`, rows, bytes: rows * 10, facts });
/** Its snapshot was taken then; its fence is older. */
const extracted = (version: number, at: string | null, table = 't'): EventBody => ({
  type: 'node.succeeded',
  node: `extract ${table}`,
  result: result(version + 100, { version, fence: '2026-05-04T10:59:00.000000Z', extractedAt: at, heldBy: null }),
});
const loaded = (lakeVersion: number, rows = 7, table = 't'): EventBody => ({
  type: 'node.succeeded',
  node: `load ${table}`,
  result: result(rows, { lakeVersion }),
});
const built: EventBody = { type: 'node.succeeded', node: 'dbt', result: { summary: '3 models', facts: {} } };
const began = (node: string, attempt = 1): EventBody => ({ type: 'node.started', node, attempt });

suite('what the store tells of many runs', ({ test, before, after }) => {
  let database: TestDatabase;
  const stores: Store[] = [];
  let schemas = 0;
  before(async () => {
    database = await freshDatabase('history');
  });
  after(async () => {
    for (const store of stores) await store.close();
    await database.drop();
  });
  const fresh = async (): Promise<{ readonly store: Store; readonly history: History; readonly schema: string }> => {
    schemas += 1;
    const schema = `engine_${schemas}`;
    const store = createPostgresStore({ connect: () => database.client(), schema, clock: systemClock });
    stores.push(store);
    await store.migrate();
    if (store.history === undefined) throw new Error('no history');
    return { store, history: store.history, schema };
  };

  test('nodes are kept with what became of them, whatever a summary holds', async () => {
    const { store, history } = await fresh();
    const events = eventsOf('r1', noon, [
      began('extract t'),
      {
        type: 'node.retrying',
        node: 'extract t',
        attempt: 1,
        delayMs: 1,
        error: { code: 'x', trouble: 'failed', message: 'x', retryable: true },
      },
      began('extract t', 2),
      extracted(4, '2026-05-04T11:59:30.000001Z'),
      began('load t'),
      { type: 'node.failed', node: 'load t', error: { code: 'x', trouble: 'failed', message: 'x', retryable: false } },
      failed,
    ]);
    await store.append(events.slice(0, 3));
    await store.append(events);
    const [extract, load] = await history.tableNodes('t', 5);
    assert.equal(extract, {
      runId: 'r1',
      pipeline: 'users',
      node: 'extract t',
      type: 'postgres.extract',
      table: 't',
      state: 'succeeded',
      startedAt: at(noon + 1_000),
      endedAt: at(noon + 4_000),
      attempts: 2,
      rows: 104,
      bytes: 1040,
      summary: '104 rows \0',
      facts: { version: 4, fence: '2026-05-04T10:59:00.000000Z', extractedAt: '2026-05-04T11:59:30.000001Z', heldBy: null },
    });
    assert.is(load?.state, 'failed');
    assert.is(load?.attempts, 1);
  });

  test('nodes of several runs come run by run, in the order in which they began, with the run that they were kept from', async () => {
    const { store, history } = await fresh();
    const kept: EventBody = { type: 'node.kept', node: 'extract t', fromRun: 'r1' };
    await store.append(eventsOf('r1', noon, [began('extract t'), extracted(4, null), began('load t'), began('load t', 2)]));
    await store.append(eventsOf('r2', noon + minute, [kept, began('load t'), loaded(4, 9)]));
    await store.append(eventsOf('r3', noon + 2 * minute, []));
    const found = await history.runNodes(['r2', 'r1', 'nobody']);
    assert.equal(
      found.map((n) => `${n.runId} ${n.node} ${n.state} ${n.attempts} ${n.rows} ${n.keptFrom}`),
      [
        'r1 extract t succeeded 1 104 undefined',
        'r1 load t running 2 undefined undefined',
        'r2 load t succeeded 1 9 undefined',
        'r2 extract t succeeded 0 undefined r1',
      ],
    );
    assert.equal(
      [found[0]?.startedAt, found[0]?.endedAt, found[0]?.table, found[1]?.endedAt],
      [at(noon + 1_000), at(noon + 2_000), 't', undefined],
    );
    assert.equal(await history.runNodes([]), []);
  });

  test('what was at work in a run that was interrupted or cancelled ends with it', async () => {
    const { store, history } = await fresh();
    await store.append(eventsOf('r1', noon, [began('extract t'), { type: 'run.interrupted', reason: 'gone' }]));
    await store.append(eventsOf('r2', noon + minute, [began('extract t'), extracted(1, null), { type: 'run.cancelled', reason: 'asked' }]));
    assert.equal(
      (await history.tableNodes('t', 9)).map((n) => `${n.runId} ${n.node} ${n.state}`),
      ['r2 extract t succeeded', 'r2 load t cancelled', 'r1 extract t interrupted', 'r1 load t interrupted'],
    );
  });

  test('staging is as old as the newest extract that was loaded', async () => {
    const { store, history } = await fresh();
    assert.equal((await history.tables(['t'])).get('t'), {
      table: 't',
      extract: undefined,
      load: undefined,
      lakeAsOf: undefined,
      asOf: undefined,
      analyticsAsOf: undefined,
      built: undefined,
    });
    await store.append(eventsOf('r1', noon, [extracted(1, '2026-05-04T11:00:00.000001Z'), loaded(1), { type: 'run.succeeded' }]));
    await store.append(eventsOf('r2', noon + minute, [extracted(2, '2026-05-04T11:30:00.000001Z'), failed]));
    const before = (await history.tables(['t', 'nobody'])).get('t');
    assert.is(before?.asOf, '2026-05-04T11:00:00.000001Z');
    assert.is(before?.lakeAsOf, '2026-05-04T11:30:00.000001Z');
    assert.is(before?.extract?.runId, 'r2');
    assert.is(before?.load?.runId, 'r1');
    await store.append(
      eventsOf('r3', noon + 2 * minute, [{ type: 'node.kept', node: 'extract t', fromRun: 'r2' }, loaded(2), { type: 'run.succeeded' }]),
    );
    const after = (await history.tables(['t'])).get('t');
    assert.is(after?.asOf, '2026-05-04T11:30:00.000001Z');
    assert.is(after?.extract?.runId, 'r2');
  });

  test('what a lake that was made anew has is not in staging before it was loaded, whatever version an older load brought', async () => {
    const { store, history } = await fresh();
    const read = (n: number): string => `2026-05-04T11:${n}0:00.000001Z`;
    const whole = (version: number, n: number): readonly EventBody[] => [
      began('extract t'),
      extracted(version, read(n)),
      loaded(version),
      { type: 'run.succeeded' },
    ];
    const asOf = async (): Promise<unknown> => (await history.tables(['t'])).get('t')?.asOf;
    const notLoaded = async (run: string, startMs: number, version: number, n: number): Promise<void> =>
      store.append(eventsOf(run, startMs, [began('extract t'), extracted(version, read(n)), failed]));
    await store.append(eventsOf('r1', noon, whole(400, 0)));
    await notLoaded('r2', noon + minute, 0, 1);
    assert.is(await asOf(), read(0));
    await notLoaded('r3', noon + 2 * minute, 400, 2);
    assert.is(await asOf(), read(0), 'as many versions as the old one had');
    await store.append(eventsOf('r4', noon + 3 * minute, whole(401, 3)));
    assert.is(await asOf(), read(3));
    await store.append(eventsOf('r5', noon + 4 * minute, whole(0, 4)));
    await notLoaded('r6', noon + 5 * minute, 0, 5);
    assert.is(await asOf(), read(4), 'made anew after its first version');
  });

  test('an extract whose end is told after a load of another run brought it is in staging', async () => {
    const { store, history } = await fresh();
    const read = '2026-05-04T11:30:00.000001Z';
    await store.append(eventsOf('r1', noon, [began('extract t'), { type: 'log', level: 'info', text: 'committed' }]));
    await store.append(eventsOf('r2', noon, [loaded(5)]));
    const [, , , ended] = eventsOf('r1', noon, [failed, failed, extracted(5, read)]);
    if (ended === undefined) throw new Error('no event');
    await store.append([ended]);
    assert.is((await history.tables(['t'])).get('t')?.asOf, read);
  });

  test('analytics is as old as what staging held when the newest build that succeeded began', async () => {
    const { store, history } = await fresh();
    const read = (n: number): string => `2026-05-04T11:${n}0:00.000001Z`;
    const now = async (): Promise<unknown> => {
      const { asOf, analyticsAsOf, built } = (await history.tables(['t'])).get('t') ?? {};
      return { asOf, analyticsAsOf, built };
    };
    const whole = [extracted(1, read(1)), loaded(1), began('dbt'), built, { type: 'run.succeeded' }] as const;
    await store.append(eventsOf('r1', noon, whole, { dbt: true }));
    const first = { analyticsAsOf: read(1), built: { runId: 'r1', at: at(noon + 3_000) } };
    assert.equal(await now(), { asOf: read(1), ...first });
    // Events that come twice, or a second time to an end, change nothing.
    await store.append(eventsOf('r1', noon, whole, { dbt: true }));
    assert.equal(await now(), { asOf: read(1), ...first });

    await store.append(
      eventsOf(
        'r2',
        noon + minute,
        [
          extracted(2, read(2)),
          loaded(2),
          began('dbt'),
          { type: 'node.failed', node: 'dbt', error: { code: 'x', trouble: 'failed', message: 'x', retryable: false } },
          failed,
        ],
        { dbt: true },
      ),
    );
    await store.append(eventsOf('r3', noon + 2 * minute, [extracted(3, read(3)), loaded(3), { type: 'run.succeeded' }]));
    assert.equal(await now(), { asOf: read(3), ...first }, 'a build that failed, and a run without one');

    const kept = (node: string): EventBody => ({ type: 'node.kept', node, fromRun: 'r2' });
    await store.append(
      eventsOf('r4', noon + 3 * minute, [kept('extract t'), kept('load t'), began('dbt'), built, { type: 'run.succeeded' }], { dbt: true }),
    );
    assert.equal(
      await now(),
      { asOf: read(3), analyticsAsOf: read(2), built: { runId: 'r4', at: at(noon + 3 * minute + 3_000) } },
      'no newer than what the run itself had loaded',
    );

    await store.append(eventsOf('r5', noon + 4 * minute, [extracted(0, read(5)), loaded(0), { type: 'run.succeeded' }]));
    assert.equal(
      await now(),
      { asOf: read(5), analyticsAsOf: read(2), built: { runId: 'r4', at: at(noon + 3 * minute + 3_000) } },
      'a lake that was made anew counts from 0',
    );
  });

  test('loads of a table, the newest first, each with the moment of what it brought', async () => {
    const { store, history } = await fresh();
    const read = (n: number): string => `2026-05-04T11:${n}0:00.000001Z`;
    await store.append(eventsOf('r1', noon, [extracted(1, read(1)), loaded(1, 11), { type: 'run.succeeded' }]));
    await store.append(eventsOf('r2', noon + minute, [extracted(2, read(2)), failed]));
    await store.append(eventsOf('r3', noon + 2 * minute, [extracted(3, read(3)), loaded(2, 22), { type: 'run.succeeded' }]));
    await store.append(eventsOf('other', noon, [loaded(1, 99, 'u')], { table: 'u' }));
    const told = async (limit: number): Promise<unknown> =>
      (await history.tableLoads('t', limit)).map(({ runId, node, rows, readAt }) => [runId, node, rows, readAt]);
    assert.equal(await told(9), [
      ['r3', 'load t', 22, read(2)],
      ['r1', 'load t', 11, read(1)],
    ]);
    assert.equal(await told(1), [['r3', 'load t', 22, read(2)]]);
  });

  test('a pipeline at a glance: its newest runs, the rows of a while, and how long a run takes', async () => {
    const { store, history } = await fresh();
    for (let i = 0; i < 5; i += 1)
      await store.append(eventsOf(`r${i}`, noon + i * minute, [loaded(i, 10 ** i), i === 4 ? failed : { type: 'run.succeeded' }]));
    await store.append(eventsOf('other', noon, [{ type: 'run.succeeded' }], { pipeline: 'other' }));
    const found = await history.pipelines(['users', 'none'], { runs: 3, sinceMs: noon + 2 * minute });
    const users = found.get('users');
    assert.equal(
      users?.runs.map((r) => r.runId),
      ['r4', 'r3', 'r2'],
    );
    assert.is(users?.rowsLoaded, 11_100);
    assert.is(users?.medianMs, 2_000);
    assert.equal(found.get('none'), { pipeline: 'none', runs: [], rowsLoaded: 0, medianMs: undefined });
  });

  test('runs come in pages, each run once, by pipeline, state and table', async () => {
    const { store, history } = await fresh();
    for (let i = 0; i < 7; i += 1)
      await store.append(
        eventsOf(`r${i}`, noon + Math.floor(i / 3) * minute, [i % 2 === 0 ? failed : { type: 'run.succeeded' }], {
          table: i === 3 ? 'u' : 't',
        }),
      );
    const seen: string[] = [];
    for (let before: string | undefined; ; ) {
      const page = await history.runs({ limit: 3, ...(before === undefined ? {} : { beforeRunId: before }) });
      if (page.length === 0) break;
      seen.push(...page.map((r) => r.runId));
      before = page.at(-1)?.runId;
    }
    assert.equal(seen, ['r6', 'r5', 'r4', 'r3', 'r2', 'r1', 'r0']);
    const ids = async (query: Parameters<History['runs']>[0]): Promise<string[]> => (await history.runs(query)).map((r) => r.runId);
    assert.equal(await ids({ states: ['failed'], limit: 2 }), ['r6', 'r4']);
    assert.equal(await ids({ table: 'u', limit: 9 }), ['r3']);
    assert.equal(await ids({ pipeline: 'none', limit: 9 }), []);
    assert.equal(await ids({ idPart: 'R3', limit: 9 }), ['r3']);
    assert.equal(await ids({ idPart: '_', limit: 9 }), []);
    assert.equal(await ids({ idPart: 'r', limit: 2 }), ['r6', 'r5']);
  });

  test('events of one run come in pages and by type', async () => {
    const { store, history } = await fresh();
    await store.append(
      eventsOf('r1', noon, [began('extract t'), extracted(1, null), { type: 'log', level: 'info', text: 'a' }, { type: 'run.succeeded' }]),
    );
    const seqs = async (query: Omit<Parameters<History['events']>[0], 'runId'>): Promise<number[]> =>
      (await history.events({ runId: 'r1', ...query })).map((e) => e.seq);
    assert.equal(await seqs({ limit: 2 }), [1, 2]);
    assert.equal(await seqs({ afterSeq: 2, limit: 9 }), [3, 4, 5]);
    assert.equal(await seqs({ types: ['log'], limit: 9 }), [4]);
  });

  test('the stamp is another one after each thing that a page shows, and the same otherwise', async () => {
    const { store, history } = await fresh();
    const seen = new Set<string>();
    const changed = async (what: string): Promise<void> => {
      const stamp = await history.stamp();
      assert.is(await history.stamp(), stamp);
      assert.not.ok(seen.has(stamp), what);
      seen.add(stamp);
    };
    const events = eventsOf('r1', noon, [began('extract t'), extracted(1, null), began('load t'), loaded(1), { type: 'run.succeeded' }]);
    await changed('nothing yet');
    for (const event of events) {
      await store.append([event]);
      await changed(event.type);
    }
    const entry = await store.queue?.add({ pipeline: 'users', kind: 'trigger', request: {}, askedBy: 'me' });
    await changed('queued');
    await store.queue?.explain(entry?.id ?? 0, 'waits');
    await changed('explained');
    await store.queue?.end(entry?.id ?? 0, 'cancelled', 'no more');
    await changed('ended');
    await store.queue?.pause('users', 'me');
    await changed('paused');
    await store.lease('daemon', { runId: 'd', host: 'here', pid: process.pid });
    await changed('leads');
  });

  test('old runs are removed with all that belongs to them; live ones, the newest ones and the newest that succeeded stay', async () => {
    const { store, history, schema } = await fresh();
    const day = 24 * 60 * minute;
    await store.append(eventsOf('live', noon - 90 * day, [began('extract t')]));
    await store.append(eventsOf('good', noon - 80 * day, [extracted(1, null), loaded(1), { type: 'run.succeeded' }]));
    for (let i = 0; i < 20; i += 1) await store.append(eventsOf(`bad${String(i).padStart(2, '0')}`, noon - (70 - i) * day, [failed]));
    await store.append(eventsOf('young', noon - day, [failed]));
    await store.append(eventsOf('alone', noon - 99 * day, [{ type: 'run.succeeded' }], { pipeline: 'by hand' }));
    const entry = await store.queue?.add({ pipeline: 'users', kind: 'trigger', request: {}, askedBy: 'me' });
    await store.queue?.end(entry?.id ?? 0, 'cancelled', 'no more');
    const waiting = await store.queue?.add({ pipeline: 'users', kind: 'trigger', request: {}, askedBy: 'me' });
    const later = systemClock.now() + 31 * day;
    const retention = { olderThanMs: 30 * day, keepRuns: 5 };
    const removed = [
      await history.prune(retention, noon, 10),
      await history.prune(retention, noon, 10),
      await history.prune(retention, later, 10),
    ];
    assert.equal(removed, [10, 6, 0]);
    assert.equal(
      (await history.runs({ limit: 99 })).map((r) => r.runId),
      ['young', 'bad19', 'bad18', 'bad17', 'bad16', 'good', 'live', 'alone'],
    );
    assert.equal(
      (await store.queue?.entries({ limit: 9 }))?.map((e) => e.id),
      [waiting?.id],
    );
    const client = await database.client();
    const { rows } = await client.query<{ left: string }>(
      `SELECT (SELECT count(*) FROM ${schema}.events WHERE run_id LIKE 'bad%') + (SELECT count(*) FROM ${schema}.nodes WHERE run_id LIKE 'bad%') AS left`,
    );
    // Four runs with two events and two nodes each.
    assert.is(Number(rows[0]?.left), 16);
    await client.end();
  });

  test('a store of an earlier engine gets the nodes of its runs from their events', async () => {
    const { store, history } = await fresh();
    const runs = [
      eventsOf(
        'r1',
        noon,
        [
          began('extract t'),
          began('extract t', 2),
          extracted(4, '2026-05-04T11:59:30.000001Z'),
          { type: 'log', level: 'info', text: 'odd \0 \ud800' },
          loaded(4),
          began('dbt'),
          built,
          { type: 'run.succeeded' },
        ],
        { dbt: true },
      ),
      eventsOf('r2', noon + minute, [
        { type: 'node.kept', node: 'extract t', fromRun: 'r1' },
        began('load t'),
        { type: 'run.interrupted', reason: 'gone' },
      ]),
      eventsOf('r3', noon + 2 * minute, [{ type: 'node.skipped', node: 'load t', because: 'x' }, began('extract t')]),
    ];
    for (const events of runs) await store.append(events);
    const db = knex({ client: 'pg', connection: {}, pool: { min: 0, max: 1 } });
    const client: { acquireRawConnection(): Promise<unknown> } = db.client;
    client.acquireRawConnection = () => database.client();
    await migrateSchema(
      db,
      'old_store',
      shippedMigrations().filter((m) => m.number <= 3),
    );
    for (const event of runs.flat()) {
      const record = await store.run(event.runId);
      if (event.type === 'run.started')
        await db.withSchema('old_store').table('runs').insert({
          run_id: event.runId,
          pipeline: event.pipeline,
          mode: event.mode,
          state: record?.state,
          started_at: event.at,
          ended_at: record?.endedAt,
          host: event.host,
          pid: event.pid,
        });
      await db
        .withSchema('old_store')
        .table('events')
        .insert({ run_id: event.runId, seq: event.seq, at: event.at, type: event.type, event: JSON.stringify(event) });
    }
    await migrateSchema(db, 'old_store');
    await db.destroy();
    const old = createPostgresStore({ connect: () => database.client(), schema: 'old_store', clock: systemClock });
    stores.push(old);
    const plain = (nodes: readonly NodeRecord[] | undefined): unknown =>
      nodes?.map((n) => ({ ...n, summary: n.summary?.replace(/\0|ufffd/, '') }));
    assert.equal(plain(await old.history?.tableNodes('t', 9)), plain(await history.tableNodes('t', 9)));
    const told = (await old.history?.tables(['t']))?.get('t');
    assert.is(told?.asOf, '2026-05-04T11:59:30.000001Z');
    assert.is(told?.analyticsAsOf, '2026-05-04T11:59:30.000001Z');
    assert.equal(told?.built, { runId: 'r1', at: at(noon + 6_000) });
  });
});
