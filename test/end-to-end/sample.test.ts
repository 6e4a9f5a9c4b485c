import { join } from 'node:path';
import type pg from 'pg';
import * as assert from 'uvu/assert';
import { openFileLake } from '../../connectors/file/lake.ts';
import { differenceOf } from '../support/compare.ts';
import { readDelta } from '../support/deltalake.ts';
import { lakeRows } from '../support/lake-rows.ts';
import { freshDatabase, type TestDatabase } from '../support/postgres.ts';
import { createRig, type JsonDocument, type Rig } from '../support/rig.ts';
import { suite } from '../support/suite.ts';

/** What differs from reader to reader is made a number: a time as microseconds, text and numbers as they are. */
const tables = [
  {
    table: 'users',
    plain: ['id', 'email', 'first_name', 'last_name', 'phone', 'country', 'status', 'marketing_opt_in'],
    model: "id, lower(trim(email)), upper(country), lower(trim(status)), coalesce(marketing_opt_in, false), nullif(trim(phone), '')",
    shown: 'id, email, country, status, marketing_opt_in, phone',
  },
  {
    table: 'transactions',
    plain: ['id', 'user_id', 'amount', 'currency', 'status', 'merchant', 'description', 'metadata'],
    model: "id, user_id, amount, upper(currency), lower(trim(status)), nullif(trim(merchant), ''), metadata::text",
    shown: 'id, user_id, amount, currency, status, merchant, metadata::text',
  },
] as const;
const times = ['created_at', 'updated_at'] as const;
type Sample = (typeof tables)[number];

type Facts = Readonly<Record<string, unknown>>;

/** What a node said at its end. */
function factsOf(documents: readonly JsonDocument[], node: string): Facts {
  const event = documents.find((d) => d.type === 'node.succeeded' && d.node === node);
  return (event?.result as { readonly facts: Facts } | undefined)?.facts ?? {};
}

const named = (documents: readonly JsonDocument[], type: string): readonly unknown[] =>
  documents
    .filter((d) => d.type === type)
    .map((d) => d.node)
    .sort();

/** `kind name status` of each result of dbt. */
const dbtResults = (documents: readonly JsonDocument[]): readonly string[] =>
  documents
    .filter((d) => d.type === 'dbt.result')
    .map((d) => d.result as { readonly kind: string; readonly name: string; readonly status: string })
    .map(({ kind, name, status }) => `${kind} ${name} ${status}`)
    .sort();

const asText = (rows: readonly Readonly<Record<string, unknown>>[], columns: readonly string[]): readonly string[] =>
  rows.map((row) => JSON.stringify(columns.map((c) => (row[c] === null ? null : String(row[c]))))).sort();

const lines = (map: ReadonlyMap<string, string>): readonly string[] => [...map].map(([id, at]) => `${id}: ${at}`);

/** Fails with the first rows that one side has and the other has not. */
function sameRows(found: readonly string[], expected: readonly string[]): void {
  const [a, b] = [new Set(found), new Set(expected)];
  const [more, less] = [found.filter((row) => !b.has(row)).slice(0, 3), expected.filter((row) => !a.has(row)).slice(0, 3)];
  assert.equal({ more, less, rows: found.length }, { more: [], less: [], rows: expected.length });
}

