import type { Client } from 'pg';
import type { TableConfig } from '../../engine/config.ts';
import type { Checkup } from '../../engine/connector.ts';
import { EngineError, errorData } from '../../engine/error.ts';
import { type Cursor, cursorOf, isValueCursor } from './cursor.ts';
import { describeRelation, type SourceRelation } from './describe.ts';
import { quoteIdentifier, quoteRelation, showRelation } from './identifier.ts';
import { maskOf } from './mask.ts';

/** What a table of a source lacks, and what of it will hurt. Reads the catalog only, no row. */
export async function checkTable(client: Client, table: TableConfig, incremental: boolean, zones: readonly string[]): Promise<Checkup[]> {
  const subject = showRelation(table.relation);
  const found: Checkup[] = [];
  const add = (outcome: Checkup['outcome'], message: string, hint?: string): void =>
    void found.push({ subject, outcome, message, ...(hint === undefined ? {} : { hint }) });
  let relation: SourceRelation;
  try {
    relation = await describeRelation(client, table.relation);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const { message, hint } = errorData(error);
    add('fail', message, hint);
    return found;
  }
  await checkRights(client, relation, table, add);
  checkKey(relation, table, incremental, add);
  await checkKeyCollation(client, relation, table, add);
  if (incremental && table.lookbackMs === 0)
    add(
      'warn',
      'its lookback is 0s, which leaves no room for the microseconds before a transaction shows itself: such a change can be missed',
      `Leave out \`lookback\` of tables.${table.name}, or make it 1s or more.`,
    );
  if (incremental) await checkCursor(client, relation, table, zones, add);
  if (found.length === 0) add('ok', incremental ? 'can be read; key, cursor, index and trigger are there' : 'can be read');
  return found;
}

type Add = (outcome: Checkup['outcome'], message: string, hint?: string) => void;

async function checkRights(client: Client, relation: SourceRelation, table: TableConfig, add: Add): Promise<void> {
  const taken = relation.columns.map((c) => c.name).filter((name) => isTaken(table, name) && maskOf(table, name) !== 'null');
  const { rows } = await client.query<{ role: string; usage: boolean; whole: boolean; denied: string[] | null; policies: boolean }>(
    `SELECT current_user::text AS role, pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE') AS usage, pg_catalog.has_table_privilege(c.oid, 'SELECT') AS whole,
            (SELECT json_agg(a.attname ORDER BY a.attnum) FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attname = ANY ($2::name[])
               AND a.attnum > 0 AND NOT a.attisdropped AND NOT pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT')) AS denied,
            pg_catalog.row_security_active(c.oid) AS policies
     FROM pg_catalog.pg_class c WHERE c.oid = $1::oid`,
    [relation.oid, taken],
  );
  const row = rows[0];
  if (row === undefined) return;
  const role = quoteIdentifier(row.role);
  const name = quoteRelation(relation.relation);
  if (!row.usage)
    add('fail', 'its schema may not be used', `GRANT USAGE ON SCHEMA ${quoteIdentifier(relation.relation.schema)} TO ${role};`);
  if (row.denied !== null && !row.whole) {
    const all = row.denied.length === taken.length;
    const columns = all ? '' : ` (${row.denied.map(quoteIdentifier).join(', ')})`;
    add(
      'fail',
      all ? 'it may not be read' : `columns may not be read: ${row.denied.join(', ')}`,
      `GRANT SELECT${columns} ON ${name} TO ${role};${all ? '' : ' Or leave them out with `columns: { exclude: [...] }`, or mask them as `null`.'}`,
    );
  }
  if (row.policies)
    add(
      'fail',
      'row level security hides rows from this role, and the engine refuses to read a part for the whole',
      `ALTER ROLE ${role} BYPASSRLS; or name another role in the source's url.`,
    );
}

const isTaken = (table: TableConfig, column: string): boolean =>
  (table.columns.include === undefined || table.columns.include.includes(column)) && !table.columns.exclude.includes(column);

