import type { CatalogTable, Looked, LookRequest } from '../../engine/connector.ts';
import type { PostgresServer } from './server.ts';
import { onVisit } from './visit.ts';

const patienceMs = 4_000;

const kinds: Readonly<Record<string, CatalogTable['kind']>> = {
  r: 'table',
  p: 'partitioned',
  v: 'view',
  m: 'materialized view',
  f: 'foreign table',
};

interface Row {
  readonly schema: string;
  readonly name: string;
  readonly kind: string;
  readonly rows: number | null;
  readonly bytes: number | null;
  readonly columns: CatalogTable['columns'] | null;
}

/**
 * What the catalog and the statistics have, of partitioned tables all parts together. The statistics are moved along with each commit, so they are nearer than what the last ANALYZE
 * counted; where they begin anew (a crash, a reset) they know of no ANALYZE, and its count is the better one. Sizes are those of the last VACUUM or ANALYZE: to measure a table takes a lock on it.
 */
const lookSql = `
  SELECT n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind, size.rows, size.bytes,
         (SELECT json_agg(json_build_object('name', a.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod), 'notNull', a.attnotnull) ORDER BY a.attnum)
          FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
  FROM unnest($1::name[], $2::name[]) AS asked (schema, name)
  JOIN pg_catalog.pg_namespace n ON n.nspname = asked.schema JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = asked.name
  CROSS JOIN LATERAL (
    WITH RECURSIVE part (oid) AS (SELECT c.oid UNION ALL SELECT i.inhrelid FROM part JOIN pg_catalog.pg_inherits i ON i.inhparent = part.oid WHERE c.relkind = 'p')
    SELECT sum(CASE WHEN coalesce(s.last_analyze, s.last_autoanalyze, s.last_vacuum, s.last_autovacuum) IS NOT NULL OR p.reltuples < 0
                    THEN nullif(s.n_live_tup, CASE WHEN p.reltuples < 0 THEN 0 ELSE -1 END)::float8 ELSE p.reltuples::float8 END) AS rows,
           sum((p.relpages::float8 + coalesce(t.relpages, 0)) * pg_catalog.current_setting('block_size')::float8) AS bytes
    FROM part JOIN pg_catalog.pg_class p ON p.oid = part.oid LEFT JOIN pg_catalog.pg_class t ON t.oid = p.reltoastrelid
    LEFT JOIN pg_catalog.pg_stat_all_tables s ON s.relid = p.oid
    WHERE p.relkind IN ('r', 'm')
  ) size
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')`;

/** Looks up relations in the catalog of a server that runs; one query, whatever their number. Reads no row of theirs and waits for no lock. */
export async function look(server: PostgresServer, { relations, signal }: LookRequest): Promise<readonly Looked[]> {
  if (relations.length === 0) return [];
  const { rows } = await onVisit(server, { label: 'look', patienceMs, signal }, 'looking up tables in the catalog', (client) =>
    client.query<Row>(lookSql, [relations.map(({ schema }) => schema), relations.map(({ name }) => name)]),
  );
  return rows.map(({ schema, name, kind, rows: counted, bytes, columns }) => ({
    relation: { schema, name },
    kind: kinds[kind] ?? 'table',
    columns: columns ?? [],
    rows: counted ?? undefined,
    bytes: bytes ?? undefined,
  }));
}
