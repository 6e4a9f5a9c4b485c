import { join } from 'node:path';
import { connectDuckDB, openDuckDB } from '../../lake/duckdb.ts';
import type { Lake } from '../../lake/lake.ts';
import { readTable } from '../../lake/log.ts';

/** Rows of a lake table's active files, by SQL over `files` (every version of every row); values as DuckDB's text. Reads the Parquet itself, not through the engine's own views. */
export async function lakeRows(lake: Lake, folder: string, sql: string): Promise<readonly Readonly<Record<string, string | null>>[]> {
  const state = await readTable(lake, folder);
  const duck = await openDuckDB({ memoryBytes: 256 * 1024 * 1024, threads: 1, tempFolder: join('/tmp', 'engine-lake-rows') });
  const held: { release(): Promise<void> }[] = [];
  try {
    const connection = await connectDuckDB(duck);
    const paths: string[] = [];
    for (const file of state.files) {
      const local = await lake.fetch(`${folder}/${decodeURIComponent(file.add.path)}`);
      held.push(local);
      paths.push(`'${local.localPath.replaceAll("'", "''")}'`);
    }
    if (paths.length === 0) return [];
    await connection.run(`CREATE VIEW files AS SELECT * FROM read_parquet([${paths.join(', ')}], union_by_name = true)`);
    const rows = (await connection.runAndReadAll(sql)).getRowObjects();
    connection.closeSync();
    return rows.map((row) => Object.fromEntries(Object.entries(row).map(([k, v]) => [k, v === null ? null : String(v)])));
  } finally {
    for (const file of held) await file.release();
    duck.closeSync();
  }
}
