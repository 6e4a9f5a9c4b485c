import type { Relation } from '../../engine/config.ts';
import { quoteIdentifier, quoteRelation } from './identifier.ts';

/** Where the rows of one version wait to be merged; dropped at the transaction's end. */
export const arrivals = 'pg_temp."engine_arrivals"';

/** What a merge statement is made from. Names are staging's. */
export interface MergeShape {
  readonly into: Relation;
  /** All columns of the source. */
  readonly columns: readonly string[];
  readonly key: readonly string[];
}

const extractedAt = quoteIdentifier('_extracted_at');
const loadedAt = quoteIdentifier('_loaded_at');

/** A temporary table with staging's types and none of its constraints. */
export function arrivalsStatement({ into, columns }: MergeShape): string {
  return `CREATE TEMPORARY TABLE ${arrivals} ON COMMIT DROP AS SELECT ${[...columns.map(quoteIdentifier), extractedAt].join(', ')} FROM ${quoteRelation(into)} WITH NO DATA`;
}

/** One key that stands there twice, as text in the key's order; no row when there is none. Staging's own types decide what is equal. */
export function repeatedKeySql({ key }: MergeShape): string {
  const names = key.map(quoteIdentifier);
  return `SELECT ARRAY[${names.map((n) => `${n}::text`).join(', ')}] AS key, count(*)::text AS times FROM ${arrivals} GROUP BY ${names.join(', ')} HAVING count(*) > 1 LIMIT 1`;
}

/**
 * The one statement of an incremental load: `inserted`, `updated` as text. A row whose image is the same is not rewritten (`*<>` compares images: `=` takes
 * 1.0 for 1.00, and json has none); the key is set as well, since citext 'A' and 'a' are one key.
 */
export function mergeSql({ into, columns, key }: MergeShape): string {
  const names = columns.map(quoteIdentifier);
  const all = [...names, extractedAt].join(', ');
  const image = (of: string): string => `ROW(${names.map((n) => `${of}.${n}`).join(', ')})::record`;
  return `WITH done AS (
  INSERT INTO ${quoteRelation(into)} AS t (${all}) SELECT ${all} FROM ${arrivals}
  ON CONFLICT (${key.map(quoteIdentifier).join(', ')}) DO UPDATE
  SET ${[...names, extractedAt].map((n) => `${n} = excluded.${n}`).join(', ')}, ${loadedAt} = pg_catalog.now()
  WHERE excluded.${extractedAt} > t.${extractedAt} AND ${image('t')} OPERATOR(pg_catalog.*<>) ${image('excluded')}
  RETURNING t.xmax::text = '0' AS fresh
)
SELECT count(*) FILTER (WHERE fresh)::text AS inserted, count(*) FILTER (WHERE NOT fresh)::text AS updated FROM done`;
}

/**
 * Keeps every version: a row is added unless its image is that of its key's latest version. `equals` has one operator per key column, `schema`-qualified,
 * as staging's key index compares (an empty search_path would not find those of extensions). Without a key every row is added.
 */
export function appendSql({ into, columns, key }: MergeShape, equals: readonly string[]): string {
  const names = columns.map(quoteIdentifier);
  const all = [...names, extractedAt].join(', ');
  const image = (of: string): string => `ROW(${names.map((n) => `${of}.${n}`).join(', ')})::record`;
  const same = key.map((k, i) => `t.${quoteIdentifier(k)} ${equals[i] ?? 'OPERATOR(pg_catalog.=)'} n.${quoteIdentifier(k)}`).join(' AND ');
  const known = `WHERE NOT EXISTS (
    SELECT FROM (SELECT ${names.map((n) => `t.${n}`).join(', ')} FROM ${quoteRelation(into)} t WHERE ${same} ORDER BY t.${extractedAt} DESC LIMIT 1) AS latest
    WHERE ${image('latest')} OPERATOR(pg_catalog.*=) ${image('n')}
  )
  ON CONFLICT DO NOTHING`;
  return `WITH done AS (
  INSERT INTO ${quoteRelation(into)} (${all}) SELECT ${all} FROM ${arrivals} n ${key.length === 0 ? '' : known}
  RETURNING 1
)
SELECT count(*)::text AS inserted, '0' AS updated FROM done`;
}

/** True when a trigger of the user's stands before rows of the table ($1, its oid): it can swallow or change them, and a merge would count them as the same. */
export const rowTriggersSql = `
  SELECT tgname::text AS name FROM pg_catalog.pg_trigger
  WHERE tgrelid = $1::text::oid AND NOT tgisinternal AND tgenabled IN ('O', 'A') AND (tgtype & 3) = 3 ORDER BY tgname LIMIT 1`;

/** One key that arrived and stands in staging neither with its image nor in a newer version, as text; no row when there is none. */
export function missedSql({ into, columns, key }: MergeShape, equals: readonly string[]): string {
  const image = (of: string): string => `ROW(${columns.map((n) => `${of}.${quoteIdentifier(n)}`).join(', ')})::record`;
  const same = key.map((k, i) => `t.${quoteIdentifier(k)} ${equals[i] ?? 'OPERATOR(pg_catalog.=)'} n.${quoteIdentifier(k)}`).join(' AND ');
  return `SELECT ARRAY[${key.map((k) => `n.${quoteIdentifier(k)}::text`).join(', ')}] AS key FROM ${arrivals} n
  WHERE NOT EXISTS (SELECT FROM ${quoteRelation(into)} t WHERE ${same} AND (t.${extractedAt} > n.${extractedAt} OR ${image('t')} OPERATOR(pg_catalog.*=) ${image('n')})) LIMIT 1`;
}

/** For each column of the key: the operator of equality that the key's index uses, as SQL. $1 is the table's oid, $2 the key's names. */
export const keyOperatorsSql = `
  SELECT k.name, (SELECT pg_catalog.format('OPERATOR(%I.%s)', n.nspname, o.oprname)
    FROM pg_catalog.pg_index i CROSS JOIN LATERAL unnest(i.indkey::int2[], i.indclass::oid[]) AS c(attnum, opclass)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = c.attnum AND a.attname = k.name
    JOIN pg_catalog.pg_opclass oc ON oc.oid = c.opclass
    JOIN pg_catalog.pg_amop am ON am.amopfamily = oc.opcfamily AND am.amoplefttype = oc.opcintype AND am.amoprighttype = oc.opcintype AND am.amopstrategy = 3
    JOIN pg_catalog.pg_operator o ON o.oid = am.amopopr JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
    WHERE i.indrelid = $1 AND i.indisunique LIMIT 1) AS operator
  FROM unnest($2::text[]) WITH ORDINALITY AS k(name, place) ORDER BY k.place`;
