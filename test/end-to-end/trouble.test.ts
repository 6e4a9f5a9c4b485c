import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { quoteIdentifier } from '../../connectors/postgres/identifier.ts';
import { freshDatabase } from '../support/postgres.ts';
import { mountSmallDisk, whyNoSmallDisk } from '../support/small-disk.ts';
import { suite } from '../support/suite.ts';
import { changed, openTroubledProject, type TroubledProject, wrongPassword } from '../support/trouble.ts';

const connections: readonly {
  readonly what: string;
  readonly url: (url: string) => string;
  readonly texts: readonly (string | RegExp)[];
}[] = [
  {
    what: 'nobody listens',
    url: (url) => changed(url, { port: '1', password: wrongPassword }),
    texts: ['127.0.0.1:1', 'ECONNREFUSED', 'No server listens there', '(postgres.refused)'],
  },
  {
    what: 'the host is unknown',
    url: (url) => changed(url, { hostname: 'no-such-host.invalid' }),
    texts: ['no-such-host.invalid', 'Check the host in the URL', '(postgres.unknown-host)'],
  },
  {
    what: 'the password is wrong',
    url: (url) => changed(url, { password: wrongPassword }),
    texts: ['password authentication failed for user "engine"', 'PGPASSWORD', '(postgres.password)'],
  },
  {
    what: 'the database is unknown',
    url: (url) => changed(url, { pathname: '/no_such_database' }),
    texts: ['database "no_such_database" does not exist', 'the database must exist already', '(postgres.no-database)'],
  },
];

