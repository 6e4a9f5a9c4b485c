import type { Client } from 'pg';
import type { Relation } from '../../engine/config.ts';
import { EngineError } from '../../engine/error.ts';
import type { Field } from '../../lake/action.ts';
import { fieldKey, fieldRole, postgresName } from '../../lake/schema.ts';
import { quoteIdentifier, quoteRelation, showRelation } from './identifier.ts';

/** A relation of the sink that stands where staging should. */
export interface StagingTable {
  readonly oid: string;
  /** `pg_class.relkind`. */
  readonly kind: string;
  readonly columns: readonly { readonly name: string; readonly type: string; readonly notNull: boolean; readonly computed: boolean }[];
  /** Columns of each unique index that ON CONFLICT can use, in its order. */
  readonly uniqueKeys: readonly (readonly string[])[];
  /** Other tables whose foreign keys point here. */
  readonly referencedBy: readonly string[];
  /** Planner's estimate; undefined before the first ANALYZE. */
  readonly rowsEstimate: number | undefined;
}

/** One column on its way from the lake into staging. */
export interface StagingColumn {
  /** In the Parquet files. */
  readonly lakeName: string;
  /** Delta's type. */
  readonly lakeType: string;
  /** In staging. */
  readonly name: string;
  /** In staging, when it is made. */
  readonly type: string;
  /** Any of these is right where staging is there already. */
  readonly accepted: readonly string[];
  /** For each accepted type, the built-in C function that receives its binary form (`textrecv` for citext too); undefined where it has none that is built in. */
  readonly receives: readonly (string | undefined)[];
  /** The source's type where staging cannot have it: the sink lacks it, or its values point into the source's own catalog. */
  readonly lacking: string | undefined;
}

/** Statements that give staging its shape; `problem` says why it cannot have it. */
export interface StagingChange {
  readonly create: string | undefined;
  readonly alter: readonly string[];
  /** The columns that `alter` adds. */
  readonly added: readonly string[];
  readonly problem: EngineError | undefined;
}

const ownColumns = { extractedAt: '_extracted_at', loadedAt: '_loaded_at', deleted: '_deleted' } as const;

