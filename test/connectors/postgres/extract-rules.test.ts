import { tmpdir } from 'node:os';
import type pg from 'pg';
import * as assert from 'uvu/assert';
import { connector as postgres } from '../../../connectors/postgres/index.ts';
import { type Membership, postgresSource } from '../../../connectors/postgres/source.ts';
import { systemClock } from '../../../engine/base/clock.ts';
import { instantToMicros, millisToInstant, plusMicros } from '../../../engine/base/instant.ts';
import type { TableConfig } from '../../../engine/config.ts';
import type { NodeContext } from '../../../engine/connector.ts';
import { EngineError, exitCodeOf } from '../../../engine/error.ts';
import { createRunLeases } from '../../../engine/execute/leases.ts';
import type { Store } from '../../../engine/store.ts';
import { createMemoryStore } from '../../../engine/stores/memory.ts';
import { commit } from '../../../lake/commit.ts';
import { readTable } from '../../../lake/log.ts';
import { differenceOf } from '../../support/compare.ts';
import { lakeRows } from '../../support/lake-rows.ts';
import { factsOf, type NodeRig, nodeRig, tableConfig } from '../../support/nodes.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { suite } from '../../support/suite.ts';
import { failureOf, take } from '../../support/take.ts';
import { waitUntil } from '../../support/wait.ts';

const users = tableConfig('users');
const orders = tableConfig('orders');

