import { rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder, findPython, makeVenv, pip, withFolderAside } from '../../engine/base/python.ts';

/** Where programs and environments of the tests are kept between runs. */
export const testCache = join(cacheFolder(), 'test');

const made = new Map<string, Promise<string>>();

/** The interpreter of an environment with these packages (`name==version`), made once in the user's cache folder, whoever comes first. */
export function pythonWith(packages: readonly string[]): Promise<string> {
  const name = packages.join(',').replaceAll('==', '-');
  const known = made.get(name) ?? makeEnvironment(name, packages);
  made.set(name, known);
  return known;
}

async function makeEnvironment(name: string, packages: readonly string[]): Promise<string> {
  const folder = join(testCache, name);
  const python = join(folder, 'bin', 'python');
  if (await isThere(python)) return python;
  await withFolderAside(testCache, async (aside) => {
    const fresh = join(aside, 'venv');
    await pip(await makeVenv(await findPython(), fresh), ['install', '--quiet', ...packages], packages.join(' and '));
    await rename(fresh, folder).catch(async (error: unknown) => {
      if (!(await isThere(python))) throw error;
    });
  });
  return python;
}

/** True when something is at that path. */
export async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
