import { mkdir, rename, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { lazy } from '../../engine/base/lazy.ts';
import { cacheFolder, findPython, makeVenv, type Python, PythonError, pip, runTool, withFolderAside } from '../../engine/base/python.ts';
import { EngineError } from '../../engine/error.ts';
import type { LogLevel } from '../../engine/event.ts';
import { quoteLiteral } from './identifier.ts';

const fileName = 'postgres_scanner.duckdb_extension';
const wheel = 'duckdb-extension-postgres-scanner';

export interface ExtensionSearch {
  /** The folder that the configuration names (`extract.extensionFolder`). */
  readonly folder: string | undefined;
  /** The engine's own cache; undefined: `duckdb/` in the user's cache folder. */
  readonly cache?: string | undefined;
  readonly log: (level: LogLevel, text: string) => void;
  readonly signal?: AbortSignal | undefined;
  /** A mirror of DuckDB's own repository of extensions. */
  readonly repository?: string | undefined;
  /** Whose `HOME` and pip settings count; undefined: this process's. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

/**
 * The absolute path of DuckDB's postgres extension for the DuckDB that is installed here: found in DuckDB's own folder, the configured one or the engine's cache, else
 * fetched from PyPI, else installed by DuckDB. DuckDB checks its signature at LOAD. EngineError `duckdb.no-extension` (trouble `outside`) says every way out.
 */
export async function findPostgresExtension(search: ExtensionSearch): Promise<string> {
  const { duckdb, cache, own, cached, there } = await lookAround(search);
  if (search.folder !== undefined && (there === cached || there === undefined))
    search.log('warn', `no ${fileName} for DuckDB ${duckdb.version} in ${search.folder}`);
  if (there !== undefined) return there;

  search.log('info', `fetching DuckDB's postgres extension ${duckdb.version} (${duckdb.platform}, 14 MB)`);
  const tried: string[] = [];
  for (const fetchIt of [fetchWheel, installByDuckdb]) {
    try {
      await fetchIt(cached, cache, duckdb.version.replace(/^v/, ''), search);
      if ((await firstFile([cached])) !== undefined) return cached;
    } catch (error) {
      if (search.signal?.aborted) throw search.signal.reason;
      tried.push(firstLine(error));
    }
  }
  throw new EngineError(
    'outside',
    'duckdb.no-extension',
    `DuckDB's postgres extension is neither here nor to be had: ${tried.join('; ')}`,
    {
      hint:
        `Run "engine setup" with a network or a mirror (PIP_INDEX_URL), or put ${fileName} for DuckDB ${duckdb.version} ${duckdb.platform} ` +
        `(from PyPI's ${wheel}, a zip) into a folder and name it in pipelines.yaml as extract.extensionFolder, or into ${dirname(own)}.`,
      retryable: false,
    },
  );
}

/** Its absolute path when it is on this machine already; undefined otherwise. Fetches nothing. */
export async function existingPostgresExtension(search: Pick<ExtensionSearch, 'folder' | 'cache' | 'env'>): Promise<string | undefined> {
  return (await lookAround(search)).there;
}

async function lookAround(search: Pick<ExtensionSearch, 'folder' | 'cache' | 'env'>): Promise<{
  readonly duckdb: { readonly version: string; readonly platform: string };
  readonly cache: string;
  readonly own: string;
  readonly cached: string;
  readonly there: string | undefined;
}> {
  const duckdb = await installedDuckdb.get();
  const env = search.env ?? process.env;
  const place = join(duckdb.version, duckdb.platform, fileName);
  const cache = search.cache ?? join(cacheFolder(env), 'duckdb');
  const own = join(env.HOME ?? homedir(), '.duckdb', 'extensions', place);
  const cached = join(cache, place);
  const configured = search.folder === undefined ? [] : [join(search.folder, fileName), join(search.folder, place)];
  return { duckdb, cache, own, cached, there: await firstFile([own, ...configured, cached]) };
}

const installedDuckdb = lazy(async (): Promise<{ readonly version: string; readonly platform: string }> => {
  const { DuckDBInstance, version } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    const reader = await connection.runAndReadAll('PRAGMA platform');
    return { version: version(), platform: String(reader.getRows()[0]?.[0]) };
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
});

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split('\n')[0] ?? message;
}

async function firstFile(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile() === true && found.size > 0) return path;
  }
  return undefined;
}

const unzip = `
import glob, os, shutil, sys, zipfile
with zipfile.ZipFile(glob.glob(sys.argv[1] + "/*.whl")[0]) as wheel:
    name = next(n for n in wheel.namelist() if n.endswith("/" + sys.argv[2]))
    with wheel.open(name) as inside, open(sys.argv[3], "wb") as out:
        shutil.copyfileobj(inside, out)
        out.flush()
        os.fsync(out.fileno())
`;

/** PyPI's wheel is a zip with the file inside; pip checks its hash. Moved to its place in one step, so that nobody sees half of it. */
async function fetchWheel(target: string, cache: string, version: string, search: ExtensionSearch): Promise<void> {
  await withFolderAside(cache, async (aside) => {
    const options = { signal: search.signal, env: search.env };
    const download = (python: Python) =>
      pip(
        python,
        ['download', '--quiet', '--no-deps', '--only-binary', ':all:', '--dest', join(aside, 'wheel'), `${wheel}==${version}`],
        wheel,
        options,
      );
    const python = await findPython(options);
    await download(python).catch(async (error: unknown) => {
      if (!(error instanceof PythonError) || error.code !== 'python.no-pip') throw error;
      await download(await makeVenv(python, join(aside, 'pip'), options));
    });
    const whole = join(aside, fileName);
    const ended = await runTool(python.path, ['-c', unzip, join(aside, 'wheel'), fileName, whole], options);
    if (ended.code !== 0)
      throw new Error(`the wheel ${wheel} ${version} could not be unpacked: ${ended.stderr.trim().split('\n').at(-1) ?? ''}`);
    await mkdir(dirname(target), { recursive: true });
    await rename(whole, target);
  });
}

/** DuckDB's own way, from its repository, into the same cache. */
async function installByDuckdb(_target: string, cache: string, _version: string, search: ExtensionSearch): Promise<void> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    await connection.run(`SET extension_directory = ${quoteLiteral(cache)}`);
    await connection.run(`INSTALL postgres${search.repository === undefined ? '' : ` FROM ${quoteLiteral(search.repository)}`}`);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
