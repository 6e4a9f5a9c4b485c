import { spawn } from 'node:child_process';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** What stands in the way of using Python, told to a person; connectors make an `EngineError` of it at their edge. */
export class PythonError extends Error {
  override readonly name = 'PythonError';
  /** `python.missing`, `python.too-old`, `python.too-new`, `python.no-venv`, `python.no-pip`, `python.index-unreachable`, `python.install-failed`. */
  readonly code: string;
  readonly hint: string;

  constructor(code: string, message: string, hint: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

/** A Python interpreter that is new enough. */
export interface Python {
  readonly path: string;
  /** `3.11.7`. */
  readonly version: string;
}

/** What a program said and how it ended; `code` is null when a signal ended it. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ToolOptions {
  readonly signal?: AbortSignal | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly timeoutMs?: number | undefined;
}

const keptOutput = 200_000;

/** Runs a program to its end in a process group of its own, silently. Rejects when it cannot be started, and with the signal's reason once the group is killed. */
export function runTool(command: string, args: readonly string[], options: ToolOptions = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    if (options.signal?.aborted) return reject(options.signal.reason);
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, env: { ...process.env, ...options.env } });
    const said = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        said[stream] = (said[stream] + text).slice(-keptOutput);
      });
    const kill = (): void => killGroup(child.pid, 'SIGKILL');
    const timer = options.timeoutMs === undefined ? undefined : setTimeout(kill, options.timeoutMs);
    options.signal?.addEventListener('abort', kill, { once: true });
    const finish = (): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', kill);
    };
    child.on('error', (error) => {
      finish();
      reject(error);
    });
    child.on('close', (code) => {
      finish();
      if (options.signal?.aborted) reject(options.signal.reason);
      else resolve({ code, ...said });
    });
  });
}

/** Sends a signal to a whole process group; a group that is gone is fine. */
export function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** The folder for what is fetched once for all projects: `$XDG_CACHE_HOME/pipeline-engine`, else `~/.cache/pipeline-engine`. */
export function cacheFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const xdg = env.XDG_CACHE_HOME;
  return join(xdg?.startsWith('/') ? xdg : join(homedir(), '.cache'), 'pipeline-engine');
}

const getPython =
  'Install Python 3.10 or later (Debian, Ubuntu: apt install python3 python3-venv; macOS: brew install python), or name one in ENGINE_PYTHON.';
const names = ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python'];

/**
 * The first Python of 3.10 or later (and no later than 3.`newestMinor`): `$ENGINE_PYTHON` alone when it is set, else by the usual names on the PATH.
 * PythonError `python.missing`, `python.too-old`, `python.too-new`.
 */
export async function findPython(options: ToolOptions & { readonly newestMinor?: number } = {}): Promise<Python> {
  const { newestMinor = Number.POSITIVE_INFINITY } = options;
  const named = options.env?.ENGINE_PYTHON ?? process.env.ENGINE_PYTHON ?? '';
  const others: { readonly said: string; readonly tooNew: boolean }[] = [];
  for (const name of named === '' ? names : [named]) {
    const found = await askVersion(name, options);
    if (found === undefined) continue;
    const [major = 0, minor = 0] = found.version.split('.').map(Number);
    if (major === 3 && minor >= 10 && minor <= newestMinor) return found;
    others.push({ said: `${name} is ${found.version}`, tooNew: major > 3 || minor > newestMinor });
  }
  if (others.length > 0) {
    const tooNew = others.some((other) => other.tooNew);
    const wanted = newestMinor === Number.POSITIVE_INFINITY ? 'Python 3.10 or later' : `Python 3.10 to 3.${newestMinor}`;
    throw new PythonError(
      tooNew ? 'python.too-new' : 'python.too-old',
      `${wanted} is needed, and ${others.map((other) => other.said).join(', ')}`,
      tooNew ? `Install Python 3.${newestMinor} beside it, or name one in ENGINE_PYTHON.` : getPython,
    );
  }
  const looked = named === '' ? 'there is no python3 on the PATH' : `ENGINE_PYTHON names ${named}, which does not run`;
  throw new PythonError('python.missing', `Python is needed, and ${looked}`, getPython);
}

