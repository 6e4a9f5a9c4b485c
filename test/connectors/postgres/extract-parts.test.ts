import { readdirSync } from 'node:fs';
import type pg from 'pg';
import * as assert from 'uvu/assert';
import type { TableConfig } from '../../../engine/config.ts';
import type { Lake, LakeWriter } from '../../../lake/lake.ts';
import { readTable } from '../../../lake/log.ts';
import { lakeRows } from '../../support/lake-rows.ts';
import { factsOf, type NodeRig, nodeRig, tableConfig } from '../../support/nodes.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { suite } from '../../support/suite.ts';
import { waitUntil } from '../../support/wait.ts';

/** Ranges of 64 kB: eight pages. */
const small = { compression: 'zstd', targetFileSizeBytes: 16 * 1024 } as const;
const rowsTable = tableConfig('rows', { lake: small, key: ['id'] });

/** Calls `act` before each part is published, and `opened` when the folder is (the snapshot stands by then). */
function onPublish(lake: Lake, act: (name: string, writer: LakeWriter) => Promise<void>, opened?: () => Promise<void>): void {
  const write = lake.write;
  Object.assign(lake, {
    write: async (folder: string): Promise<LakeWriter> => {
      const writer = await write(folder);
      await opened?.();
      return {
        ...writer,
        publish: async (name) => {
          await act(name, writer);
          return await writer.publish(name);
        },
      };
    },
  });
}

/** The ids of the lake's files, sorted, with a text of each row. */
async function inLake(rig: NodeRig, folder: string, text: string): Promise<readonly string[]> {
  return (await lakeRows(rig.lake, folder, `SELECT ${text} AS row FROM files ORDER BY 1`)).map((r) => String(r.row));
}

