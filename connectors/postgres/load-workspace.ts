import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
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
  const parent = join(root, '.engine', 'tmp');
  await mkdir(parent, { recursive: true });
  await sweep(parent);
  const folder = await mkdtemp(join(parent, `load-${process.pid}-`));
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

async function sweep(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = Number(/^load-(\d+)-/.exec(name)?.[1] ?? Number.NaN);
    if (Number.isNaN(pid) || pid === process.pid || isAlive(pid)) continue;
    await rm(join(parent, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { readonly code?: unknown }).code === 'EPERM';
  }
}
