import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import * as assert from 'uvu/assert';
import { differenceOf } from '../support/compare.ts';
import { restoreDump } from '../support/dump.ts';
import { freshDatabase, type TestDatabase } from '../support/postgres.ts';
import { createRig, type Rig } from '../support/rig.ts';
import { suite } from '../support/suite.ts';

const dump = join(import.meta.dirname, '..', '..', '..', 'shared', 'data', 'pagila.sql');

const yaml = `
version: 1
sources: { pagila: { type: postgres, url: "\${SOURCE_URL}" } }
lake: { type: file, path: lake }
sinks: { warehouse: { type: postgres, url: "\${WAREHOUSE_URL}", schema: staging } }
defaults: { cursor: last_update }
tables:
  payment: {}
pipelines:
  everything: { mode: full, tables: ["public.*"] }
  changed: { mode: incremental, tables: ["public.*"], exclude: [payment] }
  rest: { mode: full, tables: [payment] }
`;

const changes = `
  UPDATE film SET rental_rate = rental_rate + 0.5, special_features = array_append(special_features, 'Signed "copy", {numbered}') WHERE film_id % 7 = 0;
  UPDATE film SET rating = 'NC-17', release_year = 2007, original_language_id = 2 WHERE film_id % 11 = 0;
  UPDATE customer SET email = lower(email), active = 1 - active WHERE customer_id % 5 = 0;
  UPDATE staff SET picture = '\\x00ff5c5c0a22', password = 'a\\b' WHERE staff_id = 1;
  UPDATE rental SET return_date = '2022-09-01 12:34:56.123456+02' WHERE rental_id % 13 = 0;
  UPDATE address SET address2 = E'c/o "Ä"\\nline, two' WHERE address_id % 9 = 0;
  INSERT INTO actor (first_name, last_name) SELECT 'NEW ' || g, 'ACTOR' FROM generate_series(1, 50) g;
  INSERT INTO language (name) VALUES ('Walloon');
  INSERT INTO film_actor (actor_id, film_id) SELECT actor_id, 1 FROM actor WHERE first_name LIKE 'NEW %';
  UPDATE payment SET amount = amount + 1 WHERE payment_id % 10 = 0;
  DELETE FROM payment WHERE payment_id % 97 = 0;
  INSERT INTO payment (customer_id, staff_id, rental_id, amount, payment_date) SELECT 1, 1, 1, 9.99, '2022-03-03' FROM generate_series(1, 20);`;

suite('pagila, a real database', ({ test, before, after, skip }) => {
  if (!existsSync(dump)) return skip('pagila goes through unchanged', 'no ../shared/data');
  let source: TestDatabase;
  let warehouse: TestDatabase;
  let rig: Rig;
  let from: pg.Client;
  let to: pg.Client;

  before(async () => {
    source = await freshDatabase('pagila');
    warehouse = await freshDatabase('pagila_dw');
    from = await source.client();
    await restoreDump(from, dump);
    await from.query('RESET search_path');
    to = await warehouse.client();
    rig = await createRig({ 'pipelines.yaml': yaml });
    Object.assign(rig.env, { SOURCE_URL: source.url, WAREHOUSE_URL: warehouse.url });
  });
  after(async () => {
    await rig.cleanup();
    await source.drop();
    await warehouse.drop();
  });

  const run = async (pipeline: string): Promise<void> => {
    const done = await rig.engine('run', '--pipeline', pipeline);
    assert.is(done.code, 0, `${done.stdout}\n${done.stderr}`);
  };
  const compareAll = async (): Promise<readonly string[]> => {
    const tables = await to.query<{ name: string }>(
      "SELECT table_name::text AS name FROM information_schema.tables WHERE table_schema = 'staging' ORDER BY 1",
    );
    for (const { name } of tables.rows) {
      const d = await differenceOf(from, { schema: 'public', name }, to, { schema: 'staging', name });
      assert.equal([name, d.onlyLeft.slice(0, 3), d.onlyRight.slice(0, 3)], [name, [], []]);
      assert.ok(d.rows > 0, name);
    }
    return tables.rows.map((r) => r.name);
  };

  test('all base tables by one wildcard: the partitioned parent, not its parts as well; every value the same', async () => {
    await run('everything');
    assert.equal(await compareAll(), [
      'actor',
      'address',
      'category',
      'city',
      'country',
      'customer',
      'film',
      'film_actor',
      'film_category',
      'inventory',
      'language',
      'payment',
      'rental',
      'staff',
      'store',
    ]);
  });

  test('after random updates and inserts, incremental where there is a cursor and full for the rest end as the source', async () => {
    await from.query(changes);
    await run('changed');
    await run('rest');
    await compareAll();
  });
});