/** What stands at that name now; undefined for nothing. Reads the catalogue only. */
export async function describeStaging(client: Client, into: Relation): Promise<StagingTable | undefined> {
  const found = await client.query<{ oid: string; kind: string; rows: number }>(
    `SELECT c.oid::text AS oid, c.relkind::text AS kind, c.reltuples::float8 AS rows
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2`,
    [into.schema, into.name],
  );
  const row = found.rows[0];
  if (row === undefined) return undefined;
  const columns = await client.query<{ name: string; type: string; not_null: boolean; computed: boolean }>(
    `SELECT a.attname::text AS name, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS not_null, a.attgenerated <> '' AS computed
     FROM pg_catalog.pg_attribute a WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
    [row.oid],
  );
  const keys = await client.query<{ columns: string[] }>(
    `SELECT array_agg(a.attname::text ORDER BY k.place) AS columns
     FROM pg_catalog.pg_index i CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place)
     LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
     WHERE i.indrelid = $1 AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL AND k.place <= i.indnkeyatts
     GROUP BY i.indexrelid`,
    [row.oid],
  );
  const references = await client.query<{ name: string }>(
    `SELECT DISTINCT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name FROM pg_catalog.pg_constraint f
     JOIN pg_catalog.pg_class c ON c.oid = f.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE f.contype = 'f' AND f.confrelid = $1 AND f.conrelid <> $1 ORDER BY 1`,
    [row.oid],
  );
  return {
    oid: row.oid,
    kind: row.kind,
    columns: columns.rows.map((c) => ({ name: c.name, type: c.type, notNull: c.not_null, computed: c.computed })),
    uniqueKeys: keys.rows.map((k) => k.columns),
    referencedBy: references.rows.map((r) => r.name),
    rowsEstimate: row.rows < 0 ? undefined : Math.round(row.rows),
  };
}

/**
 * The columns of staging for a lake table's fields: each with the source's own type where the sink knows that type and it is of the same kind, else with the built-in
 * type that the field names. Reads the catalogue only; the session's search_path must be empty.
 */
export async function stagingColumns(client: Client, fields: readonly Field[]): Promise<readonly StagingColumn[]> {
  const data = fields.filter((f) => fieldRole(f) === undefined).map((f) => ({ field: f, ...typesOf(f) }));
  const known = await knownTypes(client, [...new Set(data.flatMap((d) => [d.type, d.base]))]);
  return data.map(({ field, type, base }) => {
    const own = known.get(type);
    const plain = known.get(base);
    const fallback = plain?.text ?? 'text';
    const usable = own !== undefined && fits(own, fallback);
    return {
      lakeName: field.name,
      lakeType: field.type,
      name: postgresName(field),
      type: usable ? own.text : fallback,
      accepted: [...(usable ? [own.text] : []), fallback],
      receives: [...(usable ? [own.receive] : []), plain === undefined ? 'textrecv' : plain.receive].map((r) => r ?? undefined),
      lacking: usable ? undefined : type,
    };
  });
}

/** The primary key of a new staging table: the source's key, with the time of the extract where every version is kept. */
export function stagingKey(key: readonly string[], load: 'merge' | 'append'): readonly string[] {
  return load === 'append' && key.length > 0 ? [...key, ownColumns.extractedAt] : key;
}

/** What has to be done to staging before it can take these columns. Pure; never drops or changes anything that is there. */
export function changeStaging(
  into: Relation,
  staging: StagingTable | undefined,
  columns: readonly StagingColumn[],
  uniqueKey: readonly string[],
  replaces: boolean,
): StagingChange {
  if (staging === undefined) return { create: createStatement(into, columns, uniqueKey), alter: [], added: [], problem: undefined };
  const there = new Map(staging.columns.map((c) => [c.name, c]));
  const added = columns.filter((c) => !there.has(c.name));
  return {
    create: undefined,
    alter: added.map((c) => `ALTER TABLE ${quoteRelation(into)} ADD COLUMN ${quoteIdentifier(c.name)} ${c.type}`),
    added: added.map((c) => c.name),
    problem: problemOf(into, staging, columns, uniqueKey, replaces),
  };
}

/** The statement that empties staging; other tables that inherit from it are left alone. */
export function truncateSql(into: Relation): string {
  return `TRUNCATE TABLE ONLY ${quoteRelation(into)}`;
}

function createStatement(into: Relation, columns: readonly StagingColumn[], uniqueKey: readonly string[]): string {
  const lines = [
    ...columns.map((c) => `${quoteIdentifier(c.name)} ${c.type}`),
    `${quoteIdentifier(ownColumns.extractedAt)} timestamp with time zone NOT NULL`,
    `${quoteIdentifier(ownColumns.loadedAt)} timestamp with time zone NOT NULL DEFAULT pg_catalog.now()`,
    ...(uniqueKey.length === 0 ? [] : [`PRIMARY KEY (${uniqueKey.map(quoteIdentifier).join(', ')})`]),
  ];
  return `CREATE TABLE ${quoteRelation(into)} (\n  ${lines.join(',\n  ')}\n)`;
}

function problemOf(
  into: Relation,
  staging: StagingTable,
  columns: readonly StagingColumn[],
  uniqueKey: readonly string[],
  replaces: boolean,
): EngineError | undefined {
  const target = showRelation(into);
  const refuse = (code: string, message: string, hint: string): EngineError => new EngineError('refused', code, message, { hint });
  if (staging.kind === 'p')
    return refuse(
      'load.partitioned',
      `staging table ${target} is partitioned`,
      'Load into a plain table (`into:`) and partition what is made from it.',
    );
  if (staging.kind !== 'r')
    return refuse(
      'load.no-table',
      `${target} is there and is no table`,
      'Give the table another name with `into:`, or move that relation away.',
    );
  if (replaces && staging.referencedBy.length > 0)
    return refuse(
      'load.referenced',
      `staging table ${target} cannot be emptied: foreign keys of ${staging.referencedBy.join(', ')} point to it`,
      'Drop those foreign keys: staging is replaced as a whole by every full load.',
    );
  const there = new Map(staging.columns.map((c) => [c.name, c]));
  for (const [name, label] of [
    [ownColumns.extractedAt, 'says when a row was extracted'],
    [ownColumns.loadedAt, 'says when a row was loaded'],
  ] as const)
    if (there.get(name)?.type !== 'timestamp with time zone')
      return refuse(
        'load.not-staging',
        `table ${target} was not made by the engine: it lacks the column ${name} (timestamp with time zone) that ${label}`,
        'Name another table with `into:`, or move that one away: the engine then makes its own.',
      );
  const names = new Set<string>([...columns.map((c) => c.name), ...Object.values(ownColumns)]);
  const vanished = staging.columns.filter((c) => !names.has(c.name) && !c.computed).map((c) => c.name);
  if (vanished.length > 0)
    return refuse(
      'load.column-vanished',
      `staging table ${target} has ${vanished.length === 1 ? 'a column' : 'columns'} that the lake's table has not: ${vanished.join(', ')}`,
      `Drop ${vanished.length === 1 ? 'it' : 'them'} (ALTER TABLE ${quoteRelation(into)} DROP COLUMN ...) once nothing reads ${vanished.length === 1 ? 'it' : 'them'} any more.`,
    );
  for (const column of columns) {
    const found = there.get(column.name);
    if (found !== undefined && !column.accepted.includes(found.type))
      return refuse(
        'load.type-changed',
        `column ${column.name} of staging table ${target} is ${found.type}, and the lake's table has ${column.accepted[0] ?? column.type}`,
        `Change its type (ALTER TABLE ${quoteRelation(into)} ALTER COLUMN ${quoteIdentifier(column.name)} TYPE ${column.type}), or drop the table: the next load makes it again from the lake.`,
      );
  }
  const wanted = [...uniqueKey].sort().join('\0');
  if (uniqueKey.length > 0 && !staging.uniqueKeys.some((k) => [...k].sort().join('\0') === wanted))
    return refuse(
      'load.no-unique-key',
      `staging table ${target} has no unique index on its key (${uniqueKey.join(', ')})`,
      `ALTER TABLE ${quoteRelation(into)} ADD PRIMARY KEY (${uniqueKey.map(quoteIdentifier).join(', ')}), or drop the table: the next load makes it again from the lake.`,
    );
  return undefined;
}