function checkKey(relation: SourceRelation, table: TableConfig, incremental: boolean, add: Add): void {
  const missing = (table.key ?? []).filter((column) => !relation.columns.some((c) => c.name === column));
  if (missing.length > 0)
    add('fail', `its key names columns that are not there: ${missing.join(', ')}`, `Correct \`key\` of tables.${table.name}.`);
  if (table.key !== undefined || relation.primaryKey.length > 0) return;
  if (incremental && table.load === 'merge')
    add('fail', 'it has no primary key, so changed rows cannot be merged', `Give tables.${table.name} a \`key\`, or \`load: append\`.`);
  else if (!incremental)
    add('warn', 'it has no primary key: it can be taken in full only', 'ALTER TABLE ... ADD PRIMARY KEY (...), or give it a `key`.');
}

/** Staging is made with the database's own collation, where texts are equal only when their bytes are. */
async function checkKeyCollation(client: Client, relation: SourceRelation, table: TableConfig, add: Add): Promise<void> {
  const key = table.key ?? relation.primaryKey;
  const { rows } = await client.query<{ column: string; collation: string }>(
    `SELECT a.attname::text AS column, c.collname::text AS collation
     FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_collation c ON c.oid = a.attcollation
     WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attname = ANY ($2::name[])
       AND to_jsonb(c) ->> 'collisdeterministic' = 'false' ORDER BY a.attnum`,
    [relation.oid, key],
  );
  for (const { column, collation } of rows)
    add(
      'warn',
      `its key column ${column} has the nondeterministic collation ${collation}, which staging is made without: keys that are equal here are two rows there`,
      'Have its writers spell a key in one way only, or name another `key`.',
    );
}

interface CursorRow {
  readonly indexed: boolean;
  readonly triggers: { readonly name: string; readonly enabled: string; readonly source: string; readonly constant: boolean }[] | null;
  readonly generated: boolean;
  /** Its default is a time, not a function: `DEFAULT 'now'` is the moment when the table was made. */
  readonly frozenDefault: boolean;
}

