import type pg from 'pg';
import * as assert from 'uvu/assert';
import { checkup } from '../../../connectors/postgres/checkup.ts';
import { openServer } from '../../../connectors/postgres/open-server.ts';
import { systemClock } from '../../../engine/base/clock.ts';
import type { TableConfig } from '../../../engine/config.ts';
import { openClusters, type TestCluster, type TestClusters } from '../../support/cluster.ts';
import { lakeRows } from '../../support/lake-rows.ts';
import { type NodeRig, nodeRig, tableConfig } from '../../support/nodes.ts';
import { suite } from '../../support/suite.ts';
import { take } from '../../support/take.ts';
import { waitUntil } from '../../support/wait.ts';

suite('times that come from elsewhere', ({ test, before, after }) => {
  let clusters: TestClusters;
  let cluster: TestCluster;
  let client: pg.Client;
  let publisher: pg.Client;
  const rigs: NodeRig[] = [];

  before(async () => {
    clusters = await openClusters();
    cluster = await clusters.create('elsewhere');
    const admin = await cluster.client();
    await admin.query('CREATE DATABASE shop');
    await admin.query('CREATE DATABASE origin');
    await admin.end();
    client = await cluster.client('shop');
    publisher = await cluster.client('origin');
    await client.query('CREATE EXTENSION postgres_fdw');
    await publisher.query('CREATE EXTENSION postgres_fdw');
  });
  after(async () => {
    for (const rig of rigs) await rig.close();
    await clusters?.close();
  });

  const make = async (name: string, more = ''): Promise<TableConfig> => {
    await client.query(`
      CREATE TABLE ${name} (id int PRIMARY KEY, name text, updated_at timestamptz NOT NULL DEFAULT now());
      CREATE INDEX ON ${name} (updated_at);
      INSERT INTO ${name} SELECT g, 'row ' || g, now() - interval '1 day' FROM generate_series(1, 5) g;
      ${more}`);
    return tableConfig(name, { lookbackMs: 0 });
  };
  const trigger = (name: string, body: string): string => `
    CREATE FUNCTION ${name}_touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body}; RETURN NEW; END $$;
    CREATE TRIGGER touch BEFORE UPDATE ON ${name} FOR EACH ROW EXECUTE FUNCTION ${name}_touch();`;
  const rigOn = async (): Promise<NodeRig> => {
    const rig = await nodeRig({ source: cluster.url('shop') });
    rigs.push(rig);
    return rig;
  };
  const latest = async (rig: NodeRig, name: string, id: number): Promise<string | null | undefined> =>
    (await lakeRows(rig.lake, name, `SELECT arg_max(name, _extracted_at) AS name FROM files WHERE id = ${id}`))[0]?.name;
  const doctor = async (tables: readonly TableConfig[] = []): Promise<string> => {
    const scope = { root: '/nonexistent', clock: systemClock, engine: '0.0.0', log: () => undefined };
    const server = openServer('production', { url: cluster.url('shop') }, scope);
    try {
      const given = tables.map((table) => ({ table, incremental: true }));
      const found = await checkup(server, 'staging', { as: 'source', tables: given, signal: new AbortController().signal }, undefined);
      return found.map((one) => `${one.outcome} ${one.message}`).join('\n');
    } finally {
      await server.close();
    }
  };
  /** The change of row 1 is outside the lookback, so changes do not bring it, and a full run does. */
  const missedUntilFull = async (rig: NodeRig, table: TableConfig): Promise<void> => {
    await take(rig, table);
    assert.is(await latest(rig, table.name, 1), 'row 1', 'outside the lookback');
    await take(rig, table, 'full');
    assert.is(await latest(rig, table.name, 1), 'changed', 'a full run finds it');
  };

  test("a logical subscriber's rows come with the publisher's times: a lookback above the delay covers it, and doctor asks for it", async () => {
    const table = await make('replicated', 'TRUNCATE replicated');
    await publisher.query(`
      CREATE TABLE replicated (id int PRIMARY KEY, name text, updated_at timestamptz NOT NULL DEFAULT now());
      INSERT INTO replicated SELECT g, 'row ' || g, now() - interval '1 day' FROM generate_series(1, 5) g;
      CREATE PUBLICATION all_rows FOR TABLE replicated`);
    await publisher.query("SELECT pg_create_logical_replication_slot('shop', 'pgoutput')");
    const { port, password } = new URL(cluster.url());
    await client.query(
      `CREATE SUBSCRIPTION shop CONNECTION 'host=127.0.0.1 port=${port} user=engine password=${password} dbname=origin' PUBLICATION all_rows WITH (create_slot = false, slot_name = 'shop')`,
    );
    const arrived = async (name: string): Promise<void> => {
      await waitUntil(
        async () => (await client.query('SELECT 1 FROM replicated WHERE name = $1', [name])).rows.length > 0,
        `${name} arrives`,
        30_000,
      );
    };
    await arrived('row 5');
    const rig = await rigOn();
    await take(rig, table, 'full');
    // The subscription lags: it is off while the publisher writes and an extract passes.
    await client.query('ALTER SUBSCRIPTION shop DISABLE');
    await waitUntil(
      async () =>
        (await client.query("SELECT 1 FROM pg_stat_activity WHERE backend_type LIKE 'logical replication%apply%'")).rows.length === 0,
      'its worker is gone',
      30_000,
    );
    await publisher.query("UPDATE replicated SET name = 'changed', updated_at = now() WHERE id = 1");
    await take(rig, table);
    await client.query('ALTER SUBSCRIPTION shop ENABLE');
    await arrived('changed');
    await take(rig, table);
    assert.is(await latest(rig, 'replicated', 1), 'row 1', 'without a lookback it is passed over');
    await take(rig, { ...table, lookbackMs: 600_000 });
    assert.is(await latest(rig, 'replicated', 1), 'changed', 'a lookback above the delay brings it');
    assert.match(await doctor(), /warn rows come by logical replication \(shop\): their times are the publisher's/);
    await client.query('DROP SUBSCRIPTION shop');
    assert.not.match(await doctor(), /logical replication/);
  });

  test('writes by postgres_fdw have the times of their own server: a lookback above its transactions covers them, and doctor tells of the sessions', async () => {
    const table = await make('remote');
    const { port, password } = new URL(cluster.url());
    await publisher.query(`
      CREATE SERVER shop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '${port}', dbname 'shop');
      CREATE USER MAPPING FOR engine SERVER shop OPTIONS (user 'engine', password '${password}');
      CREATE FOREIGN TABLE remote (id int, name text, updated_at timestamptz) SERVER shop`);
    const rig = await rigOn();
    await take(rig, table, 'full');
    await publisher.query('BEGIN; SELECT now()');
    await take(rig, table);
    await publisher.query("UPDATE remote SET name = 'changed', updated_at = now() WHERE id = 1; COMMIT");
    await take(rig, table);
    assert.is(await latest(rig, 'remote', 1), 'row 1', 'without a lookback it is passed over');
    await take(rig, { ...table, lookbackMs: 600_000 });
    assert.is(await latest(rig, 'remote', 1), 'changed');
    assert.match(await doctor(), /warn another server writes or reads here by postgres_fdw/);
  });

  test('a trigger that does not fire (session_replication_role = replica, disabled) leaves the old time: doctor tells, and a full run finds the row', async () => {
    const table = await make('quiet', trigger('quiet', 'NEW.updated_at := now()'));
    const rig = await rigOn();
    await take(rig, table, 'full');
    await client.query(
      "SET session_replication_role = replica; UPDATE quiet SET name = 'changed' WHERE id = 1; RESET session_replication_role",
    );
    await missedUntilFull(rig, table);
    await client.query('CREATE ROLE loader; ALTER ROLE loader IN DATABASE shop SET session_replication_role = replica');
    assert.match(await doctor(), /warn session_replication_role is replica for role loader in the database/);
    await client.query('ALTER ROLE loader IN DATABASE shop RESET ALL');
    assert.not.match(await doctor([table]), /session_replication_role|trigger/);
    await client.query("ALTER TABLE quiet DISABLE TRIGGER touch; UPDATE quiet SET name = 'again' WHERE id = 2");
    await take(rig, table);
    assert.is(await latest(rig, 'quiet', 2), 'row 2');
    assert.match(await doctor([table]), /warn the trigger touch that sets its cursor updated_at is disabled/);
    await client.query('ALTER TABLE quiet ENABLE ALWAYS TRIGGER touch');
    await client.query(
      "SET session_replication_role = replica; UPDATE quiet SET name = 'always' WHERE id = 3; RESET session_replication_role",
    );
    await take(rig, table);
    assert.is(await latest(rig, 'quiet', 3), 'always');
  });

  test("a trigger or a default with the constant 'now' gives an old time: doctor finds both, and a full run finds the rows", async () => {
    const table = await make(
      'frozen',
      `${trigger('frozen', "NEW.updated_at := 'now'")} ALTER TABLE frozen ALTER COLUMN updated_at SET DEFAULT 'now'`,
    );
    const rig = await rigOn();
    const writer = await cluster.client('shop');
    await writer.query("UPDATE frozen SET name = 'warm up' WHERE id = 5");
    await take(rig, table, 'full');
    await writer.query("UPDATE frozen SET name = 'changed' WHERE id = 1");
    await writer.end();
    await missedUntilFull(rig, table);
    const said = await doctor([table]);
    assert.match(said, /warn the trigger touch uses the constant 'now', which plpgsql freezes/);
    assert.match(said, /warn the default of its cursor updated_at is a fixed time/);
    const typed = await make('typed', trigger('typed', "NEW.updated_at := timestamptz 'now'"));
    assert.match(await doctor([typed]), /warn the trigger touch uses the constant 'now'/);
    const fresh = await make('fresh', trigger('fresh', 'NEW.updated_at := now()'));
    assert.not.match(await doctor([fresh]), /'now'|fixed time/);
  });

  test('rows that come with old times (a restore, a copy) are passed over outside the lookback, as said; a full run finds them', async () => {
    const table = await make('restored');
    const rig = await rigOn();
    await take(rig, table, 'full');
    await client.query("DELETE FROM restored WHERE id = 1; INSERT INTO restored VALUES (1, 'changed', now() - interval '1 hour')");
    await missedUntilFull(rig, table);
    await client.query("INSERT INTO restored VALUES (6, 'within', now() - interval '1 hour')");
    await take(rig, { ...table, lookbackMs: 7_200_000 });
    assert.is(await latest(rig, 'restored', 6), 'within', 'a lookback above their age brings them');
  });

  test('a partition that is attached with rows in it: doctor tells, and a full run finds them', async () => {
    await client.query(`
      CREATE TABLE parted (id int, name text, updated_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (id)) PARTITION BY RANGE (id);
      CREATE TABLE parted_old PARTITION OF parted FOR VALUES FROM (2) TO (100);
      INSERT INTO parted VALUES (2, 'row 2', now() - interval '1 day');
      CREATE TABLE parted_new (id int PRIMARY KEY, name text, updated_at timestamptz NOT NULL);
      INSERT INTO parted_new VALUES (1, 'changed', now() - interval '1 hour')`);
    const table = tableConfig('parted', { lookbackMs: 0 });
    const rig = await rigOn();
    await take(rig, table, 'full');
    await client.query('ALTER TABLE parted ATTACH PARTITION parted_new FOR VALUES FROM (0) TO (2)');
    await take(rig, table);
    assert.is(await latest(rig, 'parted', 1), null);
    assert.match(await doctor([table]), /warn a partition that is attached with rows in it brings their old updated_at/);
    await take(rig, table, 'full');
    assert.is(await latest(rig, 'parted', 1), 'changed');
  });
});