const baseOf: Readonly<Record<string, string>> = {
  boolean: 'boolean',
  short: 'smallint',
  integer: 'integer',
  long: 'bigint',
  float: 'real',
  double: 'double precision',
  binary: 'bytea',
  date: 'date',
  timestamp: 'timestamp with time zone',
  timestamp_ntz: 'timestamp without time zone',
};

/** Types as the field's metadata has them; a table that another program wrote has Delta's types only. */
function typesOf(field: Field): { readonly type: string; readonly base: string } {
  const plain = baseOf[field.type] ?? (field.type.startsWith('decimal') ? field.type.replace('decimal', 'numeric') : 'text');
  const type = field.metadata[fieldKey.type];
  const base = field.metadata[fieldKey.base];
  const otherwise = typeof base === 'string' ? base : plain;
  return { type: typeof type === 'string' ? type : otherwise, base: otherwise };
}

interface KnownType {
  /** As `format_type` has it, precision and length included. */
  readonly text: string;
  /** `pg_proc.prosrc` of the function that receives the binary form, where that is built into the server. */
  readonly receive: string | null;
  /** `pg_type.typtype`, of the element for an array. */
  readonly kind: string;
  /** Of a composite type: `c` when it stands by itself, else the kind of the table that it is the row of. */
  readonly rowKind: string | null;
  /** `format_type` of what a domain (of an array: its elements' one) is over at last, where that is built in. */
  readonly over: string | null;
  readonly builtIn: boolean;
  readonly array: boolean;
}

