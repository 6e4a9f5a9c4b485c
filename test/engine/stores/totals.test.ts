import knex from 'knex';
import * as assert from 'uvu/assert';
import { systemClock } from '../../../engine/base/clock.ts';
import type { Event, EventBody } from '../../../engine/event.ts';
import { type History, runSecondsEdges, type Totals } from '../../../engine/history.ts';
import type { Store } from '../../../engine/store.ts';
import { migrateSchema, shippedMigrations } from '../../../engine/stores/migrate.ts';
import { createPostgresStore } from '../../../engine/stores/postgres.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { suite } from '../../support/suite.ts';

const noon = Date.parse('2026-05-04T12:00:00Z');

/** A run with an extract, a load and a dbt node; each body happens so many seconds after the start. */
function story(runId: string, bodies: readonly (readonly [number, EventBody])[]): Event[] {
  const started: EventBody = {
    type: 'run.started',
    pipeline: 'users',
    mode: 'incremental',
    trigger: 'cli',
    nodes: [
      { id: 'extract t', type: 'postgres.extract', table: 't', unit: 'extract t', needs: [] },
      { id: 'load t', type: 'postgres.load', table: 't', unit: 'load t', needs: ['extract t'] },
      { id: 'dbt', type: 'dbt.build', unit: 'dbt', needs: ['load t'] },
    ],
    engine: 'test',
    host: 'here',
    pid: process.pid,
    request: {},
  };
  return [[0, started] as const, ...bodies].map(([seconds, body], i) => ({
    seq: i + 1,
    at: new Date(noon + seconds * 1_000).toISOString(),
    runId,
    ...body,
  }));
}
const error = { code: 'x', trouble: 'failed', message: 'x', retryable: true } as const;
const extracted: EventBody = { type: 'node.succeeded', node: 'extract t', result: { summary: '', rows: 7, bytes: 70, facts: {} } };
const loaded: EventBody = { type: 'node.succeeded', node: 'load t', result: { summary: '', rows: 7, facts: {} } };
const built: EventBody = { type: 'node.succeeded', node: 'dbt', result: { summary: '', facts: {} } };
const dbtFailed: EventBody = { type: 'node.failed', node: 'dbt', error };
const runFailed: EventBody = { type: 'run.failed', error };
const tried = (node: string, attempt: number): EventBody => ({ type: 'node.started', node, attempt });

