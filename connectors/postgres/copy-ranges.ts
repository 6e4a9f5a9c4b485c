import type { DuckDBConnection } from '../../lake/duckdb.ts';
import { quoteIdentifier } from './identifier.ts';
import { parquetPath, readParquet } from './parquet.ts';
import type { StagingColumn } from './staging.ts';

/** Rows of a file by their place in it, from the first up to but without `below`. */
export interface RowRange {
  readonly from: number;
  readonly below: number;
}

const partRows = 250_000;
const partBytes = 64 * 1024 * 1024;
/** DuckDB hands on and writes so many rows at once, whatever their width and beside its memory limit. */
const chunkRows = 2_048;
const chunkBytes = 32 * 1024 * 1024;
/** A column whose compact form is smaller than this can hold no value that matters. */
const smallColumn = 32 * 1024;

interface RowGroup {
  readonly rows: number;
  readonly bytes: number;
}

/**
 * The rows of a Parquet file in parts of a sane size: row groups put together, and divided where rows are so wide that one chunk of them would not fit.
 * Undefined stands for the whole file.
 */
export async function rangesOf(
  duck: DuckDBConnection,
  path: string,
  columns: readonly StagingColumn[],
): Promise<readonly (RowRange | undefined)[]> {
  const found = await duck.runAndReadAll(
    `SELECT any_value(row_group_num_rows)::BIGINT, sum(total_uncompressed_size)::BIGINT FROM parquet_metadata(${parquetPath(path)}) GROUP BY row_group_id ORDER BY row_group_id`,
  );
  const groups = found.getRows().map(([rows, bytes]) => ({ rows: Number(rows), bytes: Number(bytes) }));
  return divide(groups, await hiddenWidth(duck, path, columns));
}

/** Pure. `hidden` is what a row may hold beside its share of the group's bytes. */
export function divide(groups: readonly RowGroup[], hidden: number): readonly (RowRange | undefined)[] {
  const ranges: RowRange[] = [];
  let from = 0;
  let below = 0;
  let bytes = 0;
  const end = (): void => {
    if (below > from) ranges.push({ from, below });
    from = below;
    bytes = 0;
  };
  for (const group of groups) {
    // The first part is a small one: whoever sends it need not wait for more.
    if (ranges.length === 0 && below > 0) end();
    const width = group.rows === 0 ? 0 : group.bytes / group.rows + hidden;
    const size = width * group.rows;
    if (below - from + group.rows > partRows || bytes + size > partBytes) end();
    if (width * Math.min(group.rows, chunkRows) <= chunkBytes) {
      below += group.rows;
      bytes += size;
      continue;
    }
    const step = Math.max(1, Math.floor(chunkBytes / width));
    const last = below + group.rows;
    while (below < last) {
      below = Math.min(last, below + step);
      end();
    }
  }
  end();
  return ranges.length === 1 ? [undefined] : ranges;
}

/** The widest that values can be together where the file holds each value once for many rows: its sizes say nothing about those. */
async function hiddenWidth(duck: DuckDBConnection, path: string, columns: readonly StagingColumn[]): Promise<number> {
  const found = await duck.runAndReadAll(
    `SELECT DISTINCT path_in_schema FROM parquet_metadata(${parquetPath(path)})
     WHERE type = 'BYTE_ARRAY' AND total_uncompressed_size > ${smallColumn} AND (encodings LIKE '%DICTIONARY%' OR encodings LIKE '%DELTA_BYTE_ARRAY%')`,
  );
  const shared = new Set(found.getRows().map(([name]) => String(name)));
  const longest = columns
    .filter((c) => shared.has(c.lakeName))
    .map((c) => `coalesce(max(${c.lakeType === 'binary' ? 'octet_length' : 'strlen'}(${quoteIdentifier(c.lakeName)})), 0)`);
  if (longest.length === 0) return 0;
  const widths = await duck.runAndReadAll(`SELECT (${longest.join(' + ')})::BIGINT FROM ${readParquet(path)}`);
  return Number(widths.getRows()[0]?.[0] ?? 0);
}
