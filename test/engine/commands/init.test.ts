import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { likelyCursor, nameTables } from '../../../engine/commands/init-from.ts';
import { relationOf } from '../../support/config.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { createRig, type Rig } from '../../support/rig.ts';
import { suite } from '../../support/suite.ts';

const timed = (name: string, type = 'timestamp with time zone') => relationOf('public', 't', { columns: [{ name, type, notNull: true }] });

suite('init', ({ test, before, after }) => {
  let rig: Rig;
  let database: TestDatabase;

  before(async () => {
    rig = await createRig();
    database = await freshDatabase('init');
    const client = await database.client();
    await client.query(`
      CREATE TABLE users (id bigint PRIMARY KEY, email text, updated_at timestamptz NOT NULL);
      CREATE TABLE log (line text);
      CREATE SCHEMA "Sales";
      CREATE TABLE "Sales"."Order Line" ("Order" int, "No" int, "select" text, "Last_Update" timestamp, PRIMARY KEY ("Order", "No"));
      CREATE TABLE "Sales".users (id int PRIMARY KEY);
      CREATE VIEW everyone AS SELECT * FROM users`);
    await client.end();
  });
  after(async () => {
    await rig.cleanup();
    await database.drop();
  });

  test('a cursor is a timestamp by one of the usual names, the likeliest first, whatever the case', () => {
    assert.is(likelyCursor(timed('updated_at')), 'updated_at');
    assert.is(likelyCursor(timed('ModifiedDate', 'timestamp(3) without time zone')), 'ModifiedDate');
    assert.is(likelyCursor(timed('updated_at', 'bigint')), undefined);
    assert.is(likelyCursor(timed('created_at')), undefined);
    const two = relationOf('public', 't', {
      columns: ['modified', 'last_update'].map((name) => ({ name, type: 'timestamp with time zone', notNull: true })),
    });
    assert.is(likelyCursor(two), 'last_update');
  });

  test('tables get names that collide nowhere, and plain ones of public keep theirs', () => {
    const tables = [
      relationOf('a', 'users'),
      relationOf('public', 'Users'),
      relationOf('public', 'users'),
      relationOf('public', 'stg_users'),
    ];
    const named = nameTables([...tables, relationOf('public', 'view', { kind: 'view' })]);
    assert.equal(
      named.map(({ name, model, table }) => [table.schema, table.name, name, model]),
      [
        ['public', 'users', 'users', 'users'],
        ['public', 'stg_users', 'stg_users', 'stg_users_1'],
        ['public', 'Users', 'public_Users', 'public_users'],
        ['a', 'users', 'a_users', 'a_users'],
      ],
    );
  });

  test('no model is named like the staging model of another', () => {
    const models = nameTables([relationOf('public', 'stg_users'), relationOf('public', 'users')]).map((found) => found.model);
    assert.is(new Set(models.flatMap((model) => [model, `stg_${model}`])).size, 4);
  });

  test('a new project has no findings, and is not overwritten', async () => {
    const made = await rig.engine('init', 'shop');
    assert.is(made.code, 0, made.stderr);
    assert.match(made.stdout, 'cd shop');
    const checked = await rig.engine('validate', '--config', 'shop/pipelines.yaml');
    assert.is(checked.code, 0, checked.stderr);
    for (const file of ['compose.yaml', '.env.example', '.gitignore', '.github/workflows/pipelines.yml', 'dbt/dbt_project.yml'])
      assert.ok(rig.exists(`shop/${file}`), file);
    assert.ok(!rig.exists('shop/.env'));
    assert.match(rig.read('shop/.gitignore'), /^\.env$/m);
    const before = rig.read('shop/pipelines.yaml');
    const again = await rig.engine('init', 'shop');
    assert.is(again.code, 4);
    assert.match(again.stderr, 'nothing is overwritten');
    assert.is(rig.read('shop/pipelines.yaml'), before);
  });

  test('the YAML that a new project ships can be read, and its Compose file keeps variables for the container', async () => {
    await rig.engine('init', 'files');
    const workflow = parse(rig.read('files/.github/workflows/pipelines.yml')) as { jobs: { check: { steps: { run?: string }[] } } };
    assert.ok(workflow.jobs.check.steps.some((step) => step.run?.includes('engine validate') === true));
    assert.match(rig.read('files/.github/workflows/pipelines.yml'), '${{ secrets.SOURCE_URL }}');
    const compose = parse(rig.read('files/compose.yaml'), { merge: true }) as { services: { source: { healthcheck: { test: string[] } } } };
    assert.is(compose.services.source.healthcheck.test[1], 'pg_isready -U engine -d $${POSTGRES_DB}');
    JSON.parse(rig.read('files/schemas/pipelines.schema.json'));
  });

  test('--from reads tables, keys and cursors, and the password is in .env alone, for its owner alone', async () => {
    const made = await rig.engine('init', 'mine', '--from', database.url);
    assert.is(made.code, 0, made.stderr);
    const root = join(rig.root, 'mine');
    const yaml = parse(rig.read('mine/pipelines.yaml')) as {
      tables: Record<string, object>;
      pipelines: Record<string, { mode: string; tables: string[] }>;
    };
    assert.equal(yaml.tables, {
      log: {},
      users: { key: 'id', cursor: 'updated_at' },
      'Order Line': { table: '"Sales"."Order Line"', key: ['Order', 'No'], cursor: 'Last_Update' },
      Sales_users: { table: '"Sales".users', key: 'id' },
    });
    assert.equal(yaml.pipelines.changes?.tables, ['users', 'Order Line']);
    assert.equal(yaml.pipelines.rest_full_update?.tables, ['log', 'Sales_users']);
    assert.is(statSync(join(root, '.env')).mode & 0o777, 0o600);
    const password = database.parameters.password ?? 'none';
    for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
      const file = join(root, name);
      if (name !== '.env' && statSync(file).isFile()) assert.not.match(readFileSync(file, 'utf8'), password, name);
    }
    assert.not.match(made.stdout + made.stderr, password);
    const checked = await rig.engine('validate', '--config', 'mine/pipelines.yaml');
    assert.is(checked.code, 0, checked.stderr);
    assert.match(rig.read('mine/dbt/models/staging/stg_order_line.sql'), '    "select",\n');
  });

  test('--from a server that refuses makes nothing, and shows no password', async () => {
    const url = new URL(database.url);
    url.password = 'quite-wrong-77';
    const made = await rig.engine('init', 'none', '--from', url.href);
    assert.is(made.code, 3, made.stderr);
    assert.not.match(made.stderr, 'quite-wrong-77');
    assert.ok(!existsSync(join(rig.root, 'none')));
    assert.is((await rig.engine('init', 'none', '--from', 'mysql://x:secret99@y/z')).code, 2);
  });
});