async function askVersion(name: string, options: ToolOptions): Promise<Python | undefined> {
  const script = 'import sys, platform; print(sys.executable); print(platform.python_version())';
  const ended = await runTool(name, ['-c', script], { ...options, timeoutMs: 30_000 }).catch((error: unknown) => {
    if (options.signal?.aborted) throw error;
    return undefined;
  });
  const [path, version] = ended?.code === 0 ? ended.stdout.trim().split('\n') : [];
  return path === undefined || version === undefined ? undefined : { path, version };
}

/** Makes a virtual environment with pip in a new folder and returns its interpreter. PythonError `python.no-venv`. */
export async function makeVenv(python: Python, folder: string, options: ToolOptions = {}): Promise<Python> {
  const ended = await runTool(python.path, ['-m', 'venv', folder], options);
  if (ended.code !== 0) {
    const short = python.version.split('.').slice(0, 2).join('.');
    throw new PythonError(
      'python.no-venv',
      `${python.path} cannot make a virtual environment: ${lastLines(ended.stdout + ended.stderr, 3)}`,
      `Install what is missing (Debian, Ubuntu: apt install python3-venv, or python${short}-venv), or name another Python in ENGINE_PYTHON.`,
    );
  }
  return { path: join(folder, 'bin', 'python'), version: python.version };
}

/** Runs pip without a word and returns what it said. PythonError `python.no-pip`, `python.index-unreachable` or `python.install-failed`. */
export async function pip(python: Python, args: readonly string[], what: string, options: ToolOptions = {}): Promise<Ended> {
  const env = {
    PIP_NO_INPUT: '1',
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    PIP_REQUIRE_VIRTUALENV: '0',
    PYTHONWARNINGS: 'ignore',
    ...options.env,
  };
  const ended = await runTool(python.path, ['-m', 'pip', ...args], { ...options, env });
  if (ended.code === 0) return ended;
  const said = `${ended.stdout}\n${ended.stderr}`;
  if (/No module named pip/.test(said))
    throw new PythonError(
      'python.no-pip',
      `${python.path} has no pip`,
      'Install it (Debian, Ubuntu: apt install python3-pip python3-venv), or name another Python in ENGINE_PYTHON.',
    );
  const unreachable =
    /NewConnectionError|Max retries exceeded|Could not fetch URL|Connection (refused|reset|broken)|Name or service not known|Temporary failure|ProxyError|ReadTimeout|SSLError|from versions: none/.test(
      said,
    );
  const why = lastLines(said, 3);
  if (unreachable)
    throw new PythonError(
      'python.index-unreachable',
      `pip cannot get ${what} from the package index: ${why}`,
      'Check the network or the proxy (HTTPS_PROXY), or name a mirror in PIP_INDEX_URL.',
    );
  throw new PythonError(
    'python.install-failed',
    `pip cannot get ${what}: ${why}`,
    'Another Python (ENGINE_PYTHON) or a mirror (PIP_INDEX_URL) may have it.',
  );
}

function lastLines(text: string, count: number): string {
  const lines = text.split('\n').map((line) => line.trim());
  return lines
    .filter((line) => line !== '' && !line.startsWith('WARNING: Retrying'))
    .slice(-count)
    .join(' ')
    .slice(0, 600);
}

/** Calls `make` with a new folder beside the final place, and removes the folder afterwards; what a killed process left there more than a day ago goes too. */
export async function withFolderAside<T>(parent: string, make: (folder: string) => Promise<T>): Promise<T> {
  await mkdir(parent, { recursive: true });
  const mark = '.making-';
  const dayAgo = Date.now() - 86_400_000;
  for (const name of await readdir(parent)) {
    if (!name.startsWith(mark)) continue;
    const left = await stat(join(parent, name)).catch(() => undefined);
    if (left !== undefined && left.mtimeMs < dayAgo) await rm(join(parent, name), { recursive: true, force: true });
  }
  const folder = join(parent, `${mark}${process.pid}-${Math.random().toString(36).slice(2, 10)}`);
  await mkdir(folder);
  try {
    return await make(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
