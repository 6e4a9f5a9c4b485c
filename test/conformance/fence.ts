import type pg from 'pg';
import * as assert from 'uvu/assert';
import type { Binaries } from '../../connectors/postgres/embedded/binaries.ts';
import { candidateOf, fenceOf, keeperLock, readFence } from '../../connectors/postgres/fence.ts';
import { quoteIdentifier } from '../../connectors/postgres/identifier.ts';
import { openClusters, type TestCluster, type TestClusters } from '../support/cluster.ts';
import { lakeRows } from '../support/lake-rows.ts';
import { type NodeRig, nodeRig, tableConfig } from '../support/nodes.ts';
import { suite } from '../support/suite.ts';
import { take } from '../support/take.ts';
import { waitUntil } from '../support/wait.ts';

/** Without a lookback only the fence itself can save a row. */
const strict = tableConfig('users', { lookbackMs: 0 });
const role = 'limited';
const password = 'limited-1';

/** What a fence has to hold on a server of that version, of the embedded binaries where no others are given: every promise without a lookback. */
export function fenceSuite(version: string, binaries: Binaries | undefined): void {
  suite(`the fence on PostgreSQL ${version}`, ({ test, before, after }) => {
    let clusters: TestClusters;
    let cluster: TestCluster;
    let client: pg.Client;
    const rigs: NodeRig[] = [];

    before(async () => {
      clusters = await openClusters();
      // Vacuum is made slow and eager, so that one can be seen at work.
      const settings = { autovacuum_naptime: '1s', autovacuum_vacuum_cost_delay: '100ms', autovacuum_vacuum_cost_limit: '1' };
      cluster = await clusters.create(`fence-${version}`, settings, binaries);
      const admin = await cluster.client();
      await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD '${password}'`);
      await admin.query('CREATE DATABASE shop');
      await admin.end();
      client = await cluster.client('shop');
      assert.match((await client.query('SHOW server_version')).rows[0].server_version, new RegExp(`^${version}\\b`));
    });
    after(async () => {
      for (const rig of rigs) await rig.close();
      await clusters?.close();
    });

    const rigOn = async (as: 'all' | 'limited' = 'all'): Promise<NodeRig> => {
      await client.query(`
        DROP TABLE IF EXISTS users;
        CREATE TABLE users (id int PRIMARY KEY, name text, updated_at timestamptz NOT NULL DEFAULT now());
        INSERT INTO users SELECT g, 'user ' || g, now() - interval '1 day' FROM generate_series(1, 20) g;
        GRANT SELECT ON users TO ${role}`);
      const url = new URL(cluster.url('shop'));
      if (as === 'limited') {
        url.username = role;
        url.password = password;
      }
      const rig = await nodeRig({ source: url.href });
      rigs.push(rig);
      return rig;
    };
    const latest = async (rig: NodeRig, id: number): Promise<string | null | undefined> =>
      (await lakeRows(rig.lake, 'users', `SELECT arg_max(name, _extracted_at) AS name FROM files WHERE id = ${id}`))[0]?.name;
    const seconds = (later: unknown, earlier: unknown): number => (Date.parse(String(later)) - Date.parse(String(earlier))) / 1000;

    for (const [who, as, setting] of [
      ['a role that sees every session', 'all', ''],
      ['a role without any right', 'limited', ''],
      ['everybody, of a writer with track_activities = off', 'all', 'SET track_activities = off;'],
      ['a role without any right, of a writer with track_activities = off', 'limited', 'SET track_activities = off;'],
    ] as const)
      test(`a commit that comes late is taken, without any lookback, for ${who}`, async () => {
        const rig = await rigOn(as);
        await take(rig, strict, 'full');
        const late = await cluster.client('shop');
        await late.query(`${setting} SELECT 1`);
        await late.query("BEGIN; UPDATE users SET name = 'late', updated_at = now() WHERE id = 7");
        await client.query("UPDATE users SET name = 'early', updated_at = clock_timestamp() WHERE id = 8");
        const during = await take(rig, strict);
        assert.match(String(during.facts.heldBy), /pid \d+/);
        assert.equal([await latest(rig, 7), await latest(rig, 8)], ['user 7', 'early']);
        await late.query('COMMIT');
        const naive = await client.query(
          'SELECT count(*)::int AS n FROM users WHERE id = 7 AND updated_at > (SELECT max(updated_at) FROM users WHERE id <> 7)',
        );
        assert.is(naive.rows[0].n, 0);
        await take(rig, strict);
        assert.is(await latest(rig, 7), 'late');
        await late.end();
        const free = await take(rig, strict);
        assert.is(free.facts.heldBy, null);
        assert.ok(String(free.facts.fence) > String(during.facts.fence ?? ''));
      });

    test('for a role without any right a candidate becomes the fence in a later run, once its sessions were seen without a transaction', async () => {
      const rig = await rigOn('limited');
      const first = await take(rig, strict, 'full');
      const holder = await cluster.client('shop');
      await holder.query('BEGIN; SELECT 1');
      const held = await take(rig, strict);
      assert.is(held.facts.fence, first.facts.fence);
      await holder.query('COMMIT; BEGIN; SELECT 1');
      const again = await take(rig, strict);
      assert.is(again.facts.fence, first.facts.fence);
      await holder.end();
      await waitUntil(
        async () =>
          (await client.query("SELECT 1 FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = 'shop'")).rows.length === 0,
        'the holder is gone',
      );
      const free = await take(rig, strict);
      assert.ok(String(free.facts.fence) > String(held.facts.extractedAt));
    });

    test('COMMIT inside a procedure: what comes after it with the time of the call is taken', async () => {
      const rig = await rigOn();
      await client.query(`
        CREATE OR REPLACE PROCEDURE two_steps() LANGUAGE plpgsql AS $$
        BEGIN
          UPDATE users SET name = 'first', updated_at = statement_timestamp() WHERE id = 3;
          COMMIT;
          PERFORM pg_advisory_xact_lock(77);
          UPDATE users SET name = 'second', updated_at = statement_timestamp() WHERE id = 4;
          COMMIT;
        END $$`);
      await take(rig, strict, 'full');
      await client.query('SELECT pg_advisory_lock(77)');
      const caller = await cluster.client('shop');
      const called = caller.query('CALL two_steps()');
      await waitUntil(
        async () =>
          (await client.query("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 77 AND NOT granted")).rows.length === 1,
        'the procedure waits in its second transaction',
      );
      await take(rig, strict);
      assert.equal([await latest(rig, 3), await latest(rig, 4)], ['first', 'user 4']);
      await client.query('SELECT pg_advisory_unlock(77)');
      await called;
      await caller.end();
      await take(rig, strict);
      assert.is(await latest(rig, 4), 'second');
    });

    test('updated_at that goes backwards: the version that was extracted last counts', async () => {
      const rig = await rigOn();
      await take(rig, strict, 'full');
      const slow = await cluster.client('shop');
      await slow.query('BEGIN; SELECT now()');
      await client.query("UPDATE users SET name = 'later time', updated_at = clock_timestamp() WHERE id = 5");
      await take(rig, strict);
      assert.is(await latest(rig, 5), 'later time');
      await slow.query("UPDATE users SET name = 'last', updated_at = now() WHERE id = 5");
      await slow.query('COMMIT');
      await slow.end();
      await take(rig, strict);
      assert.is(await latest(rig, 5), 'last');
      const by = await lakeRows(rig.lake, 'users', 'SELECT arg_max(name, updated_at) AS name FROM files WHERE id = 5');
      assert.is(by[0]?.name, 'later time', 'by the cursor the older version would win');
    });

    test('a transaction that stays open: the fence waits at its start, rows are fresh, and after maxHold a warning names it', async () => {
      const rig = await rigOn();
      await take(rig, strict, 'full');
      const holder = await cluster.client('shop');
      await holder.query("SET application_name = 'month end'");
      await holder.query('BEGIN');
      const since = (await holder.query('SELECT xact_start AS at FROM pg_stat_activity WHERE pid = pg_backend_pid()')).rows[0].at;
      await waitUntil(
        async () =>
          (await client.query("SELECT clock_timestamp() - $1::timestamptz > interval '2 ms' AS long", [since])).rows[0].long === true,
        'it has been open for longer than maxHold',
      );
      for (let run = 1; run <= 2; run += 1) {
        await client.query('UPDATE users SET name = $1, updated_at = now() WHERE id = 2', [`run ${run}`]);
        const { facts, warnings } = await take(rig, { ...strict, maxHoldMs: 1 });
        assert.is(await latest(rig, 2), `run ${run}`);
        assert.is(Date.parse(String(facts.fence)), since.getTime());
        assert.match(
          warnings.join('\n'),
          /users: the fence stands at .*held by pid \d+ \(user engine, application month end\), since 20.*rows are fresh, more is read twice/,
        );
      }
      assert.equal((await take(rig, strict)).warnings, [], 'within maxHold it is no alarm');
      await holder.end();
    });

    test('a first run while a transaction is prepared records no fence, and the next one takes everything again', async () => {
      const rig = await rigOn();
      const writer = await cluster.client('shop');
      await writer.query("BEGIN; UPDATE users SET name = 'prepared', updated_at = now() WHERE id = 9; PREPARE TRANSACTION 'first run'");
      await writer.end();
      const first = await take(rig, strict, 'full');
      assert.equal([first.facts.fence, first.facts.rows], [null, 20]);
      const second = await take(rig, strict);
      assert.equal([second.facts.fence, second.facts.low, second.facts.rows], [null, null, 20]);
      assert.match(second.warnings.join('\n'), /could record no fence, so everything is taken again/);
      await client.query("COMMIT PREPARED 'first run'");
      const third = await take(rig, strict);
      assert.equal([third.facts.low, third.facts.rows], [null, 20]);
      assert.is(await latest(rig, 9), 'prepared');
      assert.is(typeof third.facts.fence, 'string');
      assert.is((await take(rig, strict)).facts.low, third.facts.fence);
    });

    test('a transaction that is prepared between the two looks is seen by one of them', async () => {
      await rigOn();
      const writer = await cluster.client('shop');
      await writer.query("BEGIN; UPDATE users SET name = 'x' WHERE id = 1");
      const reader = await cluster.client('shop');
      let looks = 0;
      const between = {
        query: async (sql: string) => {
          if (/pg_stat_activity|pg_prepared_xacts/.test(sql)) {
            looks += 1;
            if (looks === 2) await writer.query("PREPARE TRANSACTION 'between'");
          }
          return reader.query(sql);
        },
      } as unknown as pg.Client;
      const reading = await readFence(between);
      assert.is(looks, 2);
      assert.is(fenceOf(null, [candidateOf(reading)], reading).at, null);
      assert.equal(
        reading.prepared.map((p) => p.gid),
        ['between'],
      );
      await client.query("ROLLBACK PREPARED 'between'");
      await writer.end();
      await reader.end();
    });

    test('neither a transaction of another database, nor the reading session itself, nor an idle one holds the fence', async () => {
      await rigOn();
      const elsewhere = await cluster.client('postgres');
      await elsewhere.query('BEGIN; SELECT 1');
      const idle = await cluster.client('shop');
      await idle.query('SELECT 1');
      const reader = await cluster.client('shop');
      const reading = await readFence(reader);
      assert.is(fenceOf(null, [candidateOf(reading)], reading).at, reading.at);
      for (const one of [elsewhere, idle, reader]) await one.end();
    });

    test('a session that keeps a snapshot for the engine holds nothing while it only reads; once it has a transaction id it does', async () => {
      await rigOn();
      const keeper = await cluster.client('shop');
      await keeper.query(`SELECT pg_advisory_lock_shared(${keeperLock.classId}, ${keeperLock.objectId})`);
      await keeper.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM users');
      const reader = await cluster.client('shop');
      const first = await readFence(reader);
      assert.is(fenceOf(null, [candidateOf(first)], first).at, first.at);
      await keeper.query("UPDATE users SET name = 'wrote' WHERE id = 1");
      const second = await readFence(reader);
      const held = fenceOf(null, [candidateOf(second)], second);
      assert.ok(held.at !== null && held.at < first.at);
      for (const one of [keeper, reader]) await one.end();
    });

    test("another run's extract, however long it reads, does not hold the fence", async () => {
      const long = await rigOn();
      const rig = await nodeRig({ source: cluster.url('shop') });
      rigs.push(rig);
      const write = long.lake.write;
      let release = (): void => undefined;
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      let reached = (): void => undefined;
      const there = new Promise<void>((resolve) => {
        reached = resolve;
      });
      Object.assign(long.lake, {
        write: async (folder: string) => {
          reached();
          await released;
          return await write(folder);
        },
      });
      const reading = take(long, strict, 'full');
      await there;
      const began = (await client.query('SELECT clock_timestamp() AS at')).rows[0].at;
      const { facts } = await take(rig, strict, 'full');
      assert.is(facts.heldBy, null);
      assert.ok(seconds(facts.fence, began.toISOString()) >= 0);
      release();
      await reading;
    });

    test('autovacuum at work does not hold the fence, also where a role may not see what it is', async () => {
      await rigOn();
      await client.query(`
        DROP TABLE IF EXISTS worn;
        CREATE TABLE worn (id int, pad text) WITH (autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0, fillfactor = 10);
        INSERT INTO worn SELECT g, repeat('x', 700) FROM generate_series(1, 2000) g;
        DELETE FROM worn`);
      const limited = new URL(cluster.url('shop'));
      limited.username = role;
      limited.password = password;
      const { default: driver } = await import('pg');
      const reader = new driver.Client({ connectionString: limited.href });
      await reader.connect();
      let worker: number | undefined;
      await waitUntil(
        async () => {
          const found = await client.query(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'autovacuum worker' AND datname = 'shop' AND query LIKE '%worn%' AND xact_start IS NOT NULL",
          );
          worker = found.rows[0]?.pid;
          return worker !== undefined;
        },
        'autovacuum is at work',
        30_000,
      );
      for (const session of [reader, client]) {
        const reading = await readFence(session);
        assert.is(
          reading.sessions.some((s) => s.pid === worker),
          false,
        );
        assert.is(fenceOf(null, [candidateOf(reading)], reading).at, reading.at);
      }
      const still = await client.query('SELECT 1 FROM pg_stat_activity WHERE pid = $1', [worker]);
      assert.is(still.rows.length, 1, 'it was at work all the while');
      await reader.end();
      await client.query(`DROP TABLE ${quoteIdentifier('worn')}`);
    });
  });
}
