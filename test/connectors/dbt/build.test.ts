import * as assert from 'uvu/assert';
import { errorOf } from '../../support/engine-error.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { suite } from '../../support/suite.ts';
import { createDbtRig, type DbtRig, stagingSql, usersSql } from './project.ts';

suite('dbt build of the sample project', ({ test, before, after }) => {
  let database: TestDatabase;
  let rig: DbtRig;
  const users = { sink: 'warehouse', select: ['users'], fullRefresh: false };

  const query = async (sql: string): Promise<readonly Record<string, unknown>[]> => {
    const client = await database.client();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  };

  before(async () => {
    database = await freshDatabase('dbt');
    rig = createDbtRig(database.parameters);
    await query(stagingSql);
    await query('DROP TABLE staging.transactions');
    await query(usersSql(1, 100, '2026-01-01', ' Active '));
  });
  after(async () => {
    rig?.cleanup();
    await database?.drop();
  });

  test('the first full build of users is green on a warehouse that has no transactions yet, with a result per model and test', async () => {
    const told = rig.context();
    const result = await rig.node.run(told.context, { ...users, fullRefresh: true });
    assert.is(result.summary, '1 model, 5 tests, 100 rows written');
    assert.equal(told.results.map(({ kind, name, status }) => `${kind} ${name} ${status}`).sort(), [
      'model users success',
      'test accepted_values_users_status__active__inactive__blocked pass',
      'test not_null_users__extracted_at pass',
      'test not_null_users_id pass',
      'test not_null_users_updated_at pass',
      'test unique_users_id pass',
    ]);
    assert.is(told.results.find(({ kind }) => kind === 'model')?.rows, 100);
    const model = told.results.find(({ kind }) => kind === 'model');
    assert.equal([model?.relation, model?.reads, model?.path], ['analytics.users', ['staging.users'], 'models/analytics/users.sql']);
    assert.match(model?.compiledSql ?? '', /from "\w+"\."staging"\."users"/);
    const tested = told.results.find(({ name }) => name === 'not_null_users_id');
    assert.equal([tested?.relation, tested?.failures, tested?.dependsOn], [undefined, 0, [model?.uniqueId]]);
    assert.ok(told.lines.some((line) => line.includes('OK created sql incremental model analytics.users')));
    const [row] = await query('SELECT email, country, status, _extracted_at = $$2026-01-01$$ AS kept FROM analytics.users WHERE id = 7');
    assert.equal(row, { email: 'user7@example.com', country: 'GB', status: 'active', kept: true });
  });

  test('an incremental build takes what was extracted since, the latest version of each key, and leaves the rest alone', async () => {
    await query('ALTER TABLE staging.users DROP CONSTRAINT users_pkey');
    const versions = usersSql(100, 101, '2026-01-02', 'INACTIVE').replace(/ON CONFLICT[\s\S]*$/, '');
    await query(`${versions}; ${versions.replace('2026-01-02', '2026-01-03').replace('INACTIVE', 'Blocked')}`);
    const untouched = await query('SELECT xmin, count(*)::int FROM analytics.users WHERE id < 100 GROUP BY 1');
    const result = await rig.node.run(rig.context().context, users);
    assert.match(result.summary, /, 2 rows written$/);
    assert.equal(await query('SELECT id, status FROM analytics.users WHERE id > 98 ORDER BY id'), [
      { id: '99', status: 'active' },
      { id: '100', status: 'blocked' },
      { id: '101', status: 'blocked' },
    ]);
    assert.equal(await query('SELECT xmin, count(*)::int FROM analytics.users WHERE id < 100 GROUP BY 1'), untouched);
  });

  test('a full refresh lets rows that staging no longer has leave analytics', async () => {
    await query('DELETE FROM staging.users WHERE id = 101 OR (id = 100 AND _extracted_at < $$2026-01-03$$)');
    await rig.node.run(rig.context().context, { ...users, fullRefresh: true });
    assert.equal(await query('SELECT count(*)::int AS n, max(id)::int AS last FROM analytics.users'), [{ n: 100, last: 100 }]);
  });

  test('a test that fails is named with its model left standing; a retry runs only what failed and was skipped', async () => {
    rig.write('models/analytics/report.sql', "select count(*) as n from {{ ref('users') }}");
    await query(usersSql(3, 3, '2026-01-04', 'weird').replace(/ON CONFLICT[\s\S]*$/, ''));
    const options = { ...users, select: ['users', 'report'] };
    const told = rig.context();
    const error = await errorOf(rig.node.run(told.context, options));
    assert.is(error.code, 'dbt.failed');
    assert.is(error.trouble, 'failed');
    assert.match(
      error.message,
      /^1 failed in dbt \(1 skipped because of it\): test accepted_values_users_status__active__inactive__blocked: Got 1 result/,
    );
    assert.not(error.retryable);
    assert.equal(error.facts?.skipped, ['model.warehouse.report']);
    assert.is(told.results.filter(({ status }) => status === 'pass' || status === 'success').length, 5);

    const history = { runId: told.context.runId, facts: error.facts ?? {} };
    const again = rig.context({ history });
    assert.is((await errorOf(rig.node.run(again.context, options))).code, 'dbt.failed');
    assert.equal(again.results.map(({ name }) => name).sort(), ['accepted_values_users_status__active__inactive__blocked', 'report']);

    await query("UPDATE analytics.users SET status = 'blocked' WHERE status = 'weird'");
    const third = rig.context({ history });
    await rig.node.run(third.context, options);
    assert.equal(third.results.map(({ name, status }) => `${name} ${status}`).sort(), [
      'accepted_values_users_status__active__inactive__blocked pass',
      'report success',
    ]);
  });

  test('a retry builds the whole selection when the project no longer knows what failed', async () => {
    const history = { runId: 'before', facts: { failed: ['model.warehouse.gone'], skipped: [] } };
    const told = rig.context({ history });
    await rig.node.run(told.context, users);
    assert.is(told.results.length, 6);
  });

  test('a relationships test between two models runs only when both are built', async () => {
    await query(stagingSql.slice(stagingSql.indexOf('CREATE TABLE staging.transactions')));
    const alone = rig.context();
    await rig.node.run(alone.context, { ...users, select: ['transactions'] });
    assert.not(alone.results.some(({ name }) => name.startsWith('relationships')));
    const both = rig.context();
    await rig.node.run(both.context, { ...users, select: ['transactions', 'users'] });
    assert.ok(both.results.some(({ name, status }) => name.startsWith('relationships') && status === 'pass'));
  });
});
