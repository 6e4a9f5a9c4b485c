import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openScratch } from '../../engine/base/scratch.ts';
import { connectDuckDB, type DuckDBConnection, duckdbText, openDuckDB } from '../../lake/duckdb.ts';
import { existingPostgresExtension } from './extension.ts';

/** DuckDB and a folder of its own, in which parts are made for COPY. */
export interface LoadWorkspace {
  readonly folder: string;
  readonly duck: DuckDBConnection;
  /** Loads DuckDB's postgres extension, which writes the binary form of COPY; false where it is not on this machine. Fetches nothing. */
  loadExtension(folder: string | undefined): Promise<boolean>;
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
    loadExtension: async (extensionFolder) => {
      const extension = await existingPostgresExtension({ folder: extensionFolder });
      if (extension === undefined) return false;
      await duck.run(`LOAD ${duckdbText(extension)}`);
      return true;
    },
    close: async () => {
      duck.closeSync();
      instance.closeSync();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
