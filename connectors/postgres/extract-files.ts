import type { SourceRelation } from './describe.ts';
import type { ExtractOptions } from './extract-facts.ts';
import { planRanges, type TableFiles, type TidRange } from './extract-ranges.ts';
import type { ServerFacts } from './snapshot.ts';

/** The first version that answers a range of ctid without reading the rest of the table. */
const tidRangeScans = 140_000;

/** How many bytes of a table become about one file: pages hold less than Parquet does in the same space. */
const bytesPerFileByte = 4;

/** Rows that DuckDB holds at once, however wide they are. */
const chunkRows = 2048;

/** What is known of a table's files, and how wide its rows are on the average. */
export interface MeasuredFiles extends TableFiles {
  /** By the statistics; 0 where there are none. */
  readonly rowBytes: number;
}

const treeSql = (oid: string): string => `
  WITH RECURSIVE tree(oid) AS (
    SELECT ${oid}::pg_catalog.oid UNION SELECT i.inhrelid FROM tree JOIN pg_catalog.pg_inherits i ON i.inhparent = tree.oid
  )
  SELECT c.oid::text AS oid, c.relkind = 'r' AND coalesce(a.amname = 'heap', false) AS heap,
         CASE WHEN c.relkind = 'r' THEN pg_catalog.pg_relation_size(c.oid) ELSE 0 END::text AS main,
         CASE WHEN c.relkind = 'r' THEN pg_catalog.pg_table_size(c.oid) ELSE 0 END::text AS bytes,
         greatest(c.reltuples, 0)::pg_catalog.int8::text AS rows, pg_catalog.current_setting('block_size') AS page
  FROM tree JOIN pg_catalog.pg_class c ON c.oid = tree.oid LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam
  WHERE c.relkind <> 'p'`;

/**
 * Measures a table and what belongs to it. Undefined where a range of pages means nothing or is not found quickly: views, foreign tables (also as partitions),
 * other access methods, servers before version 14.
 */
export async function filesOf(
  query: (sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>,
  relation: SourceRelation,
  server: ServerFacts,
): Promise<MeasuredFiles | undefined> {
  if (server.versionNumber < tidRangeScans || (relation.kind !== 'table' && relation.kind !== 'partitioned')) return undefined;
  const rows = await query(treeSql(relation.oid));
  if (rows.some((row) => row.heap !== true)) return undefined;
  const sum = (name: string): number => rows.reduce((all, row) => all + Number(row[name] ?? 0), 0);
  const pageBytes = Number(rows[0]?.page ?? 8192);
  const bytes = sum('bytes');
  return {
    oids: rows.map((row) => String(row.oid)),
    pages: Math.ceil(Math.max(0, ...rows.map((row) => Number(row.main ?? 0))) / pageBytes),
    bytes,
    pageBytes,
    rowBytes: sum('rows') > 0 ? bytes / sum('rows') : 0,
  };
}

/** What an extract may use. */
interface Reading {
  readonly memoryBytes: number;
  readonly connections: number;
}

/** A condition with a query in it asks for locks on other tables as well: a second session could wait for one behind somebody who waits for the first. */
const readsOthers = /\bselect\b/i;

/** How many readers may share so many ranges. */
export function readersFor({ table }: ExtractOptions, { connections }: Reading, ranges: number): number {
  return table.where !== undefined && readsOthers.test(table.where) ? 1 : Math.max(1, Math.min(connections, ranges));
}

/** The ranges that a table is read in: each makes about one file, and less where one chunk of its rows would need much of the memory. */
export function rangesOf(files: MeasuredFiles, { table }: ExtractOptions, { memoryBytes, connections }: Reading): readonly TidRange[] {
  const wide = files.rowBytes * chunkRows > memoryBytes / 4;
  const bytes = table.lake.targetFileSizeBytes * bytesPerFileByte;
  return planRanges(files, wide ? Math.min(bytes, memoryBytes / 8) : bytes, connections);
}
