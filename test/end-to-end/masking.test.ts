import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type pg from 'pg';
import * as assert from 'uvu/assert';
import { deltaPython } from '../support/deltalake.ts';
import { freshDatabase, type TestDatabase } from '../support/postgres.ts';
import { createRig, type Rig } from '../support/rig.ts';
import { suite } from '../support/suite.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/masking.md'), 'utf8');
const block = (language: string): string => {
  const text = new RegExp(`^( *)\`\`\`${language}\\n([^]*?)^ *\`\`\`$`, 'm').exec(page);
  if (text?.[2] === undefined) throw new Error(`the page has no block of ${language}`);
  return text[2].replaceAll(new RegExp(`^${text[1]}`, 'gm'), '');
};
const salt = 'of-the-masks-0123456789-abcdef';
const hashed = (text: string): string => createHmac('sha256', salt).update(text).digest('hex');

suite('what docs/masking.md says', ({ test, before, after }) => {
  let source: TestDatabase;
  let warehouse: TestDatabase;
  let from: pg.Client;
  let to: pg.Client;
  let rig: Rig;
  let told = '';
  // Files can be searched as they are.
  const masked = block('yaml').replace('{ cursor: updated_at }', '{ cursor: updated_at, lake: { compression: none } }');
  const plain = masked
    .replaceAll(/^ +columns: .*\n/gm, '')
    .replace('users:\n', 'users: {}\n')
    .replace('orders:\n', 'orders: {}\n');

  before(async () => {
    source = await freshDatabase('masking');
    warehouse = await freshDatabase('masking_dw');
    [from, to] = [await source.client(), await warehouse.client()];
    rig = await createRig({ 'pipelines.yaml': plain });
    Object.assign(rig.env, { SOURCE_URL: source.url, WAREHOUSE_URL: warehouse.url, MASK_SALT: salt });
    await from.query(`
      CREATE TABLE users (id int PRIMARY KEY, email text, phone text, ssn int, name text, updated_at timestamptz NOT NULL DEFAULT now());
      CREATE TABLE orders (id int PRIMARY KEY, email text, updated_at timestamptz NOT NULL DEFAULT now());
      INSERT INTO users SELECT g, 'zaphod' || g || '@example.com', '+41-79-' || g, 756000 + g, 'name ' || g FROM generate_series(1, 50) g;
      INSERT INTO users (id, name) VALUES (51, 'nobody');
      INSERT INTO orders SELECT g, 'zaphod' || (g % 50 + 1) || '@example.com' FROM generate_series(1, 200) g`);
  });
  after(async () => {
    await rig?.cleanup();
    await source?.drop();
    await warehouse?.drop();
  });

  const engine = async (code: number, ...args: readonly string[]): Promise<string> => {
    const outcome = await rig.engine(...args);
    const text = `${outcome.stdout}\n${outcome.stderr}`;
    assert.is(outcome.code, code, text);
    told += text;
    return text;
  };
  const filesOf = (): string =>
    readdirSync(rig.root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
      .join('\n');
  /** Every row of every table of the warehouse, the state store's too. */
  const rowsOf = async (): Promise<string> => {
    const { rows } = await to.query<{ name: string }>(
      `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
    );
    assert.ok(rows.some(({ name }) => name === 'staging.users') && rows.some(({ name }) => name.startsWith('engine.')));
    const all: string[] = [];
    for (const { name } of rows)
      all.push(...(await to.query<{ row: string }>(`SELECT t::text AS row FROM ${name} t`)).rows.map((r) => r.row));
    return all.join('\n');
  };
  const hidden = /zaphod|\+41-79|7560\d\d|of-the-masks/;

  test('a mask that is added: any run but a full one is refused, that one masks staging, and older files go with the commands of the page', async () => {
    await engine(0, 'run', '--pipeline', 'everything');
    assert.match(filesOf(), /zaphod1@example\.com/);
    assert.match(await rowsOf(), /zaphod1@example\.com/);
    // A run that had extracted, and did not load.
    await to.query('ALTER TABLE staging.users ADD CONSTRAINT closed CHECK (id < 51) NOT VALID');
    const failed = /engine retry ([0-9A-Z]{26})/.exec(await engine(1, 'run', '--pipeline', 'everything'))?.[1] ?? 'none';
    await to.query('ALTER TABLE staging.users DROP CONSTRAINT closed');
    rig.write('pipelines.yaml', masked);
    assert.not.match(await engine(0, 'retry', failed), /extract kept/, 'plain rows of a run before the mask go no further');
    assert.match(await rowsOf(), new RegExp(hashed('zaphod1@example.com')));
    assert.not.match((await to.query('SELECT u::text AS row FROM staging.users u')).rows.map(({ row }) => row).join('\n'), hidden);
    rig.write('pipelines.yaml', plain);
    await engine(0, 'run', '--pipeline', 'everything');
    rig.write('pipelines.yaml', masked);
    told = '';
    assert.match(await engine(4, 'run', '--pipeline', 'changed'), /extract\.meaning-changed/);
    const plan = await engine(0, 'plan', '--pipeline', 'changed', '--full-refresh', '--sql', '--out', 'plan.json');
    assert.match(plan, 'masked by the source: email (hash), phone (redact), ssn (null)');
    assert.match(plan, /older files of lake table users hold plain values of email, phone, ssn/);
    await engine(0, 'run', '--pipeline', 'changed', '--full-refresh');
    const { rows } = await to.query('SELECT email, phone, ssn, name FROM staging.users WHERE id IN (7, 51) ORDER BY id');
    assert.equal(rows, [
      { email: hashed('zaphod7@example.com'), phone: '***', ssn: null, name: 'name 7' },
      { email: null, phone: null, ssn: null, name: 'nobody' },
    ]);
    const joined = await to.query('SELECT count(*)::int AS n FROM staging.orders o JOIN staging.users u USING (email)');
    assert.is(joined.rows[0].n, 200);
    assert.match(filesOf(), /zaphod1@example\.com/, 'the older files are there still, as the plan says');
    for (const table of ['users', 'orders'])
      await promisify(execFile)(await deltaPython(), ['-c', block('python').replace('lake/users', `lake/${table}`)], { cwd: rig.root });
    assert.not.match(filesOf(), hidden);
    assert.not.match(await rowsOf(), hidden);
    assert.not.match(told, hidden);
  });

  test('from then on no plain value and no salt is in a file of the project, a row of the warehouse or anything that is said, when runs fail too', async () => {
    await from.query(`
      UPDATE users SET email = 'zaphod-new' || id || '@example.com', updated_at = now() WHERE id <= 5;
      INSERT INTO orders VALUES (201, 'zaphod-new1@example.com')`);
    const ran = await engine(0, 'run', '--pipeline', 'changed', '--json');
    const run = /"runId":"([0-9A-Z]{26})"/.exec(ran)?.[1];
    if (run === undefined) throw new Error(`no run in ${ran}`);
    const { rows } = await to.query('SELECT u.email FROM staging.orders o JOIN staging.users u USING (email) WHERE o.id = 201');
    assert.equal(rows, [{ email: hashed('zaphod-new1@example.com') }]);
    await engine(0, 'logs', run);
    await engine(0, 'plan', '--json', '--sql');
    await engine(0, 'status', '--json');
    await engine(0, 'query', 'SELECT * FROM users');
    rig.write('pipelines.yaml', masked.replace('  users:\n', '  users:\n    where: email::int > 0\n'));
    assert.match(await engine(1, 'run', '--pipeline', 'everything', '--table', 'users'), /is not shown/);
    await engine(1, 'run', '--pipeline', 'everything', '--table', 'users', '--json');
    assert.not.match(filesOf(), hidden);
    assert.not.match(await rowsOf(), hidden);
    assert.not.match(told, hidden);
  });
});