suite('trouble', ({ test, before, after, skip }) => {
  let project: TroubledProject;
  before(async () => {
    project = await openTroubledProject();
  });
  after(() => project.close());

  /** What is in lake and staging stays as it is. */
  const leavesAll = async (body: () => Promise<void>): Promise<void> => {
    const before = await project.standing();
    await body();
    await project.noSessions();
    assert.equal(await project.standing(), before);
  };
  const change = async (): Promise<void> => {
    await project.from.query('UPDATE users SET name = md5(random()::text), updated_at = clock_timestamp() WHERE id % 10 = 0');
    await project.from.query("INSERT INTO users SELECT max(id) + 1, 'new' FROM users");
  };

  test('a wrong command line is exit 2 with what was meant, and makes nothing', async () => {
    const cases: readonly (readonly [readonly string[], string])[] = [
      [['run', '--pipeline', 'ful'], 'Did you mean `full`?'],
      [['run', '--pipeline', 'full', '--table', 'user'], 'Did you mean `users`?'],
      [['run', '--plan', 'none.json'], 'the plan none.json cannot be read'],
      [['run', '--plan', 'pipelines.yaml'], 'pipelines.yaml is no plan of this engine'],
      [['retry', '01ARZ3NDEKTSV4RRFFQ69G5FAV'], 'nothing was run yet'],
      [['run', '--pipeline', 'full', '--config', 'elsewhere.yaml'], 'elsewhere.yaml'],
    ];
    for (const [args, text] of cases) await project.says(2, [text], ...args);
    assert.not.ok(project.rig.exists('lake'));
    const { rows } = await project.to.query("SELECT nspname FROM pg_namespace WHERE nspname IN ('engine', 'staging')");
    assert.is(rows.length, 0);
    await project.recovers('run', '--pipeline', 'full');
    await project.says(2, ['there is no run 01ARZ3NDEKTSV4RRFFQ69G5FAV', 'the newest is'], 'retry', '01ARZ3NDEKTSV4RRFFQ69G5FAV');
  });

  for (const [side, where] of [
    ['SOURCE_URL', 'source'],
    ['WAREHOUSE_URL', 'warehouse'],
  ] as const)
    test(`where ${connections.map((c) => c.what).join(', ')}, for the ${where}: exit 3, cause and way out`, () =>
      leavesAll(async () => {
        const right = where === 'source' ? project.source.url : project.warehouse.url;
        for (const { url, texts } of connections)
          await project.withEnv({ [side]: url(right) }, async () => {
            const { stdout } = await project.says(3, texts, 'run', '--pipeline', 'changed');
            assert.is(stdout, '');
          });
      }));

  test('the next run after all of these is green, also with something new', async () => {
    await change();
    await project.recovers();
  });

  test('a table that the role may not read is exit 3 by name; its sibling goes on, and after the GRANT the retry does the rest', async () => {
    const { name, url } = await project.role(project.source);
    await project.from.query(`GRANT SELECT ON users TO ${quoteIdentifier(name)}`);
    await change();
    const before = (await project.standing()) as { readonly orders: unknown };
    await project.withEnv({ SOURCE_URL: url }, async () => {
      const { stderr } = await project.says(
        3,
        ['extract orders failed: extracting public.orders: permission denied for table orders\n', 'engine doctor'],
        'run',
        '--pipeline',
        'full',
      );
      assert.match(stderr, /users +extract \d+ rows +truncate ok +load \d+ rows/);
      assert.equal(project.lakeFiles('orders'), before.orders);
      await project.from.query(`GRANT SELECT ON orders TO ${quoteIdentifier(name)}`);
      await project.recovers('retry', /engine retry (\w{26})/.exec(stderr)?.[1] ?? '');
    });
  });

  test('a role that may create nothing in the sink is exit 3 and nothing is made there; with the right the next run is green', async () => {
    const bare = await freshDatabase('trouble_bare');
    const client = await bare.client();
    try {
      const { name, url } = await project.role(bare);
      const schemas = async (): Promise<readonly string[]> =>
        (
          await client.query<{ name: string }>("SELECT nspname::text AS name FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1")
        ).rows.map((row) => row.name);
      const before = await schemas();
      await project.withEnv({ WAREHOUSE_URL: url, LAKE: 'lake-bare' }, async () => {
        await project.says(3, ['permission denied for database', 'GRANT CREATE ON DATABASE'], 'run', '--pipeline', 'full');
        assert.equal(await schemas(), before);
        assert.not.ok(project.rig.exists('lake-bare'));
        // The state store is there, the schema of staging may not be made.
        await client.query(`CREATE SCHEMA engine AUTHORIZATION ${quoteIdentifier(name)}`);
        await project.says(3, ['loading staging.users: permission denied for database', 'engine doctor'], 'run', '--pipeline', 'full');
        assert.equal(await schemas(), ['engine', ...before]);
        await client.query(`GRANT CREATE ON DATABASE ${quoteIdentifier(bare.name)} TO ${quoteIdentifier(name)}`);
        await project.says(0, ['succeeded'], 'run', '--pipeline', 'changed');
      });
      const { rows } = await client.query<{ n: number }>('SELECT count(*)::int AS n FROM staging.orders');
      assert.is(rows[0]?.n, 100);
    } finally {
      await client.end();
      await bare.drop();
    }
  });

  test('a lake whose path is a file, or lies below one, is exit 3 with the way out, and the file is left alone', () =>
    leavesAll(async () => {
      writeFileSync(join(project.rig.root, 'taken'), 'mine');
      for (const LAKE of ['taken', 'taken/lake'])
        await project.withEnv({ LAKE }, () =>
          project.says(
            3,
            ['a part of the path is a file', join(project.rig.root, LAKE), 'Give the lake a path'],
            'run',
            '--pipeline',
            'full',
          ),
        );
      assert.is(project.rig.read('taken'), 'mine');
    }));

  const noDisk = whyNoSmallDisk();
  if (noDisk !== undefined) skip('a full disk under the lake', noDisk);
  else
    test('a full disk under the lake is exit 3, leaves no file and no commit, and staging as it was; with room the retry is green', async () => {
      await project.from.query('INSERT INTO users SELECT g, md5(g::text) || md5((-g)::text), now() FROM generate_series(1000, 20000) g');
      const folder = join(project.rig.root, 'small');
      const disk = mountSmallDisk(folder, '64k');
      try {
        const before = ((await project.standing()) as { readonly staging: unknown }).staging;
        await project.withEnv({ LAKE: 'small' }, async () => {
          const { stderr } = await project.says(
            3,
            ['extract users failed', /no space (is )?left/, /free some space/i],
            'run',
            '--pipeline',
            'full',
            '--table',
            'users',
          );
          assert.equal(filesBelow(folder), []);
          assert.equal(((await project.standing()) as { readonly staging: unknown }).staging, before);
          disk?.grow('16m');
          const { code, stderr: again } = await project.rig.engine('retry', /engine retry (\w{26})/.exec(stderr)?.[1] ?? '');
          assert.is(code, 0, again);
        });
      } finally {
        disk?.unmount();
        rmSync(folder, { recursive: true, force: true });
      }
      await project.recovers('run', '--pipeline', 'full');
    });

  test('a table locked with ACCESS EXCLUSIVE: the plan names who holds it and does not wait, a run waits, a second one is refused, the first ends green', async () => {
    const locker = await project.source.client();
    await locker.query("SET application_name = 'ddl of bob'");
    await locker.query('BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE');
    const began = Date.now();
    const plan = await project.rig.engine('plan', '--pipeline', 'changed', '--table', 'users');
    assert.is(plan.code, 0, plan.stderr);
    assert.match(plan.stdout, /warning: public\.users is locked by pid \d+, user engine, ddl of bob, since .*: there is no estimate/);
    assert.not.match(plan.stdout, /~\d+ rows/);
    assert.ok(Date.now() - began < 20_000);

    const both = [0, 1].map(() => project.rig.start('run', '--pipeline', 'changed', '--table', 'users'));
    const refused = await Promise.race(both.map((running) => running.ended));
    assert.is(refused.code, 4, refused.stderr);
    assert.match(refused.stderr, /another run|run \w{26}/);
    assert.match(refused.stderr, 'what to do: ');
    await project.waitsForLock('extract users');
    await locker.query('ROLLBACK');
    await locker.end();
    const codes = (await Promise.all(both.map((running) => running.ended))).map(({ code }) => code);
    assert.equal(codes.sort(), [0, 4]);
    await project.recovers();
  });

  test('Ctrl-C while a plan waits for a lock ends it at once', async () => {
    const locker = await project.source.client();
    await locker.query('BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE');
    const planning = project.rig.start('plan', '--pipeline', 'changed');
    await project.waitsForLock('control');
    planning.kill('SIGINT');
    const { code, stdout } = await planning.ended;
    assert.equal([code, stdout], [130, '']);
    await project.noSessions();
    await locker.end();
  });

  test('Ctrl-C in an extract: exit 130, no session is left, the lake and staging are as before', async () => {
    await change();
    const locker = await project.source.client();
    await locker.query('BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE');
    await leavesAll(async () => {
      const running = project.rig.start('run', '--pipeline', 'changed', '--table', 'users');
      await project.waitsForLock('extract users');
      running.kill('SIGINT');
      const { code, stderr } = await running.ended;
      assert.is(code, 130, stderr);
      assert.match(stderr, /users +extract cancelled +load cancelled/);
    });
    await locker.end();
    await project.recovers();
  });

  for (const pipeline of ['full', 'changed'])
    test(`Ctrl-C in a load (${pipeline}): exit 130, no session is left, staging is as before, and what was committed to the lake is loaded by the next run`, async () => {
      await change();
      const blocker = await project.warehouse.client();
      await blocker.query('BEGIN');
      await blocker.query(pipeline === 'full' ? 'SELECT 1 FROM staging.users' : 'SELECT 1 FROM staging.users WHERE id = 50 FOR UPDATE');
      const { staging, ledger } = (await project.standing()) as Readonly<Record<string, unknown>>;
      const running = project.rig.start('run', '--pipeline', pipeline, '--table', 'users');
      await project.waitsForLock('load staging.users');
      running.kill('SIGINT');
      const { code, stderr } = await running.ended;
      assert.is(code, 130, stderr);
      assert.match(stderr, /users +extract [\d,]+ rows? .*load cancelled/);
      await project.noSessions();
      const now = (await project.standing()) as Readonly<Record<string, unknown>>;
      assert.equal([now.staging, now.ledger], [staging, ledger]);
      assert.not.ok(project.rig.exists('.engine/tmp') && filesBelow(join(project.rig.root, '.engine', 'tmp')).length > 0);
      await blocker.end();
      await project.recovers('retry', /engine retry (\w{26})/.exec(stderr)?.[1] ?? '');
    });

  test('no password stands in any output, in any file of the project or in the history of runs', () => project.noPasswords());
});

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