suite('what an extract takes', ({ test, before, after }) => {
  let db: TestDatabase;
  let client: pg.Client;
  const rigs: NodeRig[] = [];

  before(async () => {
    db = await freshDatabase('rules');
    client = await db.client();
    // A load makes the schema `engine`, and that is the user's name.
    await client.query('SET search_path = public');
  });
  after(async () => {
    for (const rig of rigs) await rig.close();
    await db.drop();
  });

  const rigOn = async (type = 'timestamptz NOT NULL DEFAULT now()'): Promise<NodeRig> => {
    await client.query(`
      DROP TABLE IF EXISTS users, orders;
      CREATE TABLE users (id int PRIMARY KEY, name text, updated_at ${type});
      CREATE TABLE orders (id int PRIMARY KEY, name text, updated_at timestamptz NOT NULL DEFAULT now());
      INSERT INTO users SELECT g, 'user ' || g, now() - interval '1 year' FROM generate_series(1, 20) g;
      INSERT INTO orders SELECT g, 'order ' || g, now() - interval '1 year' FROM generate_series(1, 20) g`);
    const rig = await nodeRig({ source: db.url });
    rigs.push(rig);
    return rig;
  };
  const latest = async (rig: NodeRig, id: number): Promise<string | null | undefined> =>
    (await lakeRows(rig.lake, 'users', `SELECT arg_max(name, _extracted_at) AS name FROM files WHERE id = ${id}`))[0]?.name;
  const seconds = (later: unknown, earlier: unknown): number =>
    Number(instantToMicros(String(later)) - instantToMicros(String(earlier))) / 1_000_000;

  test("a source's clock that was set back against the engine's: the extract starts that much earlier, and a warning asks to verify", async () => {
    const rig = await rigOn();
    const first = await take(rig, users, 'full');
    const ahead = { ...systemClock, now: () => systemClock.now() + 60_000 };
    const back = await take(rig, users, 'incremental', { clock: ahead });
    assert.match(back.warnings.join('\n'), /clock was set back by 6\d\.\d s: the extract starts that much earlier; verify the table/);
    const earlier = seconds(first.facts.fence, back.facts.low);
    assert.ok(earlier > 69 && earlier < 72, `${earlier}`);
    assert.equal((await take(rig, users, 'incremental', { clock: ahead })).warnings, [], 'once');
  });

  test("a source's clock behind the last fence: the extract goes on from now less the lookback, warns, and its own fence is sane again", async () => {
    const rig = await rigOn();
    await take(rig, users, 'full');
    const state = await readTable(rig.lake, 'users');
    const last = state.last?.commit;
    if (last === undefined) throw new Error('nothing was committed');
    const future = millisToInstant(Date.now() + 3_600_000);
    await commit(
      rig.lake,
      state,
      {
        commit: {
          ...last,
          run: 'before the clock was set',
          mode: 'incremental',
          extractedAt: plusMicros(last.extractedAt, 1n),
          fence: future,
          rows: 0,
        },
        fields: state.fields,
        configuration: { 'engine.key': '["id"]' },
        files: [],
        check: async () => undefined,
      },
      systemClock,
    );
    await client.query("UPDATE users SET name = 'meanwhile', updated_at = now() WHERE id = 3");
    const { facts, warnings } = await take(rig, users);
    assert.match(warnings.join('\n'), /clock \(.*\) is behind the last fence .*verify the table/);
    assert.is(await latest(rig, 3), 'meanwhile');
    assert.ok(String(facts.fence) < future);
    assert.equal((await take(rig, users)).warnings, []);
  });

  for (const type of ['timestamptz(0)', 'timestamptz(3)', 'timestamp(0)', 'timestamp(1)', 'timestamp(3)', 'date'] as const)
    test(`a cursor of type ${type}, whatever it rounds away, misses no change, without any lookback`, async () => {
      const rig = await rigOn(`${type} NOT NULL DEFAULT now()`);
      const table = { ...users, lookbackMs: 0 };
      await take(rig, table, 'full');
      for (let n = 1; n <= 3; n += 1) {
        await client.query(`UPDATE users SET name = 'change ${n}', updated_at = clock_timestamp() WHERE id = 4`);
        await take(rig, table);
        assert.is(await latest(rig, 4), `change ${n}`);
      }
    });

  test('a cursor without time zone is read in the zone that the database gives its writers; several are an error until one is named', async () => {
    const rig = await rigOn('timestamp NOT NULL DEFAULT now()');
    const table = { ...users, lookbackMs: 0 };
    const role = `berlin_${process.pid}`;
    await client.query(`ALTER DATABASE ${db.name} SET TimeZone = 'America/New_York'; CREATE ROLE ${role}`);
    const writer = await db.client();
    try {
      assert.is((await writer.query('SHOW TimeZone')).rows[0].TimeZone, 'America/New_York');
      await take(rig, table, 'full');
      await writer.query("UPDATE users SET name = 'local', updated_at = now() WHERE id = 5");
      const { facts } = await take(rig, table);
      assert.is(await latest(rig, 5), 'local', 'hours below a UTC fence');
      assert.is(facts.rows, 1);
      assert.match((await rig.planExtract('incremental', table)).sql.join(), /AT TIME ZONE 'America\/New_York'/);
      await client.query(`ALTER ROLE ${role} IN DATABASE ${db.name} SET TimeZone = 'Europe/Berlin'`);
      const error = await failureOf(rig, table);
      assert.is(error.code, 'extract.cursor-zone');
      assert.match(error.message, /several: America\/New_York, Europe\/Berlin/);
      assert.match(error.hint ?? '', /cursorTimezone/);
      const named = { ...table, cursorTimezone: 'America/New_York' };
      await writer.query("UPDATE users SET name = 'named', updated_at = now() WHERE id = 6");
      await take(rig, named);
      assert.is(await latest(rig, 6), 'named');
    } finally {
      await writer.end();
      await client.query(`ALTER DATABASE ${db.name} RESET TimeZone; DROP ROLE ${role}`);
    }
  });

  test('a NULL cursor: include reads such rows every time, ignore leaves them out, error stops by key', async () => {
    const rig = await rigOn('timestamptz');
    await client.query('UPDATE users SET updated_at = NULL WHERE id IN (1, 2)');
    assert.is((await take(rig, users, 'full')).facts.rows, 20);
    assert.is((await take(rig, users)).facts.rows, 2);
    await client.query("UPDATE users SET name = 'seen' WHERE id = 2");
    await take(rig, users);
    assert.is(await latest(rig, 2), 'seen');
    const ignore = { ...users, nullCursor: 'ignore' as const };
    assert.is((await failureOf(rig, ignore)).code, 'extract.meaning-changed');
    assert.is((await take(rig, ignore, 'full')).facts.rows, 18);
    assert.is((await take(rig, ignore)).facts.rows, 0);
    const strict = { ...users, nullCursor: 'error' as const };
    const { version } = await readTable(rig.lake, 'users');
    for (const mode of ['full', 'incremental'] as const) {
      const other = mode === 'full' ? rig : await rigOn('timestamptz');
      if (mode === 'incremental') {
        await take(other, strict, 'full');
        await client.query('UPDATE users SET updated_at = NULL WHERE id = 1');
      }
      const error = await failureOf(other, strict, mode);
      assert.is(error.code, 'extract.null-cursor');
      assert.match(error.message, /column "updated_at" of the row with id = [12]: NULL, and nullCursor is error/);
      assert.match(error.hint ?? '', /nullCursor: include/);
    }
    assert.is((await readTable(rig.lake, 'users')).version, version, 'nothing was committed');
  });

  test('the first run takes everything, also under mode incremental; its fence is where the next one starts', async () => {
    const rig = await rigOn();
    const late = await db.client();
    await late.query("BEGIN; UPDATE users SET name = 'open during the first', updated_at = now() WHERE id = 7");
    const first = await take(rig, users);
    assert.equal([first.facts.mode, first.facts.rows, first.facts.low], ['full', 20, null]);
    await late.query('COMMIT');
    const next = await take(rig, users);
    assert.is(seconds(first.facts.fence, next.facts.low), 10);
    assert.equal([next.facts.mode, await latest(rig, 7)], ['incremental', 'open during the first']);
    await late.query("BEGIN; UPDATE users SET name = 'open during a full', updated_at = now() WHERE id = 8");
    const full = await take(rig, users, 'full');
    assert.equal([full.facts.rows, full.facts.low], [20, null]);
    await late.query('COMMIT');
    await late.end();
    const last = await take(rig, users);
    assert.is(seconds(full.facts.fence, last.facts.low), 10);
    assert.is(await latest(rig, 8), 'open during a full');
  });

  test('whatever changes the meaning of an extract asks for a full run, with exit code 4 and the way out', async () => {
    const rig = await rigOn();
    await client.query('ALTER TABLE users ADD COLUMN changed_at timestamptz, ADD COLUMN nr int');
    await take(rig, users, 'full');
    const { columns } = users;
    const changes: Readonly<Record<string, Partial<TableConfig>>> = {
      where: { where: 'id < 10' },
      cursor: { cursor: 'changed_at' },
      'a cursor of integers': { cursor: 'nr' },
      key: { key: ['nr'] },
      'columns left out': { columns: { ...columns, exclude: ['name'] } },
      'columns chosen': { columns: { ...columns, include: ['id', 'name', 'updated_at'] } },
      'a column renamed': { columns: { ...columns, rename: { name: 'title' } } },
      'a column as text': { columns: { ...columns, types: { nr: 'string' } } },
      'NULLs left out': { nullCursor: 'ignore' },
    };
    for (const [what, change] of Object.entries(changes)) {
      const error = await failureOf(rig, { ...users, ...change });
      assert.is(error.code, 'extract.meaning-changed', what);
      assert.is(exitCodeOf(error), 4);
      assert.match(error.hint ?? '', /--full-refresh/);
      const plan = await rig.planExtract('incremental', { ...users, ...change });
      assert.is(plan.action, 'refused', what);
    }
    await take(rig, { ...users, where: 'id < 10' }, 'full');
    await take(rig, { ...users, where: 'id < 10' });
    // What says nothing of old rows changes nothing.
    await take(rig, { ...users, where: 'id < 10', lookbackMs: 5, maxHoldMs: 5, load: 'append' });
  });

  test('a deleted row and the old key of a changed one stay until a full run, which finds both', async () => {
    const rig = await rigOn();
    await take(rig, users, 'full');
    factsOf(await rig.load('full', users));
    await client.query('DELETE FROM users WHERE id = 1; UPDATE users SET id = 102, updated_at = now() WHERE id = 2');
    await take(rig, users);
    factsOf(await rig.load('incremental', users));
    const staged = await client.query('SELECT id FROM staging.users WHERE id IN (1, 2, 102) ORDER BY id');
    assert.equal(
      staged.rows.map((r) => r.id),
      [1, 2, 102],
    );
    await take(rig, users, 'full');
    factsOf(await rig.load('full', users));
    const d = await differenceOf(client, { schema: 'public', name: 'users' }, client, { schema: 'staging', name: 'users' });
    assert.equal([d.onlyLeft, d.onlyRight], [[], []]);
  });

  test('all tables of a run have the id of one snapshot in their commits, and another run has another', async () => {
    const rig = await rigOn();
    const ids = async (): Promise<readonly string[]> => {
      for (const one of await rig.extract('full', [users, orders])) factsOf(one.outcome);
      const states = [await readTable(rig.lake, 'users'), await readTable(rig.lake, 'orders')];
      return states.map((state) => state.last?.commit.snapshot ?? 'none');
    };
    const first = await ids();
    const second = await ids();
    assert.is(first[0], first[1]);
    assert.is(second[0], second[1]);
    assert.is.not(first[0], second[0]);
  });

  const endKeeper = async (): Promise<void> => {
    const ended = await client.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'engine snapshot%' AND datname = current_database()",
    );
    assert.is(ended.rows.length, 1);
    await waitUntil(
      async () =>
        (
          await client.query(
            "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'engine snapshot%' AND datname = current_database()",
          )
        ).rows.length === 0,
      'the keeper is gone',
    );
  };

  test('a keeper that dies while rows are read fails the extract, and nothing is committed', async () => {
    const rig = await rigOn();
    const slow = { ...users, where: '(SELECT pg_advisory_xact_lock_shared(99)::text) IS NOT NULL' };
    await client.query('SELECT pg_advisory_lock(99)');
    const failing = failureOf(rig, slow, 'full');
    const waiting = (): Promise<boolean> =>
      client.query("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 99 AND NOT granted").then(({ rows }) => rows.length > 0);
    await waitUntil(waiting, 'rows are being read');
    await endKeeper();
    await client.query('SELECT pg_advisory_unlock(99)');
    const error = await failing;
    assert.is(error.code, 'postgres.snapshot-lost');
    assert.is(error.retryable, true, 'no table was committed under it');
    assert.is((await readTable(rig.lake, 'users')).version, -1);
    assert.is((await take(rig, users)).facts.rows, 20);
  });

  test('when the keeper dies after one table was committed, the other fails and never takes another snapshot', async () => {
    const rig = await rigOn();
    const slow = { ...orders, where: '(SELECT pg_advisory_xact_lock_shared(99)::text) IS NOT NULL' };
    await client.query('SELECT pg_advisory_lock(99)');
    const running = rig.extract('full', [users, slow]);
    await waitUntil(async () => (await readTable(rig.lake, 'users')).version === 0, 'users is committed');
    await endKeeper();
    await client.query('SELECT pg_advisory_unlock(99)');
    const [first, second] = await running;
    assert.is(first?.outcome.kind, 'succeeded');
    assert.is(second?.outcome.kind === 'failed' ? second.outcome.error.code : '', 'postgres.snapshot-lost');
    assert.is((await readTable(rig.lake, 'orders')).version, -1);
  });

  test('whoever joins anew while the leases of a lost snapshot are being given back, waits and has fresh ones', async () => {
    await rigOn();
    const store = createMemoryStore(systemClock);
    let letGo = (): void => undefined;
    const gate = new Promise<void>((go) => {
      letGo = go;
    });
    const slowly: Store = {
      ...store,
      lease: async (name, holder) => {
        const lease = await store.lease(name, holder);
        return { ...lease, check: () => lease.check(), release: () => gate.then(() => lease.release()) };
      },
    };
    const leases = createRunLeases(slowly, { runId: 'RUN', host: 'here', pid: process.pid });
    const context = {
      clock: systemClock,
      signal: new AbortController().signal,
      attempt: 1,
      lease: (name: string) => leases.take(name),
      log: () => undefined,
    } as unknown as NodeContext;
    const extract = { memoryBytes: 128 * 1024 * 1024, threads: 1, connections: 1, extensionFolder: null };
    const link = postgres.open(
      'source',
      { url: db.url, extract },
      { root: tmpdir(), clock: systemClock, engine: 'test', log: () => undefined },
    );
    try {
      if (link.source === undefined) throw new Error('no source');
      const source = postgresSource(link.source);
      const lake = { leaseName: (folder: string) => `extract ${folder}`, versionOf: async () => -1 };
      const join = (folder: string): Promise<Membership> => source.join(context, ['a', 'b'], folder, lake);
      const lost = await join('a');
      await endKeeper();
      await waitUntil(async () => {
        try {
          lost.snapshot.check();
          return false;
        } catch (error) {
          return error instanceof EngineError;
        }
      }, 'the loss is noticed');
      const joining = [join('a'), join('b')];
      letGo();
      for (const member of await Promise.all(joining)) {
        await member.lease.check();
        assert.is.not(member.snapshot.id, lost.snapshot.id);
      }
    } finally {
      await link.close();
    }
  });
});
