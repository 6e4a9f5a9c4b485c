import type { Client } from 'pg';
import type { CatalogTable } from '../../engine/connector.ts';
import { postgresError } from './error.ts';

const kinds: Readonly<Record<string, CatalogTable['kind']>> = {
  r: 'table',
  p: 'partitioned',
  v: 'view',
  m: 'materialized view',
  f: 'foreign table',
};

/** All relations that a pipeline can name: no partitions, no system schemas; sorted by schema and name. One query, whatever their number. */
export async function readCatalog(client: Client): Promise<readonly CatalogTable[]> {
  try {
    const { rows } = await client.query<{
      schema: string;
      name: string;
      kind: string;
      rows: number;
      key: string[] | null;
      columns: { name: string; type: string; notNull: boolean }[] | null;
    }>(`
      SELECT n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind,
             CASE WHEN c.relkind = 'p' THEN (SELECT sum(p.reltuples) FROM pg_catalog.pg_partition_tree(c.oid) t JOIN pg_catalog.pg_class p ON p.oid = t.relid
                    WHERE t.isleaf AND p.reltuples >= 0)::float8 ELSE c.reltuples::float8 END AS rows,
             (SELECT json_agg(a.attname ORDER BY k.place) FROM pg_catalog.pg_index i CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place)
                JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum WHERE i.indrelid = c.oid AND i.indisprimary) AS key,
             (SELECT json_agg(json_build_object('name', a.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod), 'notNull', a.attnotnull) ORDER BY a.attnum)
                FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND c.relpersistence <> 't'
        AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%' AND n.nspname NOT LIKE 'pg\\_temp\\_%'
      ORDER BY 1, 2`);
    return rows.map((r) => ({
      schema: r.schema,
      name: r.name,
      kind: kinds[r.kind] ?? 'table',
      primaryKey: r.key ?? [],
      columns: r.columns ?? [],
      rowsEstimate: r.rows === null || r.rows < 0 ? undefined : r.rows,
    }));
  } catch (error) {
    throw postgresError(error, 'reading which tables the source has');
  }
}
