import { readdir } from 'node:fs/promises';
import type { Client } from 'pg';
import * as assert from 'uvu/assert';
import type { PostgresServer } from '../../../connectors/postgres/server.ts';
import { lakeFields } from '../../../lake/schema.ts';
import { openWorkshop, type Workshop } from '../../support/lake-table.ts';
import { suite } from '../../support/suite.ts';
import { type LoadRig, loadRig, refusal } from './load-rig.ts';

const rowsOf = (from: number, to: number, text: string): string =>
  `SELECT i::BIGINT AS id, '${text} ' || i AS v FROM range(${from}, ${to}) r(i)`;

/** A server whose first session of a load does something of its own instead of COMMIT. */
function atCommit(server: PostgresServer, instead: (client: Client, commit: () => Promise<unknown>) => Promise<unknown>): PostgresServer {
  let armed = true;
  return {
    ...server,
    connect: async (label) => {
      const client = await server.connect(label);
      if (!armed) return client;
      armed = false;
      const query = client.query.bind(client) as (...given: unknown[]) => unknown;
      let loading = false;
      const spied = (...given: unknown[]): unknown => {
        if (String(given[0]).startsWith('INSERT INTO "engine"."loads"')) loading = true;
        return given[0] === 'COMMIT' && loading ? instead(client, async () => await query('COMMIT')) : query(...given);
      };
      Object.assign(client, { query: spied });
      return client;
    },
  };
}

