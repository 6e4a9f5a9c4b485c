import * as assert from 'uvu/assert';
import { openServer } from '../../../connectors/postgres/open-server.ts';
import { systemClock } from '../../../engine/base/clock.ts';
import { createMemoryRealm, createMemoryStore } from '../../../engine/stores/memory.ts';
import { openWorkshop, type Workshop } from '../../support/lake-table.ts';
import { suite } from '../../support/suite.ts';
import { type LoadRig, loadRig, refusal, until } from './load-rig.ts';

const rowsOf = (from: number, to: number, text: string): string =>
  `SELECT i::BIGINT AS id, '${text} ' || i AS v FROM range(${from}, ${to}) r(i)`;

/** Something that is waited for, and how to let it go on. */
function gate(): { readonly reached: Promise<void>; readonly pass: () => Promise<void>; readonly open: () => void } {
  let reach = (): void => undefined;
  let open = (): void => undefined;
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return {
    reached,
    pass: () => {
      reach();
      return opened;
    },
    open: () => open(),
  };
}

suite('attempts at loading one target', ({ test, before, after }) => {
  let shop: Workshop;
  let rig: LoadRig;
  before(async () => {
    shop = await openWorkshop();
    rig = await loadRig(shop.lake, 'load_attempts');
  });
  after(async () => {
    await rig.close();
    await shop.close();
  });
  const count = async (table: string): Promise<string> => String((await rig.rows(`SELECT count(*) FROM staging.${table}`))[0]?.[0]);
  const backends = async (): Promise<string> =>
    String(
      (
        await rig.rows(`SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'engine load %' AND datname = current_database()`)
      )[0]?.[0],
    );

  test('a run waits for the lease of another live run, and finds the work done', async () => {
    const realm = createMemoryRealm();
    await shop.write('waits', { mode: 'full', rows: rowsOf(0, 10, 'x') });
    const { reached, pass, open } = gate();
    const first = rig.full({ table: 'waits', store: createMemoryStore(systemClock, realm), beforeCommit: pass });
    await reached;
    let waited = false;
    const second = rig.full({
      table: 'waits',
      store: createMemoryStore(systemClock, realm),
      onProgress: ({ doing }) => {
        if (doing?.startsWith('waiting: load ') === true && doing.includes(' is held by run ')) waited = true;
      },
    });
    await until(() => waited, 'the second run to wait');
    assert.is(await backends(), '1', 'it holds no session while it waits');
    open();
    assert.equal((await first).facts.committed, [0]);
    assert.equal((await second).facts.versions, []);
  });

  test('a run that waits too long for the lease is refused by the name of the run that has it', async () => {
    const realm = createMemoryRealm();
    await shop.write('patient', { mode: 'full', rows: rowsOf(0, 10, 'x') });
    const { reached, pass, open } = gate();
    const first = rig.full({ table: 'patient', runId: 'the-first', store: createMemoryStore(systemClock, realm), beforeCommit: pass });
    await reached;
    const error = await refusal(rig.full({ table: 'patient', store: createMemoryStore(systemClock, realm), lockWaitMs: 300 }));
    assert.is(error.code, 'lease.held');
    assert.is(error.trouble, 'refused');
    assert.match(error.message, /the-first/);
    open();
    await first;
  });

  test('a worker that was declared dead is ended by the one that takes over, and can commit neither then nor in a later attempt', async () => {
    const realm = createMemoryRealm();
    await shop.write('dead', { mode: 'full', rows: rowsOf(0, 10, 'x') });
    await rig.full({ table: 'dead' });
    await shop.write('dead', { mode: 'full', rows: rowsOf(0, 20, 'y') });
    const { reached, pass, open } = gate();
    const sleeperStore = createMemoryStore(systemClock, realm);
    const sleeper = refusal(rig.full({ table: 'dead', runId: 'sleeper', store: sleeperStore, beforeCommit: pass }));
    await reached;
    realm.alive.delete('sleeper');
    const heir = await rig.full({ table: 'dead', runId: 'heir', store: createMemoryStore(systemClock, realm) });
    assert.equal(heir.facts.committed, [1]);
    assert.ok(rig.logs.some((l) => /ending pid \d+ on the sink, left behind by run sleeper/.test(l)));
    assert.is(await count('dead'), '20');
    open();
    const woken = await sleeper;
    assert.is(woken.code, 'lease.lost', woken.message);
    assert.is(woken.retryable, false);
    assert.is(await count('dead'), '20');
    assert.equal(await rig.rows(`SELECT run FROM engine.loads WHERE target_table = 'dead' AND version = 1`), [['heir']]);
  });

  test('a lease that was taken over ends the next attempt of the one that lost it', async () => {
    const realm = createMemoryRealm();
    const { createRunLeases } = await import('../../../engine/execute/leases.ts');
    const { leaseTarget } = await import('../../../connectors/postgres/attempt-register.ts');
    const patience = { timeoutMs: 100, waitMs: 100, clock: systemClock, signal: new AbortController().signal, waits: () => undefined };
    const contextOf = (runId: string): Parameters<typeof leaseTarget>[0] => {
      const leases = createRunLeases(createMemoryStore(systemClock, realm), { runId, host: 'here', pid: 1 });
      return { lease: (name: string) => leases.take(name), progress: () => undefined, log: () => undefined } as never;
    };
    const into = { schema: 'staging', name: 't' };
    const sleeper = contextOf('sleeper');
    assert.ok(await leaseTarget(sleeper, 'db', into, patience));
    realm.alive.delete('sleeper');
    assert.ok(await leaseTarget(contextOf('heir'), 'db', into, patience));
    const error = await refusal(leaseTarget(sleeper, 'db', into, patience));
    assert.is(error.code, 'lease.lost');
    assert.is(error.retryable, false);
  });

  test('in its own transaction a load proves that it is the newest: one that is not is rolled back', async () => {
    const realm = createMemoryRealm();
    await shop.write('proof', { mode: 'full', rows: rowsOf(0, 10, 'x') });
    await rig.full({ table: 'proof' });
    await shop.write('proof', { mode: 'full', rows: rowsOf(0, 20, 'y') });
    const error = await refusal(
      rig.full({
        table: 'proof',
        store: createMemoryStore(systemClock, realm),
        beforeCommit: async () => {
          await rig.client.query(`UPDATE engine.attempts SET token = token + 1, run = 'somebody' WHERE target_table = 'proof'`);
        },
      }),
    );
    assert.is(error.code, 'load.superseded');
    assert.is(error.trouble, 'refused');
    assert.match(error.message, /somebody/);
    assert.is(await count('proof'), '10');
    assert.is((await rig.rows(`SELECT max(version) FROM engine.loads WHERE target_table = 'proof'`))[0]?.[0], '0');
  });

  test('a later attempt of a run ends what an earlier one left behind', async () => {
    const store = createMemoryStore(systemClock);
    await shop.write('again', { mode: 'full', rows: rowsOf(0, 10, 'x') });
    const { reached, pass, open } = gate();
    const first = refusal(rig.full({ table: 'again', runId: 'one', attempt: 1, store, beforeCommit: pass }));
    await reached;
    const second = await rig.full({ table: 'again', runId: 'one', attempt: 2, store });
    assert.equal(second.facts.committed, [0]);
    open();
    assert.is((await first).code, 'lease.lost', 'the second attempt has done the work and given it back');
    assert.is(await count('again'), '10');
  });

  test('engines with different state stores end nobody: the second waits for the first by the lock of the target', async () => {
    await shop.write('strangers', { mode: 'full', rows: rowsOf(0, 10, 'x') });
    const { reached, pass, open } = gate();
    const first = rig.full({ table: 'strangers', beforeCommit: pass });
    await reached;
    const second = rig.full({ table: 'strangers' });
    await until(
      async () =>
        (
          await rig.rows(
            `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
          )
        )[0]?.[0] === '1',
      'the second engine to wait',
    );
    open();
    assert.equal((await first).facts.committed, [0]);
    assert.equal((await second).facts.versions, []);
  });

  test('a sink that is reached by another address than before is loaded all the same', async () => {
    const realm = createMemoryRealm();
    for (const n of [1, 2, 3]) {
      await shop.write('moved', { mode: 'full', rows: rowsOf(0, n, 'x') });
      await rig.full({ table: 'moved', store: createMemoryStore(systemClock, realm) });
    }
    await shop.write('moved', { mode: 'full', rows: rowsOf(0, 9, 'x') });
    const url = new URL(rig.db.url);
    url.hostname = url.hostname === 'localhost' ? '127.0.0.1' : 'localhost';
    const scope = { root: '/nonexistent', clock: systemClock, engine: 'test', log: () => undefined };
    const elsewhere = openServer('sink', { url: url.href }, scope);
    try {
      await rig.full({ table: 'moved', store: createMemoryStore(systemClock, realm), server: elsewhere });
    } finally {
      await elsewhere.close();
    }
    assert.is(await count('moved'), '9');
  });

  test('without an answer of the state store a load goes on, and says so', async () => {
    await shop.write('alone', { mode: 'full', rows: rowsOf(0, 10, 'x') });
    const { EngineError } = await import('../../../engine/error.ts');
    const gone = (): Promise<never> =>
      Promise.reject(new EngineError('outside', 'store.failed', 'the state store is gone', { retryable: true }));
    const done = await rig.full({ table: 'alone', store: { ...createMemoryStore(systemClock), lease: gone } });
    assert.equal(done.facts.committed, [0]);
    assert.ok(rig.logs.some((l) => l.startsWith('warn') && l.includes('loaded without a lease: the state store is gone')));
  });
});

suite('what the user added to staging', ({ test, before, after }) => {
  let shop: Workshop;
  let rig: LoadRig;
  before(async () => {
    shop = await openWorkshop();
    rig = await loadRig(shop.lake, 'load_users');
    for (const table of ['checked', 'unique_v', 'swallows', 'audited']) {
      await shop.write(table, { mode: 'full', rows: rowsOf(0, 10, 'x') });
      await rig.full({ table });
    }
  });
  after(async () => {
    await rig.close();
    await shop.close();
  });

  test('a constraint that a row breaks fails the load by its name, merged or replaced, and staging stays as it was', async () => {
    await rig.client.query(`ALTER TABLE staging.checked ADD CONSTRAINT short CHECK (length(v) < 5)`);
    await shop.write('checked', { rows: rowsOf(10, 11, 'longer') });
    const merged = await refusal(rig.incremental({ table: 'checked' }));
    assert.is(merged.code, 'postgres.constraint');
    assert.match(merged.message, /short/);
    await shop.write('checked', { mode: 'full', rows: rowsOf(0, 3, 'longer') });
    assert.match((await refusal(rig.full({ table: 'checked' }))).message, /short/);
    assert.equal(await rig.rows('SELECT count(*), max(length(v)) FROM staging.checked'), [['10', '3']]);
    await rig.client.query('ALTER TABLE staging.checked DROP CONSTRAINT short');
    await rig.full({ table: 'checked' });
    assert.equal(await rig.rows('SELECT count(*) FROM staging.checked'), [['3']]);
  });

  test('a unique index that the lake breaks fails the load, and staging stays as it was', async () => {
    await rig.client.query('CREATE UNIQUE INDEX own ON staging.unique_v (v)');
    await shop.write('unique_v', { rows: `SELECT 77::BIGINT AS id, 'x 1' AS v` });
    const error = await refusal(rig.incremental({ table: 'unique_v' }));
    assert.is(error.code, 'load.key-repeats');
    assert.match(`${error.message} ${error.hint}`, /x 1/);
    assert.match(error.hint ?? '', /unique index was added to staging/);
    assert.equal(await rig.rows('SELECT count(*) FROM staging.unique_v'), [['10']]);
  });

  test('a trigger that swallows rows does not do so in silence', async () => {
    await rig.client.query(`
      CREATE FUNCTION public.swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.id % 2 = 0 THEN RETURN NULL; END IF; RETURN NEW; END';
      CREATE TRIGGER swallow BEFORE INSERT ON staging.swallows FOR EACH ROW EXECUTE FUNCTION public.swallow()`);
    await shop.write('swallows', { mode: 'full', rows: rowsOf(0, 20, 'y') });
    const error = await refusal(rig.full({ table: 'swallows' }));
    assert.is(error.code, 'load.rows-differ');
    assert.match(error.hint ?? '', /trigger/);
    assert.equal(await rig.rows('SELECT count(*), min(v) FROM staging.swallows'), [['10', 'x 0']]);
    await rig.client.query('DROP TRIGGER swallow ON staging.swallows');
    await rig.full({ table: 'swallows' });
    await rig.client.query(
      'CREATE TRIGGER swallow BEFORE INSERT OR UPDATE ON staging.swallows FOR EACH ROW EXECUTE FUNCTION public.swallow()',
    );
    for (const rows of [`SELECT 40::BIGINT AS id, 'new' AS v`, `SELECT 2::BIGINT AS id, 'changed' AS v`]) {
      await shop.write('swallows', { rows });
      const merged = await refusal(rig.incremental({ table: 'swallows' }));
      assert.is(merged.code, 'load.rows-differ');
      assert.match(`${merged.message} ${merged.hint}`, /trigger swallow/);
    }
    await rig.client.query('DROP TRIGGER swallow ON staging.swallows');
    await rig.incremental({ table: 'swallows' });
    assert.equal(await rig.rows('SELECT id, v FROM staging.swallows WHERE id IN (2, 40) ORDER BY id'), [
      ['2', 'changed'],
      ['40', 'new'],
    ]);
  });

  test('a trigger that only looks on sees every row, once', async () => {
    await rig.client.query(`
      CREATE TABLE public.seen (id bigint, op text);
      CREATE FUNCTION public.look() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.seen VALUES (NEW.id, TG_OP); RETURN NULL; END';
      CREATE TRIGGER look AFTER INSERT OR UPDATE ON staging.audited FOR EACH ROW EXECUTE FUNCTION public.look()`);
    await shop.write('audited', { rows: `SELECT * FROM (VALUES (1::BIGINT, 'new'), (2, 'x 2'), (50, 'fresh')) AS r(id, v)` });
    await rig.incremental({ table: 'audited' });
    assert.equal(await rig.rows('SELECT id, op FROM public.seen ORDER BY id'), [
      ['1', 'UPDATE'],
      ['50', 'INSERT'],
    ]);
  });
});
