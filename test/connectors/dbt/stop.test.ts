import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { invokeDbt } from '../../../connectors/dbt/invocation.ts';
import { stoppedError } from '../../../engine/error.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { suite } from '../../support/suite.ts';
import { waitUntil } from '../../support/wait.ts';
import { createDbtRig, type DbtRig, stagingSql, usersSql } from './project.ts';

const password = "p@ss:/ {{ w%rd }} it's";

/** Of every process of this machine. */
function commandLines(): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [readFileSync(`/proc/${name}/cmdline`, 'utf8')];
      } catch {
        // Ended meanwhile.
        return [];
      }
    });
}

suite('dbt at work', ({ test, before, after }) => {
  let database: TestDatabase;
  let rig: DbtRig;
  const user = `an "odd" {{ user }} ${process.pid}`;
  const sleeping = `SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'engine dbt %' AND state = 'active' AND query LIKE '%pg_sleep(60)%' AND datname = current_database()`;
  const slow = { sink: 'warehouse', select: ['slow'], fullRefresh: false };

  const query = async (sql: string, values: readonly unknown[] = []): Promise<readonly Record<string, unknown>[]> => {
    const client = await database.client();
    try {
      return (await client.query(sql, [...values])).rows;
    } finally {
      await client.end();
    }
  };

  before(async () => {
    database = await freshDatabase('dbt {{ odd }} name');
    rig = createDbtRig({ ...database.parameters, user, password }, 'other staging');
    await query(`CREATE ROLE "${user.replaceAll('"', '""')}" SUPERUSER LOGIN PASSWORD '${password.replaceAll("'", "''")}'`);
    await query(stagingSql);
    await query(usersSql(1, 10, '2026-01-01'));
    await query('ALTER SCHEMA staging RENAME TO "other staging"');
    rig.write('models/analytics/slow.sql', "{{ config(materialized='table') }} select 1 as n from pg_sleep(60)");
  });
  after(async () => {
    rig?.cleanup();
    await database?.drop();
    const other = await freshDatabase('dbt_role');
    const client = await other.client();
    await client.query(`DROP ROLE IF EXISTS "${user.replaceAll('"', '""')}"`);
    await client.end();
    await other.drop();
  });

  test('odd names and passwords reach the server, and the staging schema is the one of the sink', async () => {
    await rig.node.run(rig.context().context, { sink: 'warehouse', select: ['users'], fullRefresh: false });
    assert.equal(await query('SELECT count(*)::int AS n FROM analytics.users'), [{ n: 10 }]);
  });

  test('a stop ends dbt and its query on the server at once; the password is in no command line, file or line', async () => {
    const stop = new AbortController();
    const told = rig.context({ signal: stop.signal });
    const run = rig.node.run(told.context, slow).then(
      () => undefined,
      (error: { readonly code?: string }) => error,
    );
    let backend: unknown;
    const found = async (): Promise<boolean> => {
      backend = (await query(sleeping))[0]?.pid;
      return backend !== undefined;
    };
    await waitUntil(found, 'the slow model at work', 30_000);
    const lines = commandLines();
    assert.ok(
      lines.some((line) => line.includes('dbt.cli.main') && line.includes(rig.root)),
      'dbt is looked at',
    );
    assert.not(lines.some((line) => line.includes(password) || line.includes(encodeURIComponent(password))));

    const began = Date.now();
    stop.abort(stoppedError());
    assert.is((await run)?.code, 'run.stopped');
    assert.ok(Date.now() - began < 5_000, `${Date.now() - began} ms`);
    assert.equal(await query("SELECT pid FROM pg_stat_activity WHERE pid = $1 AND state = 'active'", [backend]), []);
    const files = readdirSync(join(rig.root, '.engine'), { recursive: true, encoding: 'utf8' })
      .map((name) => join(rig.root, '.engine', name))
      .filter((path) => statSync(path).isFile());
    assert.ok(files.some((path) => path.endsWith('dbt.log')));
    for (const path of files) assert.not(readFileSync(path, 'utf8').includes(password), path);
    assert.not(told.lines.join('\n').includes(password));
    assert.equal(
      told.graver.filter((line) => /Traceback|File "|KeyboardInterrupt/.test(line)),
      [],
      'where Python stood is no trouble',
    );
  });

  test('an engine that is killed takes its dbt with it', async () => {
    const engine = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'run-slow.ts')], {
      env: { ...process.env, TMPDIR: rig.root, DBT_RIG: JSON.stringify({ ...database.parameters, user, password }) },
      stdio: 'inherit',
    });
    const ended = new Promise((resolve) => engine.once('exit', resolve));
    const active = async (): Promise<number> => (await query(sleeping)).length;
    await waitUntil(async () => (await active()) > 0, 'the slow model at work', 30_000);
    engine.kill('SIGKILL');
    await ended;
    await waitUntil(async () => (await active()) === 0, 'the slow model is gone', 20_000);
    await waitUntil(() => !commandLines().some((line) => line.includes(rig.root)), 'dbt is gone', 20_000);
  });

  test('a program that does not listen to SIGINT is killed with all that it started', async () => {
    const stop = new AbortController();
    const end = await invokeDbt({
      program: { kind: 'command', command: '/bin/sh' },
      args: ['-c', "trap '' INT; echo ready; sleep 60 & sleep 61"],
      folder: rig.root,
      env: {},
      signal: stop.signal,
      graceMs: 50,
      onLine: (line) => {
        if (line.text === 'ready') stop.abort(stoppedError());
      },
    });
    assert.is(end.killed, true);
    assert.is(end.signal, 'SIGKILL');
  });
});
