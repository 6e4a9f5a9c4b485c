import type { DbtResult, EventBody } from '../../../engine/event.ts';
import type { ServerParts } from '../../../engine/serve/parts.ts';
import { lakeFields } from '../../../lake/schema.ts';
import { configOf, pipelineOf, tableOf } from '../../support/config.ts';
import { openWorkshop, type Workshop } from '../../support/lake-table.ts';
import { createStage, type Stage } from './stage.ts';

/** Stands in staging in columns that are masked or left out by now. */
export const secret = 'do-not-show@example.com';
const columns = { include: undefined, exclude: ['password'], rename: { mail: 'email' }, types: {}, mask: { mail: 'redact' } } as const;
const shop = configOf(
  [tableOf('users', { columns }), tableOf('orders'), tableOf('lost', { source: 'production' })],
  [pipelineOf('sync', ['users', 'orders']), pipelineOf('nightly', ['users', 'lost'], { mode: 'full' })],
);

const fields = lakeFields([
  { name: 'id', type: 'long', postgresType: 'bigint', baseType: 'bigint' },
  { name: 'email', type: 'string', postgresType: 'text', baseType: 'text' },
  { name: 'amount', type: 'decimal(12,2)', postgresType: 'numeric(12,2)', baseType: 'numeric(12,2)' },
  { name: 'gone', type: 'string', postgresType: 'text', baseType: 'text' },
]);

const model = (name: string, reads: readonly string[], over: Partial<DbtResult> = {}): EventBody => ({
  type: 'dbt.result',
  node: 'dbt',
  result: {
    uniqueId: `model.shop.${name}`,
    kind: 'model',
    name,
    status: 'success',
    durationMs: 5,
    relation: `analytics.${name}`,
    reads,
    ...over,
  },
});
const check = (name: string, of: string, status: DbtResult['status']): EventBody => ({
  type: 'dbt.result',
  node: 'dbt',
  result: {
    uniqueId: `test.shop.${name}`,
    kind: 'test',
    name,
    status,
    durationMs: 1,
    dependsOn: [`model.shop.${of}`],
    reads: [`analytics.${of}`],
  },
});

/** A stage with a table `users` at all its places: source and sink in one database, a lake of four commits, two runs that loaded it and built models of it, one that was cancelled. */
export async function createTableStage(over: Partial<ServerParts> = {}): Promise<{ readonly stage: Stage; close(): Promise<void> }> {
  const shopLake: Workshop = await openWorkshop();
  const stage = await createStage({ config: async () => shop, lake: async () => shopLake.lake, ...over });
  for (let i = 0; i < 3; i += 1)
    await shopLake.write('users', {
      fields,
      rows: `SELECT ${i}::BIGINT AS id, '***' AS email, 1.5::DECIMAL(12,2) AS amount, NULL::VARCHAR AS gone`,
    });
  await shopLake.write('users', {
    mode: 'full',
    fields,
    rows: `SELECT range AS id, '***' AS email, 2.5::DECIMAL(12,2) AS amount, NULL::VARCHAR AS gone FROM range(5)`,
  });
  const client = await stage.database.client();
  await client.query(`
      CREATE TABLE public.users (id bigint PRIMARY KEY, mail text NOT NULL, password text, amount numeric(14,2), updated_at timestamptz, fresh text);
      CREATE SCHEMA staging; CREATE SCHEMA analytics;
      CREATE TABLE staging.users (id bigint PRIMARY KEY, email text, mail text, password text, amount numeric(12,2), gone text, updated_at timestamptz, _extracted_at timestamptz, _loaded_at timestamptz, by_hand int);
      INSERT INTO staging.users SELECT g, '${secret}', '${secret}', '${secret}', 2.5, NULL, '2026-01-01Z'::timestamptz + g * interval '1 min' FROM generate_series(1, 30) g;
      CREATE VIEW analytics.stg_users AS SELECT * FROM staging.users;
      CREATE TABLE analytics.people AS SELECT * FROM staging.users;
      ANALYZE staging.users, analytics.people;`);
  await client.end();
  const nodes = [
    { id: 'extract users', type: 'postgres.extract', table: 'users', unit: 'extract users', needs: [] },
    { id: 'load users', type: 'postgres.load', table: 'users', unit: 'load users', needs: ['extract users'] },
    { id: 'dbt', type: 'dbt.build', unit: 'dbt', needs: ['load users'] },
  ];
  const loads = [
    { rows: 5, inserted: 5, updated: 0, unchanged: 0, replaced: true, versions: [3], lakeVersion: 3 },
    { rows: 4, inserted: 1, updated: 2, unchanged: 1, replaced: false, versions: [4], lakeVersion: 4 },
  ];
  for (const [i, facts] of loads.entries())
    await stage.keepRun(
      `run-${i}`,
      'sync',
      [
        {
          type: 'node.succeeded',
          node: 'extract users',
          result: { summary: '', rows: 5, facts: { version: i + 3, extractedAt: '2026-01-31T09:00:00.000001Z' } },
        },
        { type: 'node.succeeded', node: 'load users', result: { summary: '', rows: facts.rows, facts } },
        { type: 'node.started', node: 'dbt', attempt: 1 },
        model('other', ['staging.orders']),
        model('people', ['analytics.stg_users']),
        model('stg_users', ['staging.users'], { name: 'stg_users' }),
        check('unique_id', 'people', 'pass'),
        check('accepted', 'people', 'warn'),
        check('not_null', 'stg_users', 'pass'),
        { type: 'node.succeeded', node: 'dbt', result: { summary: '', facts: {} } },
        { type: 'run.succeeded' },
      ],
      { nodes },
    );
  await stage.keepRun('run-2', 'nightly', [{ type: 'run.cancelled', reason: 'x' }], { nodes });
  return {
    stage,
    async close() {
      await stage.close();
      await shopLake.close();
    },
  };
}
