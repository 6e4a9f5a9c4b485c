import * as assert from 'uvu/assert';
import { openWorkshop, type Workshop } from '../../support/lake-table.ts';
import { suite } from '../../support/suite.ts';
import { type LoadRequest, type LoadRig, loadRig, refusal, until } from './load-rig.ts';

const rowsOf = (from: number, to: number, text: string): string =>
  `SELECT i::BIGINT AS id, '${text} ' || i AS v FROM range(${from}, ${to}) r(i)`;

suite('readers beside a load', ({ test, before, after }) => {
  let shop: Workshop;
  let rig: LoadRig;
  before(async () => {
    shop = await openWorkshop();
    rig = await loadRig(shop.lake, 'load_readers');
  });
  after(async () => {
    await rig.close();
    await shop.close();
  });

  test('views, grants, indexes, comments and triggers survive a full load', async () => {
    await shop.write('kept', { mode: 'full', rows: rowsOf(1, 4, 'x') });
    await rig.full({ table: 'kept' });
    await rig.client.query(`
      CREATE VIEW public.over_kept AS SELECT id, v FROM staging.kept;
      CREATE INDEX kept_v ON staging.kept (v);
      COMMENT ON TABLE staging.kept IS 'ours';
      GRANT SELECT ON staging.kept TO pg_monitor`);
    const shape = `SELECT c.oid, c.relacl, obj_description(c.oid), (SELECT array_agg(indexrelid::regclass::text ORDER BY 1) FROM pg_index WHERE indrelid = c.oid)
      FROM pg_class c WHERE c.oid = 'staging.kept'::regclass`;
    const before = await rig.rows(shape);
    await shop.write('kept', { mode: 'full', rows: rowsOf(2, 6, 'y') });
    await rig.full({ table: 'kept' });
    assert.equal(await rig.rows(shape), before);
    assert.equal(await rig.rows('SELECT count(*), min(v) FROM public.over_kept'), [['4', 'y 2']]);
  });

  test('neither a looping reader nor an older REPEATABLE READ snapshot ever sees an empty or partial table', async () => {
    await shop.write('seen', { mode: 'full', rows: rowsOf(0, 20_000, 'x') });
    await rig.full({ table: 'seen' });
    await shop.write('seen', { mode: 'full', rows: rowsOf(0, 20_000, 'y') });
    const old = await rig.db.client();
    await old.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await old.query('SELECT 1');
    const looping = await rig.db.client();
    const seen: string[] = [];
    let over = false;
    const loop = (async () => {
      while (!over)
        seen.push((await looping.query(`SELECT count(*) || ' ' || min(left(v, 1)) || max(left(v, 1)) AS n FROM staging.seen`)).rows[0].n);
    })();
    try {
      await until(() => seen.length > 2, 'the reader');
      await rig.full({ table: 'seen' });
      const so_far = seen.length;
      await until(() => seen.length > so_far + 2, 'the reader');
    } finally {
      over = true;
      await loop;
    }
    assert.equal([...new Set(seen)], ['20000 xx', '20000 yy']);
    // The snapshot is older than the load, and sees the new rows: frozen ones are there for everybody.
    assert.equal((await old.query('SELECT count(*)::int AS n, min(left(v, 1)) AS v FROM staging.seen')).rows, [{ n: 20_000, v: 'y' }]);
    await old.query('COMMIT');
  });

  test('the rows of a full load are frozen', async () => {
    await rig.client.query('CREATE EXTENSION IF NOT EXISTS pageinspect SCHEMA public');
    const found = await rig.rows(
      `SELECT count(*) FILTER (WHERE t_infomask & 768 = 768), count(*) FROM public.heap_page_items(public.get_raw_page('staging.seen', 0))`,
    );
    assert.is(found[0]?.[0], found[0]?.[1]);
  });

  test('a full load waits for a reader that holds the table, and readers that come later do not wait behind it for long', async () => {
    await shop.write('held', { mode: 'full', rows: rowsOf(1, 4, 'x') });
    await rig.full({ table: 'held' });
    await shop.write('held', { mode: 'full', rows: rowsOf(1, 4, 'y') });
    const holder = await rig.db.client();
    await holder.query('BEGIN');
    await holder.query('SELECT * FROM staging.held');
    const work = rig.full({ table: 'held', lockTimeoutMs: 50 });
    await until(
      async () =>
        (await rig.rows(`SELECT count(*) FROM pg_locks WHERE relation = 'staging.held'::regclass AND NOT granted`))[0]?.[0] === '1',
      'the load to queue',
    );
    // A reader that queued behind an endless wait would time out here.
    const late = await rig.db.client();
    await late.query(`SET statement_timeout = '5s'`);
    assert.is((await late.query('SELECT count(*)::int AS n FROM staging.held')).rows[0].n, 3);
    await holder.query('COMMIT');
    await work;
    assert.equal(await rig.rows('SELECT min(v) FROM staging.held'), [['y 1']]);
  });

  test('a reader that never ends is named, and nothing is changed', async () => {
    await shop.write('held', { mode: 'full', rows: rowsOf(1, 4, 'z') });
    const holder = await rig.db.client();
    await holder.query(`SET application_name = 'a long report'`);
    const pid = (await holder.query('SELECT pg_backend_pid() AS pid')).rows[0].pid;
    await holder.query('BEGIN');
    await holder.query('SELECT * FROM staging.held');
    const doing = new Set<string | undefined>();
    const onProgress: LoadRequest['onProgress'] = (progress) => void doing.add(progress.doing);
    const error = await refusal(rig.full({ table: 'held', lockTimeoutMs: 50, lockWaitMs: 700, onProgress }));
    assert.is(error.code, 'load.busy');
    assert.ok(doing.has(`waiting: ${error.message}`), 'while it waits it says for whom');
    assert.is(rig.logs.filter((line) => line === `info ${error.message}; waiting`).length, 1);
    assert.ok(error.message.includes(`pid ${pid}`) && error.message.includes('a long report'), error.message);
    assert.is(error.retryable, true);
    await holder.query('COMMIT');
    assert.equal(await rig.rows('SELECT min(v) FROM staging.held'), [['y 1']]);
  });

  test('two loads of one table at once: one works, the other waits and finds nothing to do', async () => {
    await shop.write('twice', { mode: 'full', rows: rowsOf(0, 50_000, 'x') });
    await shop.write('twice', { rows: rowsOf(0, 10, 'y') });
    const done = await Promise.all([rig.full({ table: 'twice' }), rig.incremental({ table: 'twice' })]);
    assert.equal(done.map((d) => d.facts.rows).sort(), [0, 50_010]);
    assert.equal(await rig.rows('SELECT count(*) FROM staging.twice'), [['50000']]);
    assert.equal(await rig.rows(`SELECT count(*) FROM engine.loads WHERE target_table = 'twice'`), [['2']]);
  });

  test('a load that another one keeps waiting too long is refused and names it', async () => {
    await shop.write('twice', { rows: rowsOf(0, 5, 'z') });
    let error: Error | undefined;
    await rig.incremental({
      table: 'twice',
      beforeCommit: async () => {
        error = await refusal(rig.incremental({ table: 'twice', lockTimeoutMs: 50, lockWaitMs: 200 }));
      },
    });
    assert.ok(error?.message.startsWith('another load of staging.twice is at work: pid '), error?.message);
  });
});

suite('the first loads of a new database', ({ test, after }) => {
  const opened: { close(): Promise<void> }[] = [];
  after(async () => {
    for (const one of opened) await one.close();
  });

  test('many tables at once make schema and ledger together without a fault', async () => {
    const shop = await openWorkshop();
    opened.push(shop);
    const rig = await loadRig(shop.lake, 'load_first');
    opened.unshift(rig);
    const tables = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (const table of tables) await shop.write(table, { mode: 'full', rows: rowsOf(0, 10, table) });
    await Promise.all(tables.map((table) => rig.full({ table })));
    assert.equal(await rig.rows('SELECT count(*), sum(rows) FROM engine.loads'), [['6', '60']]);
  });
});
