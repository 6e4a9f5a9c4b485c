import type pg from 'pg';
import { quoteIdentifier, quoteRelation } from '../../connectors/postgres/identifier.ts';
import type { Relation } from '../../engine/config.ts';

/** Rows that one side has more often than the other, as Postgres's own text of every column: EXCEPT ALL, both ways, across two servers. */
export interface Difference {
  readonly rows: number;
  readonly onlyLeft: readonly string[];
  readonly onlyRight: readonly string[];
}

/** Compares two tables by the named columns, or by all that both have but the engine's own. */
export async function differenceOf(
  left: pg.Client,
  leftTable: Relation,
  right: pg.Client,
  rightTable: Relation,
  columns?: readonly string[],
): Promise<Difference> {
  const names = columns ?? (await columnsOf(left, leftTable));
  const [a, b] = [await textRows(left, leftTable, names), await textRows(right, rightTable, names)];
  const counts = new Map<string, number>();
  for (const row of a) counts.set(row, (counts.get(row) ?? 0) + 1);
  for (const row of b) counts.set(row, (counts.get(row) ?? 0) - 1);
  const over = [...counts].filter(([, n]) => n !== 0);
  return {
    rows: a.length,
    onlyLeft: over.filter(([, n]) => n > 0).map(([row]) => row),
    onlyRight: over.filter(([, n]) => n < 0).map(([row]) => row),
  };
}

async function columnsOf(client: pg.Client, table: Relation): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT attname::text AS name FROM pg_catalog.pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [quoteRelation(table)],
  );
  return rows.map((r) => r.name).filter((n) => !['_extracted_at', '_loaded_at', '_deleted'].includes(n));
}

async function textRows(client: pg.Client, table: Relation, columns: readonly string[]): Promise<readonly string[]> {
  await client.query(
    "SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres'; SET extra_float_digits = 3; SET bytea_output = 'hex'; SET lc_monetary = 'C'",
  );
  // The type's own output: a cast to text takes away the padding of character(n), and `IS NULL` holds for a composite of NULLs.
  const list = columns.map(quoteIdentifier).map((c) => `CASE WHEN num_nonnulls(${c}) = 1 THEN format('%s', ${c}) END`);
  const { rows } = await client.query<{ row: string }>(
    `SELECT ARRAY[${list.join(', ')}]::text[]::text AS row FROM ${quoteRelation(table)}`,
  );
  return rows.map((r) => r.row);
}
