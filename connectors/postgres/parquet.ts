import { duckdbText } from '../../lake/duckdb.ts';

/** One Parquet file as a table in DuckDB's SQL; with `rowNumbers` it has `file_row_number` too. */
export function readParquet(path: string, rowNumbers = false): string {
  return `read_parquet(${parquetPath(path)}, hive_partitioning = false${rowNumbers ? ', file_row_number = true' : ''})`;
}

/** A path that DuckDB takes as it is: `*`, `?` and `[` would be patterns. */
export function parquetPath(path: string): string {
  return duckdbText(path.replaceAll(/[[*?]/g, (c) => `[${c}]`));
}