/** Where runs that took so many seconds are counted. */
function spread(...seconds: readonly number[]): readonly number[] {
  const counts = Array.from({ length: runSecondsEdges.length + 1 }, () => 0);
  for (const s of seconds) {
    const found = runSecondsEdges.findIndex((edge) => s <= edge);
    const at = found === -1 ? runSecondsEdges.length : found;
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return counts;
}

suite('totals over all runs', ({ test, before, after }) => {
  let database: TestDatabase;
  const stores: Store[] = [];
  let schemas = 0;
  before(async () => {
    database = await freshDatabase('totals');
  });
  after(async () => {
    for (const store of stores) await store.close();
    await database.drop();
  });
  const open = async (schema: string): Promise<{ readonly store: Store; readonly history: History }> => {
    const store = createPostgresStore({ connect: () => database.client(), schema, clock: systemClock });
    stores.push(store);
    await store.migrate();
    if (store.history === undefined) throw new Error('no history');
    return { store, history: store.history };
  };
  const fresh = (): Promise<{ readonly store: Store; readonly history: History }> => {
    schemas += 1;
    return open(`engine ${schemas}`);
  };

  const succeeds = story('r1', [
    [1, tried('extract t', 1)],
    [2, tried('extract t', 2)],
    [3, tried('extract t', 3)],
    [4, extracted],
    [5, tried('load t', 1)],
    [6, loaded],
    [7, tried('dbt', 1)],
    [8, built],
    [15, { type: 'run.succeeded' }],
  ]);
  const fails = story('r2', [
    [1, tried('extract t', 1)],
    [2, extracted],
    [3, { type: 'node.kept', node: 'load t', fromRun: 'r1' }],
    [4, tried('dbt', 1)],
    [5, dbtFailed],
    [100_000, runFailed],
  ]);
  const both: Totals = {
    runs: [
      { pipeline: 'users', state: 'failed', runs: 1, seconds: 100_000, bySeconds: spread(100_000), lastEndedAt: fails.at(-1)?.at ?? '' },
      { pipeline: 'users', state: 'succeeded', runs: 1, seconds: 15, bySeconds: spread(15), lastEndedAt: succeeds.at(-1)?.at ?? '' },
    ],
    nodes: [
      { pipeline: 'users', table: undefined, type: 'dbt.build', rows: 0, bytes: 0, retries: 0, failures: 1 },
      { pipeline: 'users', table: 't', type: 'postgres.extract', rows: 14, bytes: 140, retries: 2, failures: 0 },
      { pipeline: 'users', table: 't', type: 'postgres.load', rows: 7, bytes: 0, retries: 0, failures: 0 },
    ],
  };

  test('runs and nodes are counted at their end, by state, with what they did; what was kept from another run is not counted again', async () => {
    const { store, history } = await fresh();
    assert.equal(await history.totals(), { runs: [], nodes: [] });
    await store.append(succeeds.slice(0, 5));
    await store.append(succeeds.slice(5));
    await store.append(fails);
    assert.equal(await history.totals(), both);
  });

  test('the same events twice count once, and an end after the end not at all', async () => {
    const { store, history } = await fresh();
    await store.append(succeeds);
    await store.append(fails);
    await store.append(succeeds);
    await store.append(fails.slice(1));
    const [last] = fails.slice(-1);
    if (last === undefined) throw new Error('no event');
    await store.append([{ ...last, seq: last.seq + 1, type: 'run.interrupted', reason: 'taken for dead' }]);
    assert.equal(await history.totals(), both);
  });

  test('runs that are removed stay counted', async () => {
    const { store, history } = await fresh();
    await store.append(succeeds);
    await store.append(succeeds.map((event) => ({ ...event, runId: 'r0', at: new Date(Date.parse(event.at) - 86_400_000).toISOString() })));
    const before = await history.totals();
    assert.is(before.runs.find((r) => r.state === 'succeeded')?.runs, 2);
    assert.is(await history.prune({ olderThanMs: 0, keepRuns: 1 }, Date.now(), 100), 1);
    assert.equal(await history.totals(), before);
  });

  test('runs at their end at the same moment are all counted', async () => {
    const { store, history } = await fresh();
    const others = await Promise.all(Array.from({ length: 4 }, () => open(`engine ${schemas}`)));
    for (let i = 0; i < 20; i += 1) await store.append(succeeds.slice(0, 1).map((event) => ({ ...event, runId: `p${i}` })));
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => others[i % 4]?.store.append(succeeds.slice(1).map((event) => ({ ...event, runId: `p${i}` })))),
    );
    const { runs, nodes } = await history.totals();
    assert.equal(
      runs.map((r) => [r.runs, r.seconds, r.bySeconds]),
      [[20, 300, spread(...Array.from({ length: 20 }, () => 15))]],
    );
    assert.equal(
      nodes.map((n) => n.rows),
      [0, 140, 140],
    );
  });

  test('every edge is in the bucket below it', async () => {
    const { store, history } = await fresh();
    const took = [0, 0.5, ...runSecondsEdges.flatMap((edge) => [edge, edge + 0.5]), 1_000_000];
    for (const [i, seconds] of took.entries()) await store.append(story(`e${i}`, [[seconds, { type: 'run.succeeded' }]]));
    assert.equal((await history.totals()).runs[0]?.bySeconds, spread(...took));
  });

  test('a store from before has what its runs did counted when it is migrated', async () => {
    const { store, history } = await fresh();
    await store.append(succeeds);
    await store.append(fails);
    await store.append(story('r3', [[2, { type: 'run.succeeded' }]]));
    const expected = await history.totals();
    const [made, old] = [`engine ${schemas}`, 'engine of before'];
    const db = knex({ client: 'pg', connection: database.parameters as object });
    try {
      await migrateSchema(
        db,
        old,
        shippedMigrations().filter((m) => m.number < 7),
      );
      for (const table of ['runs', 'nodes']) {
        const columns: readonly { readonly name: string }[] = await db('information_schema.columns')
          .where({ table_schema: old, table_name: table, is_generated: 'NEVER' })
          .select('column_name as name');
        const names = columns.map((column) => `"${column.name}"`).join(', ');
        await db.raw(`INSERT INTO ??.?? (${names}) SELECT ${names} FROM ??.??`, [old, table, made, table]);
      }
    } finally {
      await db.destroy();
    }
    assert.equal(await (await open(old)).history.totals(), expected);
  });
});