async function checkCursor(
  client: Client,
  relation: SourceRelation,
  table: TableConfig,
  zones: readonly string[],
  add: Add,
): Promise<void> {
  let cursor: Cursor;
  try {
    cursor = cursorOf(relation, table, zones);
    const column = cursor.column.name;
    if (isValueCursor(cursor))
      add(
        'warn',
        `its cursor ${column} is no time, so there is no fence: a row that commits late with a lower ${column}, and a change that leaves ${column} as it is, are missed`,
        `Name a time that every change sets as \`cursor\`, or run a full pipeline now and then${cursor.kind === 'integer' ? '; `lookback: 1000 units` takes the last 1000 numbers again each time' : ''}.`,
      );
    else if (cursor.kind !== 'timestamptz' && table.cursorTimezone === undefined)
      add(
        'warn',
        `its cursor ${column} is a ${cursor.kind} without time zone; it is read as ${cursor.zone}, the server's setting`,
        `Say what its writers use: \`cursorTimezone: ${cursor.zone}\` for tables.${table.name}. Better still, make it timestamptz.`,
      );
    if (!cursor.column.notNull)
      add(
        'warn',
        `its cursor ${column} may be NULL: such rows are ${table.nullCursor === 'ignore' ? 'never taken again' : table.nullCursor === 'error' ? 'an error' : 'read every time'}`,
        `UPDATE the NULLs, then ALTER TABLE ${quoteRelation(relation.relation)} ALTER COLUMN ${quoteIdentifier(column)} SET NOT NULL; or choose \`nullCursor\`.`,
      );
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const { message, hint } = errorData(error);
    add('fail', message, hint);
    return;
  }
  const column = cursor.column.name;
  if (relation.kind === 'foreign table')
    add(
      'warn',
      'it is a foreign table: the fence does not see the transactions of the server that its rows are on',
      'Name that server as a source of its own, or set `lookback` above its longest transaction.',
    );
  if (relation.kind === 'partitioned' && !isValueCursor(cursor))
    add(
      'warn',
      `a partition that is attached with rows in it brings their old ${column}, which the next extract passes over`,
      'Run it once with --full-refresh after ATTACH PARTITION; a partition that is made empty needs nothing.',
    );
  const { rows } = await client.query<CursorRow>(cursorSql, [relation.oid, column]);
  const row = rows[0];
  if (row === undefined || relation.kind === 'view' || relation.kind === 'foreign table') return;
  const name = quoteRelation(relation.relation);
  if (!row.indexed)
    add(
      'warn',
      `no index begins with its cursor ${column}: every extract reads the whole table`,
      `CREATE INDEX CONCURRENTLY ON ${name} (${quoteIdentifier(column)});`,
    );
  if (row.frozenDefault)
    add(
      'warn',
      `the default of its cursor ${column} is a fixed time: rows that are inserted without one get an old time and are missed`,
      `ALTER TABLE ${name} ALTER COLUMN ${quoteIdentifier(column)} SET DEFAULT now(); (\`DEFAULT 'now'\` was read when the table was made.)`,
    );
  const setting = (row.triggers ?? []).filter((t) => mentions(t.source, column));
  const live = setting.filter((t) => t.enabled === 'O' || t.enabled === 'A');
  const frozen = live.filter((t) => t.constant);
  if (row.generated || relation.kind === 'materialized view' || isValueCursor(cursor)) return;
  if (live.length === 0)
    add(
      'warn',
      setting.length === 0
        ? `no trigger sets its cursor ${column} on UPDATE: a writer that forgets it is missed`
        : `the trigger ${setting[0]?.name} that sets its cursor ${column} is disabled`,
      setting.length === 0
        ? `Make a BEFORE UPDATE FOR EACH ROW trigger that sets NEW.${quoteIdentifier(column)} := now(), unless every writer does.`
        : `ALTER TABLE ${name} ENABLE TRIGGER ${quoteIdentifier(setting[0]?.name ?? '')};`,
    );
  for (const { name: trigger } of frozen)
    add(
      'warn',
      `the trigger ${trigger} uses the constant 'now', which plpgsql freezes at the session's first use: changes get old times and are missed`,
      'Write now() in its function instead.',
    );
}

/** The name as a word of the function's text, in quotes or not. */
function mentions(source: string, column: string): boolean {
  const exact = column.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`(^|[^a-z0-9_])${exact}($|[^a-z0-9_])`, 'i').test(source);
}

/** Trigger bits (pg_trigger.h): 1 row, 2 before, 16 update. An index counts when it is valid, whole and has the column first. */
const cursorSql = `
  SELECT EXISTS (SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
                 WHERE i.indrelid = $1::oid AND i.indisvalid AND i.indpred IS NULL AND a.attname = $2::name) AS indexed,
         (SELECT json_agg(json_build_object('name', t.tgname, 'enabled', t.tgenabled, 'source', p.prosrc || encode(t.tgargs, 'escape'),
                   'constant', l.lanname = 'plpgsql' AND p.prosrc ~* '(:?=|timestamp(tz)?|date|time zone)\\s*''now''(?!\\s*::\\s*text)') ORDER BY t.tgname)
          FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid JOIN pg_catalog.pg_language l ON l.oid = p.prolang
          WHERE t.tgrelid = $1::oid AND NOT t.tgisinternal AND t.tgtype & 19 = 19) AS triggers,
         (SELECT a.attgenerated <> '' FROM pg_catalog.pg_attribute a WHERE a.attrelid = $1::oid AND a.attname = $2::name) AS generated,
         EXISTS (SELECT FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
                 WHERE a.attrelid = $1::oid AND a.attname = $2::name AND a.attgenerated = '' AND pg_catalog.pg_get_expr(d.adbin, d.adrelid) ~ '^''[^'']*''::(timestamp|date)[a-z() 0-9]*$') AS "frozenDefault"`;
