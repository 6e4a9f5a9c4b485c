import type { Client } from 'pg';
import type { Relation } from '../../engine/config.ts';
import { EngineError } from '../../engine/error.ts';
import { postgresError } from './error.ts';
import { quoteRelation, showRelation } from './identifier.ts';

/** A Postgres type, as far as the way through the lake depends on it. */
export interface PostgresType {
  /** `format_type` under an empty search_path: `numeric(12,2)`, `public.mood`, `integer[]`. */
  readonly text: string;
  readonly kind: 'base' | 'domain' | 'enum' | 'composite' | 'range' | 'multirange' | 'pseudo';
  readonly schema: string;
  /** Name in pg_type: `int4`, `_text`. */
  readonly name: string;
  readonly typmod: number;
  /** The type that a domain is over, or that an array is of. */
  readonly over: PostgresType | undefined;
  readonly array: boolean;
}

export interface SourceColumn {
  readonly name: string;
  readonly type: PostgresType;
  readonly notNull: boolean;
  /** Old rows may hold a value that no change of theirs put there: a default (its type's too, and one that was dropped since), an identity, a generated value. */
  readonly filledByServer: boolean;
  /** Texts are equal only when their bytes are. */
  readonly deterministic: boolean;
}

export interface SourceRelation {
  readonly relation: Relation;
  readonly oid: string;
  readonly kind: 'table' | 'partitioned' | 'view' | 'materialized view' | 'foreign table';
  readonly columns: readonly SourceColumn[];
  readonly primaryKey: readonly string[];
}

const kinds: Readonly<Record<string, SourceRelation['kind']>> = {
  r: 'table',
  p: 'partitioned',
  v: 'view',
  m: 'materialized view',
  f: 'foreign table',
};

const typeKinds: Readonly<Record<string, PostgresType['kind']>> = {
  b: 'base',
  d: 'domain',
  e: 'enum',
  c: 'composite',
  r: 'range',
  m: 'multirange',
  p: 'pseudo',
};

interface TypeRow {
  readonly oid: string;
  readonly kind: string;
  readonly schema: string;
  readonly name: string;
  readonly text: string;
  readonly base: string;
  readonly base_typmod: number;
  readonly base_text: string;
  readonly element: string;
}

const typesSql = `
  WITH RECURSIVE seen(oid) AS (
    SELECT DISTINCT a.atttypid FROM pg_catalog.pg_attribute a WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
    UNION
    SELECT x.oid FROM seen s JOIN pg_catalog.pg_type t ON t.oid = s.oid
      CROSS JOIN LATERAL (VALUES (t.typbasetype), (CASE WHEN t.typcategory = 'A' THEN t.typelem ELSE 0 END)) AS x(oid)
    WHERE x.oid <> 0
  )
  SELECT t.oid::text AS oid, t.typtype::text AS kind, n.nspname::text AS schema, t.typname::text AS name,
         pg_catalog.format_type(t.oid, NULL) AS text, t.typbasetype::text AS base, t.typtypmod AS base_typmod,
         pg_catalog.format_type(t.typbasetype, t.typtypmod) AS base_text,
         (CASE WHEN t.typcategory = 'A' THEN t.typelem ELSE 0 END)::text AS element
  FROM seen JOIN pg_catalog.pg_type t ON t.oid = seen.oid JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace`;

/**
 * What a relation looks like now: columns in their order (dropped ones left out), types down to what domains and arrays are made of, primary key.
 * A relation that is not there, or may not be seen: EngineError `postgres.no-relation`, trouble `outside`. Needs no right on the table itself.
 */
export async function describeRelation(client: Client, relation: Relation): Promise<SourceRelation> {
  try {
    const found = await client.query<{ oid: string; kind: string }>(
      `SELECT c.oid::text AS oid, c.relkind::text AS kind FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname = $1 AND c.relname = $2`,
      [relation.schema, relation.name],
    );
    const row = found.rows[0];
    const kind = row === undefined ? undefined : kinds[row.kind];
    if (row === undefined || kind === undefined) throw noRelation(relation);
    const types = new Map((await client.query<TypeRow>(typesSql, [row.oid])).rows.map((t) => [t.oid, t]));
    const columns = await client.query<{
      name: string;
      type: string;
      typmod: number;
      text: string;
      not_null: boolean;
      filled: boolean;
      deterministic: boolean;
    }>(
      `SELECT a.attname::text AS name, a.atttypid::text AS type, a.atttypmod AS typmod, pg_catalog.format_type(a.atttypid, a.atttypmod) AS text,
              a.attnotnull AS not_null,
              (a.atthasdef OR a.atthasmissing OR a.attidentity <> '' OR a.attgenerated <> '' OR t.typdefault IS NOT NULL) AS filled,
              coalesce((pg_catalog.to_jsonb(c) ->> 'collisdeterministic')::pg_catalog.bool, true) AS deterministic
       FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid LEFT JOIN pg_catalog.pg_collation c ON c.oid = a.attcollation
       WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
      [row.oid],
    );
    const key = await client.query<{ name: string }>(
      `SELECT a.attname::text AS name FROM pg_catalog.pg_index i CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place)
       JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
       WHERE i.indrelid = $1 AND i.indisprimary ORDER BY k.place`,
      [row.oid],
    );
    return {
      relation,
      oid: row.oid,
      kind,
      columns: columns.rows.map((c) => ({
        name: c.name,
        type: typeOf(types, c.type, c.typmod, c.text),
        notNull: c.not_null,
        filledByServer: c.filled,
        deterministic: c.deterministic,
      })),
      primaryKey: key.rows.map((k) => k.name),
    };
  } catch (error) {
    throw postgresError(error, `reading what ${showRelation(relation)} looks like`);
  }
}

function noRelation(relation: Relation): EngineError {
  return new EngineError(
    'outside',
    'postgres.no-relation',
    `there is no table ${showRelation(relation)} in the source, or this role may not see it`,
    {
      hint: `Check the name (\`table:\` is schema.table; capitals and spaces need double quotes) and GRANT USAGE ON SCHEMA and SELECT ON ${quoteRelation(relation)}`,
    },
  );
}

function typeOf(types: ReadonlyMap<string, TypeRow>, oid: string, typmod: number, text?: string): PostgresType {
  const row = types.get(oid);
  if (row === undefined) throw new EngineError('failed', 'postgres.no-type', `type ${oid} vanished while it was read`, { retryable: true });
  const under = row.kind === 'd' ? row.base : row.element;
  return {
    text: text ?? row.text,
    kind: typeKinds[row.kind] ?? 'pseudo',
    schema: row.schema,
    name: row.name,
    typmod,
    over:
      under === '0' ? undefined : row.kind === 'd' ? typeOf(types, under, row.base_typmod, row.base_text) : typeOf(types, under, typmod),
    array: row.kind !== 'd' && row.element !== '0',
  };
}
