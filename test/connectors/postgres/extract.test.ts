import type pg from 'pg';
import * as assert from 'uvu/assert';
import { quoteLiteral } from '../../../connectors/postgres/identifier.ts';
import { readTable } from '../../../lake/log.ts';
import { lakeRows } from '../../support/lake-rows.ts';
import { factsOf, type NodeRig, nodeRig, tableConfig } from '../../support/nodes.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { suite } from '../../support/suite.ts';
import { waitUntil } from '../../support/wait.ts';

const users = tableConfig('users');
const orders = tableConfig('orders');

const schema = `
  CREATE TABLE users (id bigint PRIMARY KEY, name text, updated_at timestamptz NOT NULL DEFAULT now());
  CREATE TABLE orders (id bigint PRIMARY KEY, amount numeric(12,2), updated_at timestamptz NOT NULL DEFAULT now());
  INSERT INTO users SELECT g, 'user ' || g, now() - interval '1 day' FROM generate_series(1, 20) g;
  INSERT INTO orders SELECT g, g, now() - interval '1 day' FROM generate_series(1, 20) g;`;

/** A session of this database that streams the log; its pid. `pg_terminate_backend` ends it. */
async function streamingSession(db: TestDatabase): Promise<number> {
  const { default: driver } = await import('pg');
  const { host, port, user, password, database } = db.parameters;
  // `pg` passes it on to the server; its types do not know it.
  const config = { host, port, user, password, database, replication: 'database' };
  const stream = new driver.Client(config);
  stream.on('error', () => undefined);
  await stream.connect();
  await stream.query('CREATE_REPLICATION_SLOT stream TEMPORARY PHYSICAL RESERVE_WAL');
  const { rows } = await stream.query('IDENTIFY_SYSTEM');
  stream.query(`START_REPLICATION SLOT stream PHYSICAL ${rows[0].xlogpos}`).catch(() => undefined);
  const watcher = await db.client();
  let pid: number | undefined;
  await waitUntil(async () => {
    const found = await watcher.query(
      "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'START_REPLICATION%'",
    );
    pid = found.rows[0]?.pid;
    return pid !== undefined;
  }, 'the stream has begun');
  await watcher.end();
  return pid ?? 0;
}

