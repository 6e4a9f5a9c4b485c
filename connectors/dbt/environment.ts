import { createHash } from 'node:crypto';
import { mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { cacheFolder, findPython, makeVenv, PythonError, pip, runTool, withFolderAside } from '../../engine/base/python.ts';
import { EngineError } from '../../engine/error.ts';
import type { LogLevel } from '../../engine/event.ts';
import { constraints, requirements } from './requirements.ts';

/** dbt-core 1.11 has been released for Python 3.10 to 3.13. */
export const newestMinor = 13;

const ownDbt = 'Or name a dbt of your own (dbt-core and dbt-postgres) in pipelines.yaml: dbt.command.';

export interface EnvironmentOptions {
  readonly log: (level: LogLevel, text: string) => void;
  readonly signal?: AbortSignal | undefined;
  /** Whose cache folder, PATH and pip settings count; undefined: this process's. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

/** Where dbt's environment is or would be: in the user's cache folder, shared by all projects, named after what is in it. */
export function environmentFolder(env?: Readonly<Record<string, string | undefined>>): string {
  const content = createHash('sha256')
    .update(`${requirements}${constraints}${process.platform} ${process.arch}`)
    .digest('hex')
    .slice(0, 10);
  const version = /dbt-core==(\S+)/.exec(requirements)?.[1] ?? 'unknown';
  return join(cacheFolder(env), 'dbt', `${version}-${content}`);
}

/** The Python interpreter of the environment that is there, complete; undefined before it has been made. Makes nothing. */
export async function existingEnvironment(env?: Readonly<Record<string, string | undefined>>): Promise<string | undefined> {
  const python = join(environmentFolder(env), 'bin', 'python');
  // Follows the link: an environment whose Python has been removed from the machine is none.
  return (await stat(python).catch(() => undefined))?.isFile() === true ? python : undefined;
}

/**
 * The Python interpreter of the environment with dbt in it, made when it is not there: aside, then renamed, so that two processes may do it at once and one
 * that is killed leaves nothing half made. EngineError of trouble `outside` with the ways out (`python.*`, `dbt.environment`).
 */
export async function ensureEnvironment(options: EnvironmentOptions): Promise<string> {
  const there = await existingEnvironment(options.env);
  if (there !== undefined) return there;
  try {
    await makeEnvironment(options);
  } catch (error) {
    if (options.signal?.aborted) throw options.signal.reason;
    throw translate(error);
  }
  const made = await existingEnvironment(options.env);
  if (made !== undefined) return made;
  throw new EngineError('outside', 'dbt.environment', `${environmentFolder(options.env)} was made and has no Python in it`, {
    hint: ownDbt,
  });
}

async function makeEnvironment({ log, signal, env }: EnvironmentOptions): Promise<void> {
  const folder = environmentFolder(env);
  const tool = { signal, env };
  const began = Date.now();
  const python = await findPython({ ...tool, newestMinor });
  log('info', `making dbt's environment with Python ${python.version}, once (about a minute)`);
  await withFolderAside(dirname(folder), async (aside) => {
    const making = join(aside, basename(folder));
    const venv = await makeVenv(python, making, tool);
    await writeFile(join(making, 'requirements.txt'), requirements);
    await writeFile(join(making, 'constraints.txt'), constraints);
    log('info', `installing ${requirements.trim().split('\n').join(', ')}`);
    const files = ['-r', join(making, 'requirements.txt'), '-c', join(making, 'constraints.txt')];
    await pip(venv, ['install', '--quiet', '--only-binary', ':all:', ...files], 'dbt', tool);
    const tried = await runTool(venv.path, ['-I', '-c', 'import dbt.cli.main, dbt.adapters.postgres'], tool);
    if (tried.code !== 0) throw new Error(tried.stderr.trim().split('\n').at(-1) ?? 'dbt does not start');
    await moveIntoPlace(making, folder, join(aside, 'broken'), env);
  });
  log('info', `dbt's environment is ready after ${Math.round((Date.now() - began) / 1000)} s: ${folder}`);
}

/** Whoever comes second finds a whole environment there, and leaves it. */
async function moveIntoPlace(making: string, folder: string, aside: string, env: EnvironmentOptions['env']): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  if ((await existingEnvironment(env)) === undefined) await rename(folder, aside).catch(ignoreAbsent);
  try {
    await rename(making, folder);
  } catch (error) {
    if ((await existingEnvironment(env)) === undefined) throw error;
  }
}

function ignoreAbsent(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

function translate(error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  if (error instanceof PythonError)
    return new EngineError('outside', error.code, `dbt's environment cannot be made: ${error.message}`, {
      cause: error,
      hint: `${error.hint} ${ownDbt}`,
    });
  const why = error instanceof Error ? error.message : String(error);
  const hint = /ENOSPC/.test(why) ? 'Free some space: about 150 MB are needed.' : 'Set XDG_CACHE_HOME to a folder that can be written.';
  return new EngineError('outside', 'dbt.environment', `dbt's environment cannot be made: ${why}`, {
    cause: error,
    hint: `${hint} ${ownDbt}`,
  });
}
