import type pg from 'pg';
import * as assert from 'uvu/assert';
import { checkup } from '../../../connectors/postgres/checkup.ts';
import { openServer } from '../../../connectors/postgres/open-server.ts';
import { systemClock } from '../../../engine/base/clock.ts';
import { instantToMicros } from '../../../engine/base/instant.ts';
import { exitCodeOf } from '../../../engine/error.ts';
import { openClusters, type TestCluster, type TestClusters } from '../../support/cluster.ts';
import { lakeRows } from '../../support/lake-rows.ts';
import { type NodeRig, nodeRig, tableConfig } from '../../support/nodes.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { suite } from '../../support/suite.ts';
import { failureOf, take } from '../../support/take.ts';
import { waitUntil } from '../../support/wait.ts';

const users = tableConfig('users');

suite('a standby as the source', ({ test, before, after }) => {
  let clusters: TestClusters;
  let primary: TestCluster;
  let standby: TestCluster;
  let onPrimary: pg.Client;
  let onStandby: pg.Client;
  let strange: TestDatabase;
  const rigs: NodeRig[] = [];

  const rigOn = async (url = standby.url('shop')): Promise<NodeRig> => {
    const rig = await nodeRig({ source: url });
    rigs.push(rig);
    return rig;
  };
  /** All that the primary has written is replayed, a last small commit with it. */
  const replayed = async (): Promise<void> => {
    const { rows } = await onPrimary
      .query('INSERT INTO pulse DEFAULT VALUES; SELECT pg_current_wal_insert_lsn()::text AS lsn')
      .then((r) => {
        return (r as unknown as readonly pg.QueryResult<{ lsn: string }>[])[1] ?? { rows: [] };
      });
    await waitUntil(
      async () => (await onStandby.query('SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS there', [rows[0]?.lsn])).rows[0].there === true,
      'the standby has replayed it',
      30_000,
    );
  };
  const latest = async (rig: NodeRig, id: number): Promise<string | null | undefined> =>
    (await lakeRows(rig.lake, 'users', `SELECT arg_max(name, _extracted_at) AS name FROM files WHERE id = ${id}`))[0]?.name;
  const minutesBelow = (low: unknown, fence: unknown): number =>
    Number(instantToMicros(String(fence)) - instantToMicros(String(low))) / 60_000_000;
  const doctor = async (url: string): Promise<string> => {
    const server = openServer('production', { url }, { root: '/nonexistent', clock: systemClock, engine: '0.0.0', log: () => undefined });
    try {
      const found = await checkup(server, 'staging', { as: 'source', tables: [], signal: new AbortController().signal }, undefined);
      return found.map((one) => `${one.outcome} ${one.message}`).join('\n');
    } finally {
      await server.close();
    }
  };

  before(async () => {
    clusters = await openClusters();
    primary = await clusters.create('primary');
    const admin = await primary.client();
    await admin.query('CREATE DATABASE shop');
    await admin.end();
    const client = await primary.client('shop');
    await client.query(`
      CREATE TABLE pulse (at timestamptz DEFAULT now());
      CREATE TABLE users (id int PRIMARY KEY, name text, updated_at timestamptz NOT NULL DEFAULT now());
      INSERT INTO users SELECT g, 'user ' || g, now() - interval '1 day' FROM generate_series(1, 20) g`);
    await client.end();
    standby = await primary.standby();
    onPrimary = await primary.client('shop');
    onStandby = await standby.client('shop');
    await replayed();
    strange = await freshDatabase('strange');
    const other = await strange.client();
    await other.query('CREATE TABLE users (id int PRIMARY KEY, name text, updated_at timestamptz NOT NULL DEFAULT now())');
    await other.end();
  });
  after(async () => {
    for (const rig of rigs) await rig.close();
    await clusters?.close();
    await strange?.drop();
  });

  test('its fence is what it has replayed, the next extract starts ten minutes before, and plan and doctor say that it is never exact', async () => {
    const rig = await rigOn();
    const { rows } = await onStandby.query('SELECT pg_last_xact_replay_timestamp() AS at');
    const { facts } = await take(rig, users, 'full');
    assert.ok(Date.parse(String(facts.fence)) >= rows[0].at.getTime());
    assert.match(String(facts.heldBy), /standby: the fence is what it has replayed/);
    const next = await take(rig, users);
    assert.is(minutesBelow(next.facts.low, facts.fence), 10);
    const plan = await rig.planExtract('incremental', users);
    assert.match(plan.warnings.join('\n'), /is a standby, so this is never exact: .*longer than the lookback can be missed/);
    assert.match(plan.warnings.join('\n'), /hot_standby_feedback is off/);
    const said = await doctor(standby.url('shop'));
    assert.match(said, /warn is a standby, which is never exact/);
    assert.match(said, /warn hot_standby_feedback is off/);
  });

  test('what commits on the primary late is found within the lookback; beyond it it is missed, as said, until a full run', async () => {
    const rig = await rigOn();
    await take(rig, users, 'full');
    for (const [id, lookbackMs, found] of [
      [5, undefined, 'late'],
      [6, 0, 'user 6'],
    ] as const) {
      const table = { ...users, lookbackMs };
      const late = await primary.client('shop');
      await late.query(`BEGIN; UPDATE users SET name = 'late', updated_at = now() WHERE id = ${id}`);
      await replayed();
      await take(rig, table);
      await late.query('COMMIT');
      await late.end();
      await replayed();
      await take(rig, table);
      assert.is(await latest(rig, id), found);
    }
    await take(rig, users, 'full');
    assert.is(await latest(rig, 6), 'late');
  });

  test('while its replay is paused the fence stands still, and plan and doctor say so', async () => {
    const rig = await rigOn();
    await onStandby.query('SELECT pg_wal_replay_pause()');
    await waitUntil(
      async () => (await onStandby.query('SELECT pg_get_wal_replay_pause_state() AS state')).rows[0].state === 'paused',
      'replay is paused',
    );
    const first = await take(rig, users, 'full');
    await onPrimary.query("UPDATE users SET name = 'meanwhile', updated_at = now() WHERE id = 7");
    const second = await take(rig, users);
    assert.is(second.facts.fence, first.facts.fence);
    assert.match((await rig.planExtract('incremental', users)).warnings.join('\n'), /replay is paused/);
    assert.match(await doctor(standby.url('shop')), /warn replay is paused/);
    await onStandby.query('SELECT pg_wal_replay_resume()');
    await replayed();
    const third = await take(rig, users);
    assert.ok(String(third.facts.fence) > String(first.facts.fence));
    assert.is(await latest(rig, 7), 'meanwhile');
  });

  test('another server, and another database of the same one, are refused with exit code 4 and the way out', async () => {
    const rig = await rigOn();
    await take(rig, users, 'full');
    const error = await failureOf(rig, users, 'incremental', { sourceUrl: strange.url });
    assert.is(error.code, 'extract.another-source');
    assert.is(exitCodeOf(error), 4);
    assert.match(error.message, /came from another server/);
    assert.match(error.hint ?? '', /Point the source back.*--full-refresh/);
    const admin = await primary.client();
    await admin.query('CREATE DATABASE shop2 TEMPLATE template0');
    await admin.end();
    const second = await primary.client('shop2');
    await second.query('CREATE TABLE users (id int PRIMARY KEY, name text, updated_at timestamptz NOT NULL DEFAULT now())');
    await second.end();
    const database = await failureOf(rig, users, 'incremental', { sourceUrl: primary.url('shop2') });
    assert.match(database.message, /came from another database \(shop, now shop2\)/);
    assert.is(exitCodeOf(database), 4);
    // A full run takes it anew, whoever it is.
    await take(rig, users, 'full', { sourceUrl: primary.url('shop2') });
    await take(rig, users, 'incremental', { sourceUrl: primary.url('shop2') });
  });

  test('after its promotion an extract goes on from the last fence with the longer lookback, warns of the new timeline, and loses nothing that was replayed', async () => {
    const fromStandby = await rigOn();
    const fromPrimary = await rigOn(primary.url('shop'));
    const exact = await take(fromPrimary, users, 'full');
    const late = await primary.client('shop');
    await late.query("BEGIN; UPDATE users SET name = 'before the promotion', updated_at = now() WHERE id = 9");
    await replayed();
    const { facts } = await take(fromStandby, users, 'full');
    await late.query('COMMIT');
    await late.end();
    await replayed();
    await onPrimary.end();
    await primary.stop();
    assert.is((await onStandby.query('SELECT pg_promote(true, 60) AS done')).rows[0].done, true);
    await onStandby.query("UPDATE users SET name = 'after it', updated_at = now() WHERE id = 10");

    const next = await take(fromStandby, users);
    assert.match(next.warnings.join('\n'), /promoted from a standby \(timeline 1 to 2\).*verify the table/);
    assert.is(minutesBelow(next.facts.low, facts.fence), 10);
    assert.equal([await latest(fromStandby, 9), await latest(fromStandby, 10)], ['before the promotion', 'after it']);
    const then = await take(fromStandby, users);
    assert.equal(then.warnings, []);
    assert.is(minutesBelow(then.facts.low, next.facts.fence), 1 / 6);

    // The other pipeline had read the old primary, and is pointed to the new one.
    const moved = await take(fromPrimary, users, 'incremental', { sourceUrl: standby.url('shop') });
    assert.match(moved.warnings.join('\n'), /timeline 1 to 2/);
    assert.is(minutesBelow(moved.facts.low, exact.facts.fence), 1 / 6);
    assert.equal([await latest(fromPrimary, 9), await latest(fromPrimary, 10)], ['before the promotion', 'after it']);
  });
});