suite('the sample project', ({ test, before, after }) => {
  let source: TestDatabase;
  let warehouse: TestDatabase;
  let from: pg.Client;
  let to: pg.Client;
  let rig: Rig;

  before(async () => {
    source = await freshDatabase('sample');
    warehouse = await freshDatabase('sample_dw');
    from = await source.client();
    to = await warehouse.client();
    rig = await createRig();
    Object.assign(rig.env, { SOURCE_URL: source.url, WAREHOUSE_URL: warehouse.url });
    const made = await rig.engine('init', '.');
    assert.is(made.code, 0, made.stderr);
    const filled = await rig.engine('generate', 'initial', '--users', '200', '--transactions', '1000', '--seed', '3');
    assert.is(filled.code, 0, filled.stderr);
  });
  after(async () => {
    await rig.cleanup();
    await source.drop();
    await warehouse.drop();
  });

  const run = async (pipeline: string): Promise<readonly JsonDocument[]> => {
    const { code, documents, stdout, stderr } = await rig.json('run', '--pipeline', pipeline);
    assert.is(code, 0, `${stdout}\n${stderr}`);
    return documents;
  };
  /** Which transaction wrote each row of staging, and where it lies. */
  const written = async (table: string): Promise<ReadonlyMap<string, string>> => {
    const { rows } = await to.query<{ id: string; at: string }>(
      `SELECT id::text AS id, xmin::text || ' ' || ctid::text AS at FROM staging.${table}`,
    );
    return new Map(rows.map(({ id, at }) => [id, at]));
  };
  const stagingIsSource = async ({ table, plain }: Sample): Promise<number> => {
    const d = await differenceOf(from, { schema: 'public', name: table }, to, { schema: 'staging', name: table }, [...plain, ...times]);
    assert.equal([d.onlyLeft.slice(0, 3), d.onlyRight.slice(0, 3)], [[], []], table);
    return d.rows;
  };
  const analyticsIsSource = async ({ table, model, shown }: Sample): Promise<void> => {
    const rowsOf = async (client: pg.Client, columns: string, relation: string): Promise<readonly string[]> => {
      await client.query("SET TimeZone = 'UTC'");
      const sql = `SELECT json_build_array(${columns}, updated_at::text)::text AS row FROM ${relation} ORDER BY id`;
      return (await client.query<{ row: string }>(sql)).rows.map((r) => r.row);
    };
    sameRows(await rowsOf(to, shown, `analytics.${table}`), await rowsOf(from, model, `public.${table}`));
  };

  for (const { table } of tables)
    test(`batch_${table}_full_update fills lake, staging and analytics`, async () => {
      const documents = await run(`batch_${table}_full_update`);
      assert.equal(named(documents, 'node.succeeded'), ['dbt', `extract ${table}`, `load ${table}`, `truncate ${table}`]);
      const rows = table === 'users' ? 200 : 1000;
      assert.equal([factsOf(documents, `extract ${table}`).rows, factsOf(documents, `load ${table}`).rows], [rows, rows]);
      assert.equal(
        dbtResults(documents).filter((line) => line.startsWith('model ')),
        [`model ${table} success`],
      );
      assert.is(await stagingIsSource(tableOf(table)), rows);
      await analyticsIsSource(tableOf(table));
    });

  test('a column that the configuration leaves out is in no place', async () => {
    const { rows } = await to.query("SELECT 1 FROM information_schema.columns WHERE column_name = 'card_token'");
    assert.is(rows.length, 0);
    const { fields } = await readDelta(join(rig.root, '.engine', 'lake', 'transactions'), 'SELECT 1 AS one FROM t LIMIT 1');
    assert.not.ok(fields.some(({ name }) => name === 'card_token'));
  });

  for (const { table } of tables)
    test(`incremental_${table} after no change rewrites no row, and moves the fence`, async () => {
      const before = await written(table);
      const fence = async (): Promise<string> => {
        const { documents } = await rig.json('state', 'show', table);
        const shown = documents[0]?.tables as readonly { readonly fence: string }[] | undefined;
        return shown?.[0]?.fence ?? '';
      };
      const first = await fence();
      const documents = await run(`incremental_${table}`);
      const { rows, fence: next } = factsOf(documents, `extract ${table}`);
      assert.is(rows, 0);
      assert.ok(first !== '' && String(next) > first, `${first} -> ${String(next)}`);
      assert.is(await fence(), next);
      sameRows(lines(await written(table)), lines(before));
    });

  test('after a day the merges insert just the new rows and update just the changed ones', async () => {
    const before = { users: await written('users'), transactions: await written('transactions') };
    const changed = await rig.json('generate', 'daily', '--inserts', '20', '--updates', '15');
    assert.is(changed.code, 0, changed.stderr);
    const said = changed.documents[0]?.tables as Readonly<Record<string, { readonly inserted: number; readonly updated: number }>>;
    for (const sample of tables) {
      const { table } = sample;
      const day = table === 'users' ? { inserted: 2, updated: 2 } : { inserted: 20, updated: 15 };
      assert.equal(said[table], day);
      const documents = await run(`incremental_${table}`);
      const { inserted, updated, unchanged, rows, replaced } = factsOf(documents, `load ${table}`);
      assert.equal({ inserted, updated }, day, table);
      assert.equal([rows, unchanged, replaced], [day.inserted + day.updated, 0, false]);
      const now = await written(table);
      const old = before[table];
      assert.is([...now.keys()].filter((id) => !old.has(id)).length, day.inserted);
      assert.is([...now].filter(([id, at]) => old.has(id) && old.get(id) !== at).length, day.updated);
      assert.is(now.size, old.size + day.inserted);
      const results = dbtResults(documents);
      assert.ok(results.includes(`model ${table} success`), results.join('\n'));
      await stagingIsSource(sample);
      await analyticsIsSource(sample);
    }
  });

  test('a row that is read again because its time lies above the fence is not rewritten', async () => {
    await from.query(
      "BEGIN; SET LOCAL session_replication_role = replica; UPDATE users SET updated_at = now() + interval '1 hour' WHERE id = 1; COMMIT",
    );
    const before = await written('users');
    await run('incremental_users');
    const after = await written('users');
    assert.equal(
      [...after].filter(([id, at]) => before.get(id) !== at).map(([id]) => id),
      ['1'],
    );
    const again = factsOf(await run('incremental_users'), 'load users');
    assert.equal([again.inserted, again.updated], [0, 0]);
    assert.ok(Number(again.unchanged) > 0);
    sameRows(lines(await written('users')), lines(after));
    await analyticsIsSource(tableOf('users'));
  });

  for (const sample of tables)
    test(`delta-rs and DuckDB give the latest version of each key of ${sample.table} as the source has it`, async () => {
      const { table, plain } = sample;
      const names = [...plain, ...times];
      const columns = (time: (name: string) => string): string => [...plain, ...times.map((t) => `${time(t)} AS ${t}`)].join(', ');
      const latest = (time: (name: string) => string, relation: string): string =>
        `SELECT ${columns(time)} FROM (SELECT *, row_number() OVER (PARTITION BY id ORDER BY _extracted_at DESC) AS nth FROM ${relation}) AS v WHERE nth = 1`;
      const inPostgres = plain.map((c) => `${c}::text`).concat(times.map((t) => `(extract(epoch FROM ${t}) * 1000000)::bigint AS ${t}`));
      const expected = asText((await from.query(`SELECT ${inPostgres.join(', ')} FROM public.${table}`)).rows, names);
      const lake = join(rig.root, '.engine', 'lake');
      const delta = await readDelta(
        join(lake, table),
        latest((t) => `arrow_cast(${t}, 'Int64')`, 't'),
      );
      sameRows(asText(delta.rows, names), expected);
      const all = await readDelta(join(lake, table), 'SELECT count(*) AS n FROM t');
      assert.ok(Number(all.rows[0]?.n) > expected.length, 'older versions are kept');
      const duck = await lakeRows(
        openFileLake(lake),
        table,
        latest((t) => `epoch_us(${t})`, 'files'),
      );
      sameRows(asText(duck, names), expected);
    });

  test('a test of a model that fails is exit 1 by name; the retry runs only what failed and was skipped', async () => {
    rig.write('pipelines.yaml', rig.read('pipelines.yaml').replaceAll('dbt: [users]', 'dbt: ["users+"]'));
    rig.write('dbt/models/analytics/by_status.sql', "select status, count(*) as n from {{ ref('users') }} group by status");
    await from.query("UPDATE users SET status = 'Weird' WHERE id = 7");
    const failed = await rig.engine('run', '--pipeline', 'incremental_users');
    assert.is(failed.code, 1, failed.stderr);
    assert.match(failed.stderr, /dbt failed: .*test accepted_values_users_status__active__inactive__blocked/);
    assert.match(failed.stderr, /what to do: /);
    const runId = /engine retry (\w{26})/.exec(failed.stderr)?.[1] ?? '';
    await stagingIsSource(tableOf('users'));

    const still = await rig.json('retry', runId);
    assert.is(still.code, 1);
    assert.equal(named(still.documents, 'node.kept'), ['extract users', 'load users']);
    assert.equal(dbtResults(still.documents), [
      'model by_status skipped',
      'test accepted_values_users_status__active__inactive__blocked fail',
    ]);

    await to.query("UPDATE analytics.users SET status = 'blocked' WHERE id = 7");
    const { code, documents, stderr } = await rig.json('retry', runId);
    assert.is(code, 0, stderr);
    assert.equal(named(documents, 'node.kept'), ['extract users', 'load users']);
    assert.equal(named(documents, 'node.started'), ['dbt']);
    assert.equal(dbtResults(documents), ['model by_status success', 'test accepted_values_users_status__active__inactive__blocked pass']);
    const last = String(documents[0]?.runId);
    const again = await rig.engine('retry', last);
    assert.is(again.code, 0);
    assert.match(again.stderr, `run ${last} succeeded: there is nothing to do again`);
  });
});

function tableOf(name: Sample['table']): Sample {
  const found = tables.find(({ table }) => table === name);
  if (found === undefined) throw new Error(name);
  return found;
}