async function knownTypes(client: Client, texts: readonly string[]): Promise<ReadonlyMap<string, KnownType>> {
  const found = await client.query<{
    text: string;
    domain: string | null;
    kind: string;
    row_kind: string | null;
    over: string | null;
    built_in: boolean;
    array: boolean;
    receive: string | null;
  }>(
    `SELECT t.text, CASE WHEN y.typtype = 'd' THEN pg_catalog.format_type(y.oid, NULL) END AS domain, e.typtype::text AS kind, c.relkind::text AS row_kind,
            (WITH RECURSIVE under(oid, typmod, depth) AS (
               SELECT e.typbasetype, e.typtypmod, 1 WHERE e.typtype = 'd'
               UNION ALL SELECT u.typbasetype, u.typtypmod, under.depth + 1 FROM under JOIN pg_catalog.pg_type u ON u.oid = under.oid WHERE u.typtype = 'd')
             SELECT CASE WHEN b.typnamespace = 'pg_catalog'::regnamespace THEN pg_catalog.format_type(b.oid, under.typmod) END
             FROM under JOIN pg_catalog.pg_type b ON b.oid = under.oid ORDER BY depth DESC LIMIT 1) AS over,
            y.typnamespace = 'pg_catalog'::regnamespace AS built_in, e.oid <> y.oid AS array,
            CASE WHEN l.lanname = 'internal' THEN p.prosrc END AS receive
     FROM unnest($1::text[]) AS t(text)
     JOIN pg_catalog.pg_type y ON y.oid = pg_catalog.to_regtype(t.text)
     JOIN pg_catalog.pg_type e ON e.oid = CASE WHEN y.typtype <> 'd' AND y.typcategory = 'A' AND y.typelem <> 0 THEN y.typelem ELSE y.oid END
     LEFT JOIN pg_catalog.pg_class c ON c.oid = e.typrelid
     LEFT JOIN pg_catalog.pg_proc p ON p.oid = y.typreceive LEFT JOIN pg_catalog.pg_language l ON l.oid = p.prolang`,
    [texts],
  );
  if (found.rows.length === 0) return new Map();
  // Each text has just been read as a type by Postgres itself, so it may stand in a statement. Of a domain the answer tells what it is over.
  const shape = await client.query({ text: `SELECT ${found.rows.map((r) => `NULL::${r.text}`).join(', ')} LIMIT 0`, rowMode: 'array' });
  const formatted = await client.query<{ text: string }>(
    `SELECT pg_catalog.format_type(f.oid, f.typmod) AS text FROM unnest($1::oid[], $2::int4[]) WITH ORDINALITY AS f(oid, typmod, place) ORDER BY f.place`,
    [shape.fields.map((f) => f.dataTypeID), shape.fields.map((f) => f.dataTypeModifier)],
  );
  return new Map(
    found.rows.map((row, place) => [
      row.text,
      {
        text: row.domain ?? formatted.rows[place]?.text ?? row.text,
        receive: row.receive,
        kind: row.kind,
        rowKind: row.row_kind,
        over: row.over,
        builtIn: row.built_in,
        array: row.array,
      },
    ]),
  );
}

/** A type of the same name may be something else in the sink: a domain over another type, the row type of a table. A built-in one that the extract gave text for is no good elsewhere. */
function fits(own: KnownType, fallback: string): boolean {
  if (own.builtIn && fallback === 'text') return own.text === 'text';
  if (own.kind === 'd') return own.over === null ? /^text(\[\])?$/.test(fallback) : fallback === baseOfDomain(own.over, own.array);
  if (own.kind === 'c') return own.rowKind === 'c';
  return own.kind !== 'p';
}

/** What an extract names as the base of such a column: no built-in type reads the text of an array of arrays. */
function baseOfDomain(over: string, array: boolean): string {
  if (!array) return over;
  return over.endsWith('[]') ? 'text' : `${over}[]`;
}