suite('faults of a load', ({ test, before, after }) => {
  let shop: Workshop;
  let rig: LoadRig;
  before(async () => {
    shop = await openWorkshop();
    rig = await loadRig(shop.lake, 'load_faults');
  });
  after(async () => {
    await rig.close();
    await shop.close();
  });

  const backends = `SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'engine load %' AND datname = current_database()`;
  const leftovers = async (): Promise<readonly string[]> => readdir(rig.tempFolder);

  test('an answer to COMMIT that is lost after the commit: the ledger tells, and nothing is done twice', async () => {
    await shop.write('lost', { mode: 'full', rows: rowsOf(1, 4, 'x') });
    const server = atCommit(rig.server, async (_client, commit) => {
      await commit();
      throw new Error('Connection terminated unexpectedly');
    });
    const done = await rig.full({ table: 'lost', server });
    assert.equal(done.facts.committed, [0]);
    assert.ok(rig.logs.some((l) => l.includes('the answer to COMMIT was lost')));
    assert.is((await rig.full({ table: 'lost' })).summary, 'nothing new; lake v0');
    assert.equal(await rig.rows('SELECT count(*) FROM staging.lost'), [['3']]);
  });

  test('a session that dies before the commit leaves nothing, and the next run does it', async () => {
    await shop.write('lost', { mode: 'full', rows: rowsOf(1, 6, 'y') });
    const server = atCommit(rig.server, async (client, commit) => {
      const pid = (await client.query('SELECT pg_backend_pid() AS pid')).rows[0].pid;
      await rig.client.query('SELECT pg_terminate_backend($1)', [pid]);
      return await commit();
    });
    const error = await refusal(rig.full({ table: 'lost', server }));
    assert.is(error.retryable, true, error.code);
    assert.equal(await rig.rows('SELECT count(*), min(v) FROM staging.lost'), [['3', 'x 1']]);
    await rig.full({ table: 'lost' });
    assert.equal(await rig.rows('SELECT count(*), min(v) FROM staging.lost'), [['5', 'y 1']]);
  });

  test('a commit whose event was never written is found in the ledger by the next run', async () => {
    await shop.write('event', { mode: 'full', rows: rowsOf(1, 4, 'x') });
    await rig.full({ table: 'event' });
    const before = await rig.rows('SELECT id, xmin, ctid FROM staging.event');
    assert.is((await rig.full({ table: 'event' })).facts.rows, 0);
    assert.equal(await rig.rows('SELECT id, xmin, ctid FROM staging.event'), before);
  });

  test('a session that is killed in the middle of a copy leaves staging as it was', async () => {
    await shop.write('killed', { mode: 'full', rows: rowsOf(0, 10, 'x') });
    await rig.full({ table: 'killed' });
    await shop.write('killed', { mode: 'full', rows: rowsOf(0, 400_000, 'y') });
    let killed = false;
    const error = await refusal(
      rig.full({
        table: 'killed',
        onProgress: ({ rows }) => {
          if (killed || rows === undefined) return;
          killed = true;
          void rig.client.query(
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'engine load %' AND datname = current_database()`,
          );
        },
      }),
    );
    assert.is(killed, true);
    assert.is(error.retryable, true, `${error.code} ${error.message}`);
    assert.equal(await rig.rows('SELECT count(*), min(v) FROM staging.killed'), [['10', 'x 0']]);
    assert.equal(await leftovers(), []);
    await rig.full({ table: 'killed' });
    assert.equal(await rig.rows('SELECT count(*), count(DISTINCT id) FROM staging.killed'), [['400000', '400000']]);
  });

  test('a value that staging refuses is named by its column when rows travel as binary, and staging is as it was', async () => {
    await rig.client.query(`CREATE TYPE public.mood AS ENUM ('happy')`);
    const fields = lakeFields([
      { name: 'id', type: 'long', postgresType: 'bigint', baseType: 'bigint' },
      { name: 'v', type: 'string', postgresType: 'public.mood', baseType: 'text' },
    ]);
    const moods = (last: string): string => `SELECT i::BIGINT AS id, if(i = 59999, '${last}', 'happy') AS v FROM range(60000) r(i)`;
    await shop.write('moods', { mode: 'full', fields, rows: moods('happy') });
    await rig.full({ table: 'moods' });
    assert.ok(rig.logs.includes('debug rows travel as binary'), rig.logs.join('; '));
    await shop.write('moods', { mode: 'full', fields, rows: moods('sad') });
    const error = await refusal(rig.full({ table: 'moods' }));
    assert.match(error.message, /loading staging\.moods, column v: .*invalid input value for enum public\.mood: "sad"/);
    assert.equal(await rig.rows('SELECT count(*), count(DISTINCT v) FROM staging.moods'), [['60000', '1']]);
    assert.equal(await leftovers(), []);
  });

  test('a run that is told to stop ends the load on the server at once, and nothing is half done', async () => {
    await shop.write('stopped', { mode: 'full', rows: rowsOf(0, 10, 'x') });
    await rig.full({ table: 'stopped' });
    await shop.write('stopped', { mode: 'full', rows: rowsOf(0, 600_000, 'y') });
    const control = new AbortController();
    let toldAt = 0;
    const error = await refusal(
      rig.full({
        table: 'stopped',
        signal: control.signal,
        onProgress: ({ rows }) => {
          if (rows === undefined || control.signal.aborted) return;
          toldAt = Date.now();
          control.abort();
        },
      }),
    );
    assert.is(error.trouble, 'stopped');
    assert.ok(Date.now() - toldAt < 2_000, `took ${Date.now() - toldAt} ms`);
    assert.equal(await rig.rows('SELECT count(*) FROM staging.stopped'), [['10']]);
    assert.equal(await rig.rows(backends), [['0']]);
    assert.equal(await leftovers(), []);
  });

  test('a run that is told to stop while a merge statement works ends it at once', async () => {
    await shop.write('slow', { mode: 'full', rows: rowsOf(0, 10, 'x') });
    await rig.full({ table: 'slow' });
    await rig.client.query(`
      CREATE FUNCTION public.dawdle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_catalog.pg_sleep(20); RETURN NEW; END';
      CREATE TRIGGER dawdle BEFORE INSERT ON staging.slow FOR EACH ROW EXECUTE FUNCTION public.dawdle()`);
    await shop.write('slow', { rows: rowsOf(20, 21, 'y') });
    const control = new AbortController();
    const began = Date.now();
    const work = refusal(
      rig.incremental({ table: 'slow', signal: control.signal, onProgress: ({ doing }) => void (doing === 'merging' && control.abort()) }),
    );
    assert.is((await work).trouble, 'stopped');
    assert.ok(Date.now() - began < 5_000);
    await rig.client.query('DROP TRIGGER dawdle ON staging.slow');
    await rig.incremental({ table: 'slow' });
    assert.equal(await rig.rows('SELECT count(*) FROM staging.slow'), [['11']]);
  });

  test('a key that stands twice in one extract is named, and nothing of that load is in', async () => {
    await shop.write('repeats', { mode: 'full', rows: rowsOf(1, 3, 'x') });
    await rig.full({ table: 'repeats' });
    await shop.write('repeats', { rows: rowsOf(7, 8, 'fine') });
    await shop.write('repeats', { rows: `SELECT * FROM (VALUES (1::BIGINT, 'x 1'), (41, 'a'), (41, 'b')) AS r(id, v)` });
    const merged = await refusal(rig.incremental({ table: 'repeats' }));
    assert.is(merged.code, 'load.key-repeats');
    assert.ok(merged.message.includes('(id) = (41)'), merged.message);
    assert.equal(await rig.rows('SELECT count(*) FROM staging.repeats'), [['2']]);
    await shop.write('repeats', { mode: 'full', rows: `SELECT * FROM (VALUES (1::BIGINT, 'x 1'), (42, 'a'), (42, 'b')) AS r(id, v)` });
    const replaced = await refusal(rig.full({ table: 'repeats' }));
    assert.is(replaced.code, 'load.key-repeats');
    assert.ok(replaced.message.includes('42'), replaced.message);
    assert.equal(await rig.rows('SELECT count(*), min(v) FROM staging.repeats'), [['2', 'x 1']]);
  });

  test('a file of the lake that holds other rows than its entry says is refused', async () => {
    await shop.write('damaged', { mode: 'full', rows: rowsOf(1, 4, 'x'), commit: { fence: null } });
    const [file] = (await shop.rows(`SELECT file FROM glob('${shop.root}/damaged/**/*.parquet')`))[0] ?? [];
    await shop.connection.run(`COPY (SELECT * FROM read_parquet('${String(file)}') LIMIT 2) TO '${String(file)}2' (FORMAT parquet)`);
    const { renameSync } = await import('node:fs');
    renameSync(`${String(file)}2`, String(file));
    assert.is((await refusal(rig.full({ table: 'damaged' }))).code, 'load.rows-differ');
  });
});