suite('parts of an extract', ({ test, before, after }) => {
  let db: TestDatabase;
  let client: pg.Client;
  const rigs: NodeRig[] = [];

  const rigOn = async (connections: number, memoryBytes = 256e6): Promise<NodeRig> => {
    const rig = await nodeRig({ source: db.url }, { connections, memoryBytes });
    rigs.push(rig);
    return rig;
  };
  const extract = async (rig: NodeRig, table: TableConfig, mode: 'full' | 'incremental' = 'full') => {
    const [one] = await rig.extract(mode, [table]);
    if (one === undefined) throw new Error('nothing was extracted');
    return one.outcome;
  };
  const makeRows = async (rows = 20_000): Promise<void> => {
    await client.query('DROP TABLE IF EXISTS rows CASCADE');
    await client.query('CREATE TABLE rows (id int PRIMARY KEY, n int NOT NULL, t text, updated_at timestamptz NOT NULL DEFAULT now())');
    await client.query(`INSERT INTO rows SELECT g, 0, md5(g::text), now() - interval '1 day' FROM generate_series(1, ${rows}) g`);
    await client.query('VACUUM ANALYZE rows');
  };

  /** A session that sees what the engine's snapshot sees: the only one that can be joined from this database. */
  const joinSnapshot = async (): Promise<pg.Client> => {
    const reader = await db.client();
    for (const { id } of (await client.query<{ id: string }>("SELECT pg_ls_dir('pg_snapshots') AS id")).rows) {
      await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      try {
        await reader.query(`SET TRANSACTION SNAPSHOT '${id}'`);
        return reader;
      } catch {
        await reader.query('ROLLBACK');
      }
    }
    throw new Error('there is no snapshot of this database');
  };

  before(async () => {
    db = await freshDatabase('parts');
    client = await db.client();
  });
  after(async () => {
    for (const rig of rigs) await rig.close();
    await db.drop();
  });

  for (const connections of [1, 2, 3])
    test(`ranges on ${connections} connections are the table as of one snapshot, while rows move, go and come and are vacuumed away`, async () => {
      await makeRows();
      const rig = await rigOn(connections);
      const writer = await db.client();
      let seen: readonly string[] = [];
      let times = 0;
      const text = "id || ' ' || n || ' ' || t";
      onPublish(
        rig.lake,
        async () => {
          times += 1;
          // In place, to other pages, gone, and new ones at the end; what is dead is vacuumed, and the end is cut off.
          await writer.query('UPDATE rows SET n = n + 1 WHERE id % 7 = $1', [times % 7]);
          await writer.query(
            'UPDATE rows SET t = repeat(md5(n::text), 5), n = n + 1, id = id + 1000000 WHERE id % 11 = $1 AND id < 1000000',
            [times % 11],
          );
          await writer.query('DELETE FROM rows WHERE id % 13 = $1', [times % 13]);
          await writer.query("INSERT INTO rows SELECT 2000000 + 100 * $1::int + g, 0, 'new' FROM generate_series(0, 99) g", [times]);
          if (times % 5 === 0) await writer.query('VACUUM rows');
        },
        async () => {
          const reader = await joinSnapshot();
          seen = (await reader.query<{ row: string }>(`SELECT ${text} AS row FROM rows`)).rows.map((r) => r.row).sort();
          await reader.end();
        },
      );
      const facts = factsOf(await extract(rig, rowsTable));
      assert.ok(times > 20, `${times} parts`);
      assert.is(facts.rows, 20_000);
      assert.equal([...(await inLake(rig, 'rows', text))].sort(), seen);
      await writer.end();
    });

  test('a table that grows, one without rows, one whose last pages are empty and one that was never analyzed are whole', async () => {
    await client.query('DROP TABLE IF EXISTS rows CASCADE; CREATE TABLE rows (id int PRIMARY KEY, pad text, updated_at timestamptz)');
    const rig = await rigOn(2);
    assert.is(factsOf(await extract(rig, rowsTable)).rows, 0);
    await client.query("INSERT INTO rows SELECT g, repeat('x', 100) FROM generate_series(1, 9000) g");
    assert.is(factsOf(await extract(rig, rowsTable)).rows, 9000);
    await client.query('DELETE FROM rows WHERE id > 3000');
    assert.is(factsOf(await extract(rig, rowsTable)).rows, 3000);
    await client.query('VACUUM rows');
    assert.is(factsOf(await extract(rig, rowsTable)).rows, 3000);
    await client.query('DELETE FROM rows');
    assert.is(factsOf(await extract(rig, rowsTable)).rows, 0);
  });

  test('partitions with other orders of columns and dropped ones, at two levels, and children of a parent are all taken, once, by name', async () => {
    await client.query(`
      DROP TABLE IF EXISTS parted, parent, child, low, mid CASCADE;
      CREATE TABLE parted (id int, a text, b text, updated_at timestamptz) PARTITION BY RANGE (id);
      CREATE TABLE low (gone int, b text, updated_at timestamptz, a text, id int);
      ALTER TABLE low DROP COLUMN gone;
      ALTER TABLE parted ATTACH PARTITION low FOR VALUES FROM (0) TO (4000);
      CREATE TABLE mid PARTITION OF parted FOR VALUES FROM (4000) TO (9000) PARTITION BY LIST (b);
      CREATE TABLE mid_x PARTITION OF mid FOR VALUES IN ('x');
      CREATE TABLE mid_rest PARTITION OF mid DEFAULT;
      CREATE TABLE empty PARTITION OF parted FOR VALUES FROM (9000) TO (10000);
      INSERT INTO parted SELECT g, 'a' || g, CASE WHEN g % 2 = 0 THEN 'x' ELSE 'b' || g END FROM generate_series(0, 8999) g;
      CREATE TABLE parent (id int, a text, updated_at timestamptz);
      CREATE TABLE child (more int, id int, a text, updated_at timestamptz);
      ALTER TABLE child INHERIT parent;
      INSERT INTO parent SELECT g, 'p' || g FROM generate_series(1, 3000) g;
      INSERT INTO child SELECT 1, g, 'c' || g FROM generate_series(3001, 9000) g;`);
    const rig = await rigOn(2);
    const text = (columns: string): string => `concat_ws(' ', ${columns})`;
    for (const [name, columns] of [
      ['parted', 'id, a, b'],
      ['parent', 'id, a'],
    ] as const) {
      const facts = factsOf(await extract(rig, tableConfig(name, { lake: small, key: [] })));
      assert.ok(Number(facts.files) > 4, `${facts.files} files`);
      const { rows } = await client.query<{ row: string }>(`SELECT ${text(columns)} AS row FROM ${name}`);
      assert.equal([...(await inLake(rig, name, text(columns)))].sort(), rows.map((r) => r.row).sort());
    }
  });

  test('a value that the lake cannot hold, in the last range of many, fails the extract by name', async () => {
    await makeRows();
    await client.query("ALTER TABLE rows ADD COLUMN due date; UPDATE rows SET due = 'infinity' WHERE id = 20000");
    const rig = await rigOn(2);
    const outcome = await extract(rig, rowsTable);
    const message = outcome.kind === 'failed' ? outcome.error.message : outcome.kind;
    assert.match(message, /the lake cannot hold column "due" of the row with id = 20000: infinity/);
    assert.is((await readTable(rig.lake, 'rows')).version, -1);
  });

  test('a partition that joins while ranges are read, with rows from before the snapshot, makes the extract void', async () => {
    await client.query(`
      DROP TABLE IF EXISTS parted, late CASCADE;
      CREATE TABLE parted (id int, updated_at timestamptz) PARTITION BY RANGE (id);
      CREATE TABLE first PARTITION OF parted FOR VALUES FROM (0) TO (100000);
      CREATE TABLE late (id int, updated_at timestamptz);
      INSERT INTO parted SELECT g FROM generate_series(0, 20000) g;
      INSERT INTO late SELECT g FROM generate_series(100000, 120000) g;`);
    const rig = await rigOn(2);
    let attached = false;
    onPublish(rig.lake, async () => {
      if (attached) return;
      attached = true;
      await client.query('ALTER TABLE parted ATTACH PARTITION late FOR VALUES FROM (100000) TO (200000)');
    });
    const table = tableConfig('parted', { lake: small, key: [] });
    const outcome = await extract(rig, table);
    assert.is(outcome.kind === 'failed' ? outcome.error.code : outcome.kind, 'extract.rewritten');
    assert.is((await readTable(rig.lake, 'parted')).version, -1);
    assert.is(factsOf(await extract(rig, table)).rows, 40_002);
  });

  test('a partition that is made and joins while ranges are read brings no rows', async () => {
    await client.query(`
      DROP TABLE IF EXISTS parted CASCADE;
      CREATE TABLE parted (id int, updated_at timestamptz) PARTITION BY RANGE (id);
      CREATE TABLE first PARTITION OF parted FOR VALUES FROM (0) TO (100000);
      INSERT INTO parted SELECT g FROM generate_series(0, 20000) g;`);
    const rig = await rigOn(2);
    let made = false;
    onPublish(rig.lake, async () => {
      if (made) return;
      made = true;
      await client.query('CREATE TABLE fresh (id int, updated_at timestamptz)');
      await client.query('INSERT INTO fresh SELECT g FROM generate_series(300000, 320000) g');
      await client.query('ALTER TABLE parted ATTACH PARTITION fresh FOR VALUES FROM (300000) TO (400000)');
    });
    assert.is(factsOf(await extract(rig, tableConfig('parted', { lake: small, key: [] }))).rows, 20_001);
  });

  test('somebody who waits for a lock on the table meanwhile holds nothing up for ever', async () => {
    await makeRows();
    const rig = await rigOn(2);
    const other = await db.client();
    let altering: Promise<unknown> | undefined;
    onPublish(rig.lake, async () => {
      altering ??= other.query('ALTER TABLE rows ALTER COLUMN n SET STATISTICS 50; LOCK TABLE rows IN ACCESS EXCLUSIVE MODE');
    });
    assert.is(factsOf(await extract(rig, rowsTable)).rows, 20_000);
    await altering;
    await other.end();
  });

  test('the keeper of the snapshot killed in the middle of the ranges fails the extract', async () => {
    await makeRows();
    const rig = await rigOn(2);
    let killed = false;
    onPublish(rig.lake, async () => {
      if (killed) return;
      killed = true;
      const found = await client.query(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'engine snapshot' AND datname = current_database()",
      );
      assert.is(found.rowCount, 1);
    });
    const outcome = await extract(rig, rowsTable);
    assert.is(outcome.kind === 'failed' ? outcome.error.code : outcome.kind, 'postgres.snapshot-lost');
    assert.is((await readTable(rig.lake, 'rows')).version, -1);
  });

  test('a part that cannot be published ends the reading, and its failure is the one that is told', async () => {
    await makeRows();
    const rig = await rigOn(2);
    let parts = 0;
    onPublish(rig.lake, async () => {
      parts += 1;
      if (parts === 3) throw new Error('no room');
    });
    const outcome = await extract(rig, rowsTable);
    assert.match(outcome.kind === 'failed' ? outcome.error.message : outcome.kind, /no room/);
    assert.is(parts, 3);
    await waitUntil(
      async () =>
        (
          await client.query(
            "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'engine extract%' AND datname = current_database()",
          )
        ).rows.length === 0,
      'no session is left',
    );
  });

  test('while publishing stands still reading pauses, and the local disk holds a few parts', async () => {
    await makeRows(60_000);
    const rig = await rigOn(2);
    let most = 0;
    let held = false;
    onPublish(rig.lake, async (_name, writer) => {
      if (held) return;
      held = true;
      await waitUntil(async () => {
        const found = await client.query<{ state: string; since: boolean }>(
          "SELECT state, state_change < clock_timestamp() - interval '500 ms' AS since FROM pg_stat_activity WHERE application_name LIKE 'engine extract%' AND datname = current_database()",
        );
        return found.rows.length === 2 && found.rows.every((r) => r.state === 'idle in transaction' && r.since);
      }, 'both readers pause');
      most = readdirSync(writer.localFolder).length;
    });
    const facts = factsOf(await extract(rig, rowsTable));
    assert.is(facts.rows, 60_000);
    assert.ok(Number(facts.files) > 40, `${facts.files} files`);
    assert.ok(most >= 4 && most <= 6, `${most} parts were on the disk`);
  });

  test('a view, which is read as one stream, is published while it is read', async () => {
    await client.query(`
      DROP TABLE IF EXISTS base CASCADE; CREATE TABLE base (id int, updated_at timestamptz);
      INSERT INTO base SELECT g FROM generate_series(1, 500000) g;
      CREATE VIEW slow AS SELECT id, updated_at, CASE WHEN id = 500000 THEN pg_advisory_lock_shared(4711)::text END AS wait FROM base`);
    const rig = await rigOn(2);
    const holder = await db.client();
    await holder.query('SELECT pg_advisory_lock(4711)');
    const early: string[] = [];
    onPublish(rig.lake, async (name) => {
      early.push(name);
      await holder.query('SELECT pg_advisory_unlock_all()');
    });
    const facts = factsOf(await extract(rig, tableConfig('slow', { lake: { ...small, targetFileSizeBytes: 1e5 }, key: [] })));
    assert.is(facts.rows, 500_000);
    assert.ok(Number(facts.files) > 1);
    assert.is(early.length, facts.files);
    assert.is(new Set(early).size, early.length);
    assert.equal(await lakeRows(rig.lake, 'slow', 'SELECT count(DISTINCT id) AS n FROM files'), [{ n: '500000' }]);
    await holder.end();
    await client.query('DROP TABLE base CASCADE');
  });
});
