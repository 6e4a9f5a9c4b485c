import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { readRunResults } from '../../../connectors/dbt/artifacts.ts';
import { errorOf } from '../../support/engine-error.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { suite } from '../../support/suite.ts';
import { createDbtRig, type DbtRig, stagingSql, usersSql } from './project.ts';

suite('dbt that fails', ({ test, before, after }) => {
  let database: TestDatabase;
  let rig: DbtRig;
  const users = { sink: 'warehouse', select: ['users'], fullRefresh: false };
  let green = '';

  before(async () => {
    database = await freshDatabase('dbt');
    rig = createDbtRig(database.parameters);
    const client = await database.client();
    await client.query(stagingSql);
    await client.query(usersSql(1, 10, '2026-01-01'));
    await client.end();
    const told = rig.context({ runId: 'green' });
    await rig.node.run(told.context, users);
    green = join(rig.root, '.engine/dbt/green/1/target/run_results.json');
    assert.ok(existsSync(green), 'the results of a success are kept');
  });
  after(async () => {
    rig?.cleanup();
    await database?.drop();
  });

  test('a stale green run_results.json beside a broken profile is a failure', async () => {
    const broken = createDbtRig({ ...database.parameters, password: 'wrong-password' });
    try {
      for (const folder of [join(broken.folder, 'target'), join(broken.root, '.engine/dbt/later/1/target')]) {
        mkdirSync(folder, { recursive: true });
        cpSync(green, join(folder, 'run_results.json'));
      }
      const told = broken.context({ runId: 'later' });
      const error = await errorOf(broken.node.run(told.context, users));
      assert.is(error.code, 'dbt.unreachable');
      assert.match(error.message, /password authentication failed for user/);
      assert.not(error.retryable);
      assert.equal(told.results, []);
    } finally {
      broken.cleanup();
    }
  });

  test('a server that is away is told as such, and worth another try', async () => {
    const away = createDbtRig({ ...database.parameters, host: '127.0.0.1', port: 1 });
    try {
      const error = await errorOf(away.node.run(away.context().context, users));
      assert.is(error.code, 'dbt.unreachable');
      assert.is(error.trouble, 'outside');
      assert.ok(error.retryable);
    } finally {
      away.cleanup();
    }
  });

  test('a program that ends well without results, or with results of another invocation, is not believed', async () => {
    const program = join(rig.root, 'fake-dbt');
    const fake = (body: string): void => {
      writeFileSync(program, `#!/bin/sh\nwhile [ "$1" != --target-path ]; do shift; done\n${body}\n`);
      chmodSync(program, 0o755);
    };
    fake('exit 0');
    const silent = await errorOf(rig.node.run(rig.context({ command: program }).context, users));
    assert.is(silent.code, 'dbt.broken');
    assert.match(silent.message, /left no run_results\.json/);

    fake(`cp ${green} "$2/"; echo '{"info": {"msg": "hello", "level": "info", "invocation_id": "mine"}}'`);
    const foreign = await errorOf(rig.node.run(rig.context({ command: program }).context, users));
    assert.match(foreign.message, /of another invocation/);

    fake(`cp ${green} "$2/"; exit 2`);
    const disagreeing = await errorOf(rig.node.run(rig.context({ command: program }).context, users));
    assert.is(disagreeing.code, 'dbt.broken');
    assert.match(disagreeing.message, /exit 2/);

    const missing = await errorOf(rig.node.run(rig.context({ command: '/nowhere/dbt' }).context, users));
    assert.is(missing.code, 'dbt.not-started');
    assert.match(missing.hint ?? '', /dbt\.command/);
  });

  test('two invocations at once have target and log folders of their own, and each has its own results', async () => {
    rig.write('models/analytics/lonely.sql', 'select 1 as id');
    try {
      const [one, other] = [rig.context({ runId: 'one' }), rig.context({ runId: 'other' })];
      await Promise.all([rig.node.run(one.context, users), rig.node.run(other.context, { ...users, select: ['lonely'] })]);
      const models = (results: readonly { readonly kind: string; readonly name: string }[]): readonly string[] =>
        results.filter((r) => r.kind === 'model').map((r) => r.name);
      assert.equal([models(one.results), models(other.results)], [['users'], ['lonely']]);
      for (const run of ['one', 'other'])
        for (const path of ['target/run_results.json', 'logs/dbt.log'])
          assert.ok(existsSync(join(rig.root, '.engine/dbt', run, '1', path)));
      assert.equal(
        ['target', 'logs'].filter((path) => existsSync(join(rig.folder, path))),
        [],
        'nothing is left in the project',
      );
    } finally {
      rig.remove('models/analytics/lonely.sql');
    }
  });

  test('a model that does not compile fails by name with what dbt says', async () => {
    rig.write('models/analytics/wrong.sql', "select * from {{ ref('nobody') }}");
    try {
      const error = await errorOf(rig.node.run(rig.context().context, users));
      assert.is(error.code, 'dbt.broken');
      assert.match(error.message, /model\.warehouse\.wrong.*nobody/);
    } finally {
      rig.remove('models/analytics/wrong.sql');
    }
  });

  test('a selection that dbt finds nothing for is a failure', async () => {
    const error = await errorOf(rig.node.run(rig.context().context, { ...users, select: ['nobody'] }));
    assert.is(error.code, 'dbt.nothing-selected');
  });

  test('a folder without a project is refused in the plan and in the run', async () => {
    const context = rig.context().context;
    assert.is(rig.node.describe(users, await rig.node.survey(context, users), new Map()).action, 'run');
    const text = readFileSync(join(rig.folder, 'dbt_project.yml'), 'utf8');
    rig.remove('dbt_project.yml');
    try {
      assert.is(rig.node.describe(users, await rig.node.survey(context, users), new Map()).action, 'refused');
      assert.is((await errorOf(rig.node.run(context, users))).code, 'dbt.no-project');
    } finally {
      rig.write('dbt_project.yml', text);
    }
  });

  test('a torn run_results.json is not believed', async () => {
    const folder = join(rig.root, 'torn');
    mkdirSync(folder);
    writeFileSync(join(folder, 'run_results.json'), '{"metadata": {');
    assert.equal(await readRunResults(folder, undefined), { believed: false, why: 'run_results.json is torn' });
  });

  test('folders of old runs go, the newest twenty stay', async () => {
    const folder = join(rig.root, '.engine/dbt');
    for (let run = 0; run < 30; run += 1) mkdirSync(join(folder, `a-old-${String(run).padStart(2, '0')}`));
    const program = join(rig.root, 'fake-dbt');
    await errorOf(rig.node.run(rig.context({ command: program, runId: 'z-new' }).context, users));
    const left = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    assert.is(left.length, 21);
    assert.ok(left.some(({ name }) => name === 'z-new'));
    assert.not(left.some(({ name }) => name === 'a-old-00'));
  });
});
