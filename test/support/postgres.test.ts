import * as assert from 'uvu/assert';
import { freshDatabase, testServer } from './postgres.ts';
import { suite } from './suite.ts';

suite('test databases', (s) => {
  s.test('a fresh database is empty, on Postgres 18, and reached by its parameters', async () => {
    const database = await freshDatabase('support');
    const client = await database.client();
    const { rows } = await client.query<{ name: string; version: string; tables: string }>(
      "SELECT current_database() AS name, current_setting('server_version_num') AS version, (SELECT count(*) FROM pg_tables WHERE schemaname = 'public') AS tables",
    );
    assert.is(rows[0]?.name, database.name);
    assert.ok(rows[0]?.version.startsWith('18'));
    assert.is(rows[0]?.tables, '0');
    await database.drop();
    await database.drop();
  });

  s.test('dropping a database ends the sessions that are still open on it', async () => {
    const database = await freshDatabase('support');
    await database.client();
    await database.drop();
    const admin = await (await testServer()).client();
    const { rowCount } = await admin.query('SELECT 1 FROM pg_database WHERE datname = $1', [database.name]);
    await admin.end();
    assert.is(rowCount, 0);
  });
});
