import { rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder, findPython, makeVenv, pip, withFolderAside } from '../engine/base/python.ts';

/** The hand-written way and dlt, as of the day of the table in the README. */
export const pandasPackages = ['pandas==3.1.1', 'pyarrow==26.0.1', 'SQLAlchemy==2.1.9', 'psycopg2-binary==2.9.13'] as const;
export const dltPackages = ['dlt[postgres,parquet]==1.31.0', ...pandasPackages] as const;

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/**
 * The `bin` folder of an environment with these packages, pinned, that is made once in the user's cache folder. Only its `python` can be called: the other
 * programs there name the folder that the environment was made in. Throws PythonError.
 */
export async function pythonWith(name: string, packages: readonly string[]): Promise<string> {
  const parent = join(cacheFolder(), 'bench');
  const versions = packages.map((one) => one.replace(/\[.*\]/, '').replace('==', '-')).join(',');
  const folder = join(parent, `${name},${versions}`);
  if (await isThere(join(folder, 'bin', 'python'))) return join(folder, 'bin');
  await withFolderAside(parent, async (aside) => {
    const fresh = join(aside, 'venv');
    await pip(await makeVenv(await findPython(), fresh), ['install', '--quiet', ...packages], packages.join(', '));
    await rename(fresh, folder).catch(async (error: unknown) => {
      if (!(await isThere(join(folder, 'bin', 'python')))) throw error;
    });
  });
  return join(folder, 'bin');
}
