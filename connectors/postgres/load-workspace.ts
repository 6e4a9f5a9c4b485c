import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openScratch } from '../../engine/base/scratch.ts';
import { connectDuckDB, type DuckDBConnection, openDuckDB } from '../../lake/duckdb.ts';

/** DuckDB and a folder of its own, in which parts are made for COPY. */
export interface LoadWorkspace {
  readonly folder: string;
  readonly duck: DuckDBConnection;
  /** Ends DuckDB, which must be idle, and removes the folder. */
  close(): Promise<void>;
}

/** Opens one under `<root>/.engine/tmp`, readable by this user only; what a killed process left there is removed. */
export async function openWorkspace(
  root: string,
  budget: { readonly memoryBytes: number; readonly threads: number },
): Promise<LoadWorkspace> {
  const folder = await openScratch(root, 'load');
  const instance = await openDuckDB({ ...budget, tempFolder: join(folder, 'spill') });
  const duck = await connectDuckDB(instance);
  return {
    folder,
    duck,
    close: async () => {
      duck.closeSync();
      instance.closeSync();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