suite('postgres.extract', ({ test, before, after }) => {
  let db: TestDatabase;
  let limitedUrl: string;
  let client: pg.Client;
  const rigs: NodeRig[] = [];

  const rigOn = async (url = db.url): Promise<NodeRig> => {
    const rig = await nodeRig({ source: url });
    rigs.push(rig);
    return rig;
  };
  const reset = async (): Promise<void> => {
    await client.query('DROP TABLE IF EXISTS users, orders CASCADE');
    await client.query(schema);
    await client.query(`GRANT SELECT ON users, orders TO ${role}`);
  };
  const role = `limited_${process.pid}`;

  before(async () => {
    db = await freshDatabase('extract');
    client = await db.client();
    await client.query(`CREATE ROLE ${role} LOGIN PASSWORD ${quoteLiteral('p@ss:w/rd')}`);
    const url = new URL(db.url);
    limitedUrl = `postgresql://${role}:${encodeURIComponent('p@ss:w/rd')}@${url.host}${url.pathname}?sslmode=disable`;
    await client.query(`GRANT USAGE ON SCHEMA public TO ${role}`);
  });
  after(async () => {
    for (const rig of rigs) await rig.close();
    await client.query(`DROP OWNED BY ${role}`);
    await client.query(`DROP ROLE ${role}`);
    await db.drop();
  });

  const extractUsers = async (rig: NodeRig, mode: 'full' | 'incremental' = 'incremental') => {
    const [one] = await rig.extract(mode, [users]);
    if (one === undefined) throw new Error('nothing was extracted');
    return factsOf(one.outcome);
  };
  const latestName = async (rig: NodeRig, id: number): Promise<string | null | undefined> =>
    (await lakeRows(rig.lake, 'users', `SELECT arg_max(name, _extracted_at) AS name FROM files WHERE id = ${id}`))[0]?.name;

  for (const [who, url] of [
    ['a role that sees every session', () => db.url],
    ['a role that may see no other session', () => limitedUrl],
  ] as const)
    test(`a row that commits after a run with an earlier updated_at is taken by the next run, for ${who}`, async () => {
      await reset();
      const rig = await rigOn(url());
      await extractUsers(rig, 'full');
      const late = await db.client();
      await late.query('BEGIN');
      await late.query("UPDATE users SET name = 'late', updated_at = now() WHERE id = 7");
      await client.query("UPDATE users SET name = 'early', updated_at = clock_timestamp() WHERE id = 8");
      const naive = (await client.query('SELECT max(updated_at) AS at FROM users')).rows[0].at;
      const during = await extractUsers(rig);
      assert.is(await latestName(rig, 8), 'early');
      assert.is(await latestName(rig, 7), 'user 7');
      await late.query('COMMIT');
      await late.end();
      // The naive rule in its place: what everybody does passes over the row for ever.
      const seen = await client.query('SELECT id FROM users WHERE updated_at > $1', [naive]);
      assert.is(
        seen.rows.some((r) => Number(r.id) === 7),
        false,
      );
      await extractUsers(rig);
      assert.is(await latestName(rig, 7), 'late');
      assert.ok(during.fence === null || String(during.fence) < new Date().toISOString());
    });

  test('an extract says what it read, from where to where, and which files it left', async () => {
    await reset();
    const rig = await rigOn();
    const full = await extractUsers(rig, 'full');
    assert.equal([full.relation, full.columns, full.low, full.lastFence, full.files], ['public.users', 3, null, undefined, 1]);
    const state = await readTable(rig.lake, 'users');
    assert.equal(
      full.paths,
      state.files.map((f) => f.add.path),
    );
    const next = await extractUsers(rig);
    assert.equal([next.cursor, next.lastFence], ['updated_at', full.fence]);
    const lookbackMs = Date.parse(String(next.lastFence)) - Date.parse(String(next.low));
    assert.is(lookbackMs, 10_000);
  });

  test('the fence says who holds it back', async () => {
    await reset();
    const rig = await rigOn();
    await extractUsers(rig, 'full');
    const holder = await db.client();
    await holder.query("SET application_name = 'nightly report'");
    await holder.query('BEGIN');
    await holder.query('SELECT 1');
    const facts = await extractUsers(rig);
    assert.match(String(facts.heldBy), /nightly report/);
    await holder.query('ROLLBACK');
    await holder.end();
    assert.is((await extractUsers(rig)).heldBy, null);
  });

  test('a session that streams the log to a subscriber does not hold the fence', async () => {
    await reset();
    const rig = await rigOn();
    const stream = await streamingSession(db);
    try {
      const began = (await client.query('SELECT clock_timestamp()::text AS at')).rows[0].at;
      const facts = await extractUsers(rig, 'full');
      assert.is(facts.heldBy, null);
      assert.is((await client.query('SELECT $1::timestamptz >= $2::timestamptz AS moved', [facts.fence, began])).rows[0].moved, true);
    } finally {
      await client.query('SELECT pg_terminate_backend($1)', [stream]);
    }
  });

  test("a cursor without time zone is refused where this role's setting hides the zone of others", async () => {
    await reset();
    await client.query('ALTER TABLE users ALTER COLUMN updated_at TYPE timestamp');
    await client.query(`ALTER ROLE ${role} IN DATABASE ${db.name} SET TimeZone = 'UTC'`);
    try {
      const rig = await rigOn(limitedUrl);
      await extractUsers(rig, 'full');
      const [one] = await rig.extract('incremental', [users]);
      assert.is(one?.outcome.kind === 'failed' ? one.outcome.error.code : '', 'extract.cursor-zone');
      const told = { ...users, cursorTimezone: 'UTC' };
      await rig.extract('full', [told]);
      const [known] = await rig.extract('incremental', [told]);
      assert.is(known?.outcome.kind, 'succeeded');
      await client.query(`ALTER DATABASE ${db.name} SET TimeZone = 'UTC'`);
      const plain = await rigOn(limitedUrl);
      await extractUsers(plain, 'full');
      await extractUsers(plain);
    } finally {
      await client.query(`ALTER ROLE ${role} IN DATABASE ${db.name} RESET TimeZone`);
      await client.query(`ALTER DATABASE ${db.name} RESET TimeZone`);
    }
  });

  test('without a change the fence moves and no file is added', async () => {
    await reset();
    const rig = await rigOn();
    const first = await extractUsers(rig, 'full');
    const second = await extractUsers(rig);
    assert.is(second.rows, 0);
    assert.ok(String(second.fence) > String(first.fence));
    const state = await readTable(rig.lake, 'users');
    assert.is(state.version, 1);
    assert.is(state.files.length, 1);
    assert.is(state.fence, second.fence);
  });

  test('a row that is updated all the time is fresh after every run', async () => {
    await reset();
    const rig = await rigOn();
    await extractUsers(rig, 'full');
    const writer = await db.client();
    let n = 0;
    let stop = false;
    const writing = (async () => {
      while (!stop) {
        n += 1;
        await writer.query('UPDATE users SET name = $1, updated_at = now() WHERE id = 1', [`hot ${n}`]);
        await writer.query('SELECT pg_sleep(0.05)');
      }
    })();
    for (let run = 0; run < 4; run += 1) {
      const floor = n - 1;
      await extractUsers(rig);
      const name = await latestName(rig, 1);
      assert.ok(Number(name?.replace('hot ', '') ?? -1) >= floor, `run ${run}: ${name}, not below ${floor}`);
    }
    stop = true;
    await writing;
    await writer.end();
  });

  test('two tables that are changed in one transaction are both in or both out', async () => {
    await reset();
    const rig = await rigOn();
    const writer = await db.client();
    let n = 0;
    let stop = false;
    const writing = (async () => {
      while (!stop) {
        n += 1;
        await writer.query('BEGIN');
        await writer.query('UPDATE users SET name = $1, updated_at = now() WHERE id = 3', [String(n)]);
        await writer.query('UPDATE orders SET amount = $1, updated_at = now() WHERE id = 3', [n]);
        await writer.query('COMMIT');
      }
    })();
    for (const mode of ['full', 'incremental', 'incremental', 'incremental'] as const) {
      const done = await rig.extract(mode, [users, orders]);
      for (const one of done) factsOf(one.outcome);
      const name = (await lakeRows(rig.lake, 'users', 'SELECT arg_max(name, _extracted_at) AS n FROM files WHERE id = 3'))[0]?.n;
      const amount = (await lakeRows(rig.lake, 'orders', 'SELECT arg_max(amount::int, _extracted_at) AS n FROM files WHERE id = 3'))[0]?.n;
      if (n > 1 && name !== 'user 3') assert.is(name, amount);
    }
    stop = true;
    await writing;
    await writer.end();
  });

  test('two transactions in one message, the second slow, lose nothing', async () => {
    await reset();
    const rig = await rigOn();
    await extractUsers(rig, 'full');
    const writer = await db.client();
    const message = writer.query(`
      BEGIN; UPDATE users SET name = 'first', updated_at = now() WHERE id = 4; COMMIT;
      SELECT pg_sleep(1.5);
      BEGIN; UPDATE users SET name = 'second', updated_at = now() WHERE id = 5; COMMIT;`);
    await waitUntil(
      async () => (await client.query("SELECT 1 FROM users WHERE name = 'first'")).rows.length === 1,
      'the first transaction',
    );
    // The lookback would hide a fence that is too high: without one, only the fence can save the row.
    const strict = { ...users, lookbackMs: 0 };
    const [during] = await rig.extract('incremental', [strict]);
    if (during === undefined) throw new Error('nothing was extracted');
    factsOf(during.outcome);
    assert.is(await latestName(rig, 5), 'user 5');
    await message;
    await writer.end();
    const [next] = await rig.extract('incremental', [strict]);
    if (next === undefined) throw new Error('nothing was extracted');
    factsOf(next.outcome);
    assert.is(await latestName(rig, 5), 'second');
  });

  test('while a prepared transaction is open the fence stands still, and its rows come once it is committed', async () => {
    await reset();
    const rig = await rigOn();
    await extractUsers(rig, 'full');
    const steady = await extractUsers(rig);
    const gid = `test ${process.pid}`;
    const writer = await db.client();
    await writer.query('BEGIN');
    await writer.query("UPDATE users SET name = 'prepared', updated_at = now() WHERE id = 9");
    await writer.query(`PREPARE TRANSACTION '${gid}'`);
    for (let run = 0; run < 2; run += 1) {
      const held = await extractUsers(rig);
      assert.is(held.fence, steady.fence);
      assert.match(String(held.heldBy), /prepared transaction/);
    }
    await writer.query(`COMMIT PREPARED '${gid}'`);
    await writer.end();
    const freed = await extractUsers(rig);
    assert.is(await latestName(rig, 9), 'prepared');
    assert.ok(String(freed.fence) > String(steady.fence));
  });

  test('a value that the lake cannot hold fails by column, key and value, and nothing is committed', async () => {
    await reset();
    await client.query('ALTER TABLE orders ADD COLUMN due date, ADD COLUMN at timestamp, ADD COLUMN tz timestamptz');
    const rig = await rigOn();
    for (const [set, column, value] of [
      ["amount = 'NaN'", 'amount', 'NaN'],
      ["due = 'infinity'", 'due', 'infinity'],
      ["due = '0044-03-15 BC'", 'due', '0044-03-15 BC'],
      ["at = '-infinity'", 'at', '-infinity'],
      ["tz = '10000-01-01 00:00:00+00'", 'tz', '10000-01-01'],
      ["at = '294276-12-31'", 'at', '294276-12-31'],
    ] as const) {
      await client.query(`UPDATE orders SET ${set} WHERE id = 11`);
      const [one] = await rig.extract('full', [orders]);
      assert.is(one?.outcome.kind, 'failed');
      const message = one?.outcome.kind === 'failed' ? one.outcome.error.message : '';
      assert.ok(message.includes(`column "${column}" of the row with id = 11: ${value}`), message);
      assert.is((await readTable(rig.lake, 'orders')).version, -1);
      await client.query('UPDATE orders SET amount = 11, due = NULL, at = NULL, tz = NULL WHERE id = 11');
    }
    const asText = { ...orders, columns: { ...orders.columns, types: { due: 'string' as const } } };
    await client.query("UPDATE orders SET due = 'infinity' WHERE id = 11");
    const [one] = await rig.extract('full', [asText]);
    if (one === undefined) throw new Error('nothing was extracted');
    factsOf(one.outcome);
    assert.equal(await lakeRows(rig.lake, 'orders', 'SELECT due FROM files WHERE id = 11'), [{ due: 'infinity' }]);
  });

  test('a new nullable column is taken along; one with a default, one that vanished and one of another type are refused', async () => {
    await reset();
    const rig = await rigOn();
    await extractUsers(rig, 'full');
    await client.query('ALTER TABLE users ADD COLUMN nick text');
    await client.query("UPDATE users SET nick = 'zed', updated_at = now() WHERE id = 2");
    await extractUsers(rig);
    assert.equal(await lakeRows(rig.lake, 'users', "SELECT id FROM files WHERE nick = 'zed'"), [{ id: '2' }]);
    for (const [ddl, undo, code] of [
      ['ALTER TABLE users ADD COLUMN level int DEFAULT 1', 'ALTER TABLE users DROP COLUMN level', 'extract.column-with-values'],
      [
        'ALTER TABLE users ADD COLUMN level int DEFAULT 1; ALTER TABLE users ALTER COLUMN level DROP DEFAULT',
        'ALTER TABLE users DROP COLUMN level',
        'extract.column-with-values',
      ],
      [
        'CREATE DOMAIN rank AS int DEFAULT 1; ALTER TABLE users ADD COLUMN level rank',
        'ALTER TABLE users DROP COLUMN level; DROP DOMAIN rank',
        'extract.column-with-values',
      ],
      ['ALTER TABLE users RENAME COLUMN nick TO nickname', 'ALTER TABLE users RENAME COLUMN nickname TO nick', 'extract.column-vanished'],
      ['ALTER TABLE users ALTER COLUMN nick TYPE varchar(10)', 'ALTER TABLE users ALTER COLUMN nick TYPE text', 'extract.column-changed'],
    ] as const) {
      await client.query(ddl);
      const [one] = await rig.extract('incremental', [users]);
      assert.is(one?.outcome.kind === 'failed' ? one.outcome.error.code : '', code);
      await client.query(undo);
    }
    const [meaning] = await rig.extract('incremental', [{ ...users, where: 'id < 10' }]);
    assert.is(meaning?.outcome.kind === 'failed' ? meaning.outcome.error.code : '', 'extract.meaning-changed');
  });

  test('a table without a key is taken incrementally only to be appended, with a warning that rows are read twice', async () => {
    await reset();
    const rig = await rigOn();
    const bare = { ...users, key: [] };
    const [merged] = await rig.extract('incremental', [bare]);
    assert.is(merged?.outcome.kind === 'failed' ? merged.outcome.error.code : '', 'extract.no-key');
    const said: string[] = [];
    const [one] = await rig.extract('incremental', [{ ...bare, load: 'append' }], {
      onEvent: (event) => {
        if (event.type === 'log' && event.level === 'warn') said.push(event.text);
      },
    });
    assert.is(one?.outcome.kind, 'succeeded');
    assert.match(said.join('\n'), /users: the table has no key, so a row that is read again/);
  });

  for (const [what, sql] of [
    ['rewritten', 'ALTER TABLE users SET UNLOGGED'],
    ['emptied', 'TRUNCATE users'],
    ['exchanged', 'CREATE TABLE other AS TABLE users; DROP TABLE users; ALTER TABLE other RENAME TO users'],
  ] as const)
    test(`a table that is ${what} after the snapshot, whose rows are not seen under it any more, fails the extract`, async () => {
      await reset();
      const rig = await rigOn();
      const write = rig.lake.write;
      let once = async (): Promise<void> => {
        once = async () => undefined;
        await client.query(sql);
      };
      Object.assign(rig.lake, {
        write: async (folder: string) => {
          await once();
          return await write(folder);
        },
      });
      const [one] = await rig.extract('full', [{ ...users, key: ['id'] }]);
      assert.is(one?.outcome.kind === 'failed' ? one.outcome.error.code : '', 'extract.rewritten');
      assert.is((await readTable(rig.lake, 'users')).version, -1);
      const [again] = await rig.extract('full', [{ ...users, key: ['id'] }]);
      assert.is(again?.outcome.kind, 'succeeded');
    });

  test('a stop ends the query on the server at once and publishes nothing', async () => {
    await reset();
    await client.query('CREATE VIEW slow AS SELECT id, name, updated_at, pg_sleep(30)::text AS wait FROM users');
    const rig = await rigOn();
    const stop = new AbortController();
    const began = Date.now();
    const running = rig.extract('full', [{ ...users, name: 'slow', relation: { schema: 'public', name: 'slow' }, key: ['id'] }], {
      signal: stop.signal,
    });
    await waitUntil(
      async () =>
        (
          await client.query(
            "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'engine extract%' AND state = 'active' AND query LIKE 'COPY%slow%'",
          )
        ).rows.length > 0,
      'the copy',
    );
    stop.abort();
    const [one] = await running;
    assert.is(one?.outcome.kind, 'stopped');
    assert.ok(Date.now() - began < 15_000);
    assert.is(
      (await client.query("SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'engine extract%' AND datname = current_database()"))
        .rows.length,
      0,
    );
    assert.is((await readTable(rig.lake, 'slow')).version, -1);
    await client.query('DROP VIEW slow');
  });
});
