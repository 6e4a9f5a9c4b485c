import { randomUUID } from 'node:crypto';
import { constants, realpathSync } from 'node:fs';
import { type FileHandle, link, mkdir, open, readdir, readFile, realpath, rename, rm, rmdir, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { EngineError } from '../../engine/error.ts';
import { lakeError } from '../../lake/error.ts';
import type { Lake, LakeFile, LakeWriter } from '../../lake/lake.ts';

/** Unfinished files; never listed. One is left behind only by a process that was killed. */
const temporary = '.tmp-';

/** The Lake contract on a folder: absolute, made when first written to. A name is created by link(), which fails when it exists. */
export function openFileLake(root: string): Lake {
  const absolute = realRoot(resolve(root));
  return {
    type: 'file',
    uri: pathToFileURL(absolute).href,
    read: (path) => onFile(`reading ${join(absolute, path)}`, async () => unlessAbsent(readFile(await locate(absolute, path)))),
    list: (folder, startAfter) => listFolder(absolute, folder, startAfter),
    createIfAbsent: (path, content) =>
      onFile(`writing ${join(absolute, path)}`, async () => createIfAbsent(absolute, await locate(absolute, path), content)),
    replace: (path, content) =>
      onFile(`writing ${join(absolute, path)}`, async () => {
        const target = await locate(absolute, path);
        await throughTemporary(absolute, target, content, (temp) => rename(temp, target));
      }),
    write: (folder) => onFile(`making ${join(absolute, folder)}`, () => openWriter(absolute, folder)),
    fetch: (path) =>
      onFile(`reading ${join(absolute, path)}`, async () => {
        const localPath = await locate(absolute, path);
        await stat(localPath);
        return { localPath, release: async () => undefined };
      }),
    remove: (path) =>
      onFile(`removing ${join(absolute, path)}`, async () => {
        await unlessAbsent(unlink(await locate(absolute, path)));
      }),
  };
}

async function onFile<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw lakeError(error, what);
  }
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

async function unlessAbsent<T>(work: Promise<T>, alsoAbsent?: string): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || (code !== undefined && code === alsoAbsent)) return undefined;
    throw error;
  }
}

/** The place that a path names once links are followed, as far as it exists: every process must name it the same way. */
function realRoot(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    const parent = dirname(path);
    if (errorCode(error) !== 'ENOENT' || parent === path) return path;
    return join(realRoot(parent), basename(path));
  }
}

/** The local path of a path in the lake. Refuses one that leads out of the lake, also through a symbolic link. */
async function locate(root: string, path: string): Promise<string> {
  const parts = path === '' ? [] : path.split('/');
  if (path.includes('\0') || parts.some((p) => p === '' || p === '.' || p === '..')) throw outside(root, path);
  const target = join(root, ...parts);
  for (let known = target; known.length >= root.length; known = dirname(known)) {
    const real = await unlessAbsent(realpath(known));
    if (real === undefined) continue;
    if (real !== root && !real.startsWith(root.endsWith(sep) ? root : root + sep)) throw outside(root, path);
    break;
  }
  return target;
}

function outside(root: string, path: string): EngineError {
  return new EngineError('refused', 'lake.path-outside', `${JSON.stringify(path)} is no path inside the lake ${root}`, {
    hint: 'Look for a symbolic link in the lake, or a log entry that names a file elsewhere.',
  });
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a folder with those above it, durably. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let made = folder; ; made = dirname(made)) {
    await syncFolder(dirname(made));
    if (made === first) return;
  }
}

async function writeWhole(handle: FileHandle, content: Uint8Array): Promise<void> {
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Writes a complete, durable file beside the target; `publish` gives it the target's name. */
async function throughTemporary<T>(root: string, target: string, content: Uint8Array, publish: (temp: string) => Promise<T>): Promise<T> {
  const folder = dirname(target);
  await makeFolder(folder.length < root.length ? root : folder);
  const temp = join(folder, `${temporary}${randomUUID()}`);
  try {
    await writeWhole(await open(temp, 'wx'), content);
    const result = await publish(temp);
    await syncFolder(folder);
    return result;
  } finally {
    await rm(temp, { force: true });
  }
}

function createIfAbsent(root: string, target: string, content: Uint8Array): Promise<'created' | 'exists'> {
  return throughTemporary(root, target, content, async (temp) => {
    try {
      await link(temp, target);
      return 'created';
    } catch (error) {
      const code = errorCode(error);
      if (code === 'ENOTSUP' || code === 'EOPNOTSUPP' || code === 'ENOSYS')
        throw new EngineError('outside', 'lake.no-links', `the file system of ${root} has no hard links, which make a commit atomic`, {
          cause: error,
          hint: 'Put the lake on a local disk, or on a network file system with hard links (NFS).',
        });
      if (code !== 'EEXIST') throw error;
      // NFS repeats a request whose answer was lost: two names of our file mean that the first one had succeeded.
      return (await stat(temp)).nlink === 2 ? 'created' : 'exists';
    }
  });
}

async function* listFolder(root: string, folder: string, startAfter = ''): AsyncGenerator<LakeFile> {
  const local = await onFile(`listing ${join(root, folder)}`, () => locate(root, folder));
  const entries = await onFile(`listing ${local}`, () => unlessAbsent(readdir(local, { withFileTypes: true }), 'ENOTDIR'));
  const named = (entries ?? [])
    .filter((e) => (e.isFile() || e.isDirectory()) && !e.name.startsWith(temporary))
    .map((e) => ({ isFolder: e.isDirectory(), path: `${folder === '' ? '' : `${folder}/`}${e.name}${e.isDirectory() ? '/' : ''}` }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const { isFolder, path } of named) {
    if (path <= startAfter && !startAfter.startsWith(path)) continue;
    if (isFolder) yield* listFolder(root, path.slice(0, -1), startAfter);
    else if (path > startAfter) {
      const found = await onFile(`listing ${join(root, path)}`, () => unlessAbsent(stat(join(root, path))));
      if (found !== undefined) yield { path, size: found.size, modifiedMs: found.mtimeMs };
    }
  }
}

async function openWriter(root: string, folder: string): Promise<LakeWriter> {
  const localFolder = await locate(root, folder);
  await makeFolder(dirname(localFolder));
  await mkdir(localFolder);
  await syncFolder(dirname(localFolder));
  const published = new Set<string>();
  return {
    localFolder,
    publish: (name) =>
      onFile(`writing ${join(localFolder, name)}`, async () => {
        const path = await locate(root, `${folder}/${name}`);
        const handle = await open(path, 'r+');
        try {
          await handle.sync();
          const { size } = await handle.stat();
          await syncFolder(dirname(path));
          published.add(name);
          return size;
        } finally {
          await handle.close();
        }
      }),
    close: (outcome) => closeWriter(localFolder, outcome === 'keep' ? published : new Set()),
  };
}

/** Never throws: what cannot be removed is an orphan, which no log entry names. */
async function closeWriter(localFolder: string, keep: ReadonlySet<string>): Promise<void> {
  const names = await readdir(localFolder).catch(() => []);
  const rest = names.filter((name) => !keep.has(name));
  await Promise.allSettled(rest.map((name) => rm(join(localFolder, name), { recursive: true, force: true })));
  if (keep.size === 0) await rmdir(localFolder).catch(() => undefined);
}
