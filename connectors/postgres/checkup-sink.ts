import type { Client } from 'pg';
import type { TableConfig } from '../../engine/config.ts';
import type { Checkup } from '../../engine/connector.ts';
import { quoteIdentifier, quoteRelation, showRelation } from './identifier.ts';
import type { ServerFacts } from './snapshot.ts';

/** What loads need in a sink: schemas that are there or may be made, staging tables that may be written, the ledger. Reads the catalog only. */
export async function checkSink(
  client: Client,
  facts: ServerFacts,
  role: string,
  schema: string,
  tables: readonly TableConfig[],
): Promise<Checkup[]> {
  const found: Checkup[] = [];
  const user = quoteIdentifier(role);
  const database = quoteIdentifier(facts.database);
  if (facts.standby)
    found.push({
      subject: 'server',
      outcome: 'fail',
      message: 'is a standby: nothing can be written to it',
      hint: "Name its primary in the sink's url.",
    });
  const { rows } = await client.query<{ create: boolean; temporary: boolean }>(
    `SELECT pg_catalog.has_database_privilege(current_database(), 'CREATE') AS create, pg_catalog.has_database_privilege(current_database(), 'TEMPORARY') AS temporary`,
  );
  const may = rows[0] ?? { create: false, temporary: false };
  if (!may.temporary)
    found.push({
      subject: 'rights',
      outcome: 'fail',
      message: 'may not make temporary tables, which merging needs',
      hint: `GRANT TEMPORARY ON DATABASE ${database} TO ${user};`,
    });
  const schemas = [...new Set([schema, ...tables.map((table) => table.into.schema), 'engine'])];
  for (const name of schemas) found.push(await checkSchema(client, name, may.create, user, database));
  for (const table of tables) found.push(...(await checkTarget(client, table, user)));
  found.push(...(await checkLedger(client, user)));
  return found;
}

async function checkSchema(client: Client, schema: string, mayMake: boolean, user: string, database: string): Promise<Checkup> {
  const subject = `schema ${schema}`;
  const { rows } = await client.query<{ usage: boolean; create: boolean }>(
    `SELECT pg_catalog.has_schema_privilege(oid, 'USAGE') AS usage, pg_catalog.has_schema_privilege(oid, 'CREATE') AS create
     FROM pg_catalog.pg_namespace WHERE nspname = $1`,
    [schema],
  );
  const row = rows[0];
  if (row === undefined) {
    if (mayMake) return { subject, outcome: 'ok', message: 'is not there yet; the first load makes it' };
    const hint = `CREATE SCHEMA ${quoteIdentifier(schema)} AUTHORIZATION ${user}; or GRANT CREATE ON DATABASE ${database} TO ${user};`;
    return { subject, outcome: 'fail', message: 'is not there, and this role may not make it', hint };
  }
  if (row.usage && row.create) return { subject, outcome: 'ok', message: 'tables can be made in it' };
  return {
    subject,
    outcome: 'fail',
    message: 'no tables can be made in it by this role',
    hint: `GRANT USAGE, CREATE ON SCHEMA ${quoteIdentifier(schema)} TO ${user};`,
  };
}

interface TargetRow {
  readonly kind: string;
  readonly missing: string[] | null;
  readonly owner: boolean;
  readonly referencing: string[] | null;
}

async function checkTarget(client: Client, table: TableConfig, user: string): Promise<Checkup[]> {
  const subject = showRelation(table.into);
  const { rows } = await client.query<TargetRow>(
    `SELECT c.relkind::text AS kind, pg_catalog.pg_has_role(c.relowner, 'USAGE') AS owner,
            (SELECT json_agg(p) FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'TRUNCATE']) AS p WHERE NOT pg_catalog.has_table_privilege(c.oid, p)) AS missing,
            (SELECT json_agg(DISTINCT f.conrelid::regclass::text) FROM pg_catalog.pg_constraint f
             WHERE f.confrelid = c.oid AND f.contype = 'f' AND f.conrelid <> c.oid) AS referencing
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2`,
    [table.into.schema, table.into.name],
  );
  const row = rows[0];
  if (row === undefined) return [];
  const name = quoteRelation(table.into);
  const found: Checkup[] = [];
  const fail = (message: string, hint: string): void => void found.push({ subject, outcome: 'fail', message, hint });
  if (row.kind !== 'r')
    fail(
      'is no ordinary table, so rows cannot be frozen into it',
      `Move it away (ALTER TABLE ${name} RENAME TO ...); the next load makes a plain one.`,
    );
  if (row.missing !== null)
    fail(`this role lacks ${row.missing.join(', ')} on it`, `GRANT ${row.missing.join(', ')} ON ${name} TO ${user};`);
  if (row.referencing !== null)
    fail(
      `foreign keys of ${row.referencing.join(', ')} point to it, so it cannot be emptied`,
      'Drop those constraints; check them with a dbt relationships test instead.',
    );
  if (!row.owner)
    found.push({
      subject,
      outcome: 'warn',
      message: 'belongs to another role: new columns cannot be added to it',
      hint: `ALTER TABLE ${name} OWNER TO ${user};`,
    });
  return found.length > 0 ? found : [{ subject, outcome: 'ok', message: 'can be loaded' }];
}

async function checkLedger(client: Client, user: string): Promise<Checkup[]> {
  const { rows } = await client.query<{ missing: string[] | null }>(
    `SELECT (SELECT json_agg(p) FROM unnest(ARRAY['SELECT', 'INSERT', 'DELETE']) AS p WHERE NOT pg_catalog.has_table_privilege(c.oid, p)) AS missing
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'engine' AND c.relname = 'loads'`,
  );
  const missing = rows[0]?.missing;
  if (missing === undefined || missing === null) return [];
  const hint = `GRANT ${missing.join(', ')} ON "engine"."loads" TO ${user};`;
  return [{ subject: 'ledger', outcome: 'fail', message: `this role lacks ${missing.join(', ')} on engine.loads`, hint }];
}
