import type pg from 'pg';
import * as assert from 'uvu/assert';
import { differenceOf } from '../support/compare.ts';
import { factsOf, type NodeRig, nodeRig, tableConfig } from '../support/nodes.ts';
import { freshDatabase, type TestDatabase } from '../support/postgres.ts';
import { suite } from '../support/suite.ts';

type Step = 'full extract' | 'full load' | 'incremental extract' | 'incremental load';

/** Every order in which each pipeline's extract comes before its load. */
function orders(): readonly (readonly Step[])[] {
  const found: Step[][] = [];
  const grow = (done: Step[], full: Step[], incremental: Step[]): void => {
    if (full.length + incremental.length === 0) found.push(done);
    for (const [next, rest, other] of [
      [full[0], full.slice(1), 'full'],
      [incremental[0], incremental.slice(1), 'incremental'],
    ] as const)
      if (next !== undefined) grow([...done, next], other === 'full' ? rest : full, other === 'full' ? incremental : rest);
  };
  grow([], ['full extract', 'full load'], ['incremental extract', 'incremental load']);
  return found;
}

suite('a full and an incremental pipeline of one table', ({ test, before, after }) => {
  let db: TestDatabase;
  let client: pg.Client;
  const users = tableConfig('users');
  before(async () => {
    db = await freshDatabase('interleaving');
    client = await db.client();
  });
  after(() => db.drop());

  for (const order of orders())
    for (const deleteBefore of ['full extract', 'incremental extract'] as const)
      test(`${order.join(', ')}, a row deleted before the ${deleteBefore}: staging ends as the source`, async () => {
        await client.query('DROP SCHEMA IF EXISTS staging, engine CASCADE');
        await client.query('DROP TABLE IF EXISTS users');
        await client.query('CREATE TABLE users (id int PRIMARY KEY, name text, updated_at timestamptz NOT NULL DEFAULT now())');
        await client.query("INSERT INTO users SELECT g, 'user ' || g FROM generate_series(1, 30) g");
        const rig: NodeRig = await nodeRig({ source: db.url });
        try {
          const extract = async (mode: 'full' | 'incremental'): Promise<void> => {
            const [one] = await rig.extract(mode, [users]);
            if (one === undefined) throw new Error('nothing was extracted');
            factsOf(one.outcome);
          };
          const load = async (mode: 'full' | 'incremental'): Promise<void> => {
            factsOf(await rig.load(mode, users));
          };
          await extract('full');
          await load('full');
          let n = 0;
          for (const step of order) {
            n += 1;
            await client.query(`UPDATE users SET name = 'changed ' || $1, updated_at = now() WHERE id % 3 = $1::int % 3`, [n]);
            await client.query(`INSERT INTO users VALUES (100 + $1::int, 'new')`, [n]);
            if (step === deleteBefore) await client.query('DELETE FROM users WHERE id IN (5, 6, 7)');
            const mode = step.startsWith('full') ? 'full' : 'incremental';
            if (step.endsWith('extract')) await extract(mode);
            else await load(mode);
          }
          // What was deleted before the full extract is gone for good, whatever came after; a cursor alone cannot see the other.
          if (deleteBefore === 'incremental extract') await extract('full');
          await extract('incremental');
          await load('incremental');
          const d = await differenceOf(client, { schema: 'public', name: 'users' }, client, { schema: 'staging', name: 'users' });
          assert.equal([d.onlyLeft, d.onlyRight], [[], []]);
          const twice = await client.query('SELECT id FROM staging.users GROUP BY id HAVING count(*) > 1');
          assert.is(twice.rows.length, 0);
        } finally {
          await rig.close();
        }
      });
});
