import { execFile, spawn } from 'node:child_process';
import { chown, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '../../../engine/base/clock.ts';
import { EngineError } from '../../../engine/error.ts';
import type { Account } from './account.ts';
import type { Binaries } from './binaries.ts';
import { machineIdentity, processes, processOf, type RunningProcess, uniqueName } from './process.ts';

const run = promisify(execFile);
const pollMs = 10;

/** One data folder and what runs on it. Every function here is called in turn (`turn.ts`). */
export interface Cluster {
  /** Absolute, links resolved: it is how a server's process is known. */
  readonly data: string;
  readonly log: string;
  readonly account: Account | undefined;
  readonly user: string;
  readonly password: string;
  /** Settings beside the engine's own, as `postgres -c` takes them. */
  readonly settings: Readonly<Record<string, string>>;
  /** False: initdb does not wait for the disk (tests). */
  readonly durable: boolean;
}

/** A server that accepts connections. */
export interface RunningServer {
  readonly pid: number;
  readonly port: number;
}

/** The environment of Postgres's programs: no PG* variable and no locale of the caller leaks in. */
const environment = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

/** `postmaster.pid` (Postgres source, miscadmin.h): pid, data folder, start, port, socket folder, address, shared memory, status. */
async function pidFile(cluster: Cluster): Promise<{ readonly pid: number; readonly port: number; readonly status: string } | undefined> {
  const text = await readFile(join(cluster.data, 'postmaster.pid'), 'utf8').catch(() => undefined);
  const lines = text?.split('\n');
  const pid = Number(lines?.[0]);
  return lines === undefined || !Number.isInteger(pid) || pid === 0
    ? undefined
    : { pid: Math.abs(pid), port: Number(lines[3]), status: (lines[7] ?? '').trim() };
}

function isServer(cluster: Cluster, found: RunningProcess): boolean {
  return found.command.includes(`-D ${cluster.data} `);
}

/**
 * The server on this folder, or undefined when none runs: the process must be alive and started for this very folder.
 * One that is still starting (whoever started it was killed) is waited for, at most `timeoutMs`.
 */
export async function runningServer(cluster: Cluster, timeoutMs: number): Promise<RunningServer | undefined> {
  const until = Date.now() + timeoutMs;
  for (;;) {
    const file = await pidFile(cluster);
    if (file === undefined) return undefined;
    const found = await processOf(file.pid);
    if (found === undefined || !isServer(cluster, found)) return undefined;
    if (file.status === 'ready' || Date.now() >= until) return { pid: file.pid, port: file.port };
    await systemClock.sleep(pollMs);
  }
}

async function lastLines(log: string, from: number): Promise<string> {
  const text = await readFile(log).catch(() => Buffer.alloc(0));
  return text.subarray(from).toString().trim().split('\n').slice(-8).join('\n');
}

/** What a killed initdb left beside the data. One that an orphaned initdb still writes into may stay for the next start to remove: it is in nobody's way. */
async function removeDrafts(cluster: Cluster): Promise<void> {
  const folder = dirname(cluster.data);
  for (const name of await readdir(folder))
    if (/^data\.\d+-[0-9a-f]{12}/.test(name))
      await rm(join(folder, name), { recursive: true, force: true, maxRetries: 3, retryDelay: 50 }).catch(() => undefined);
}

/** Makes the data folder when there is none: beside it first, then renamed, so that a killed initdb leaves no half one. */
export async function initialise(cluster: Cluster, binaries: Binaries): Promise<void> {
  if (await exists(join(cluster.data, 'PG_VERSION'))) {
    const had = (await readFile(join(cluster.data, 'PG_VERSION'), 'utf8')).trim();
    const has = binaries.version.split('.')[0];
    if (had === has) return;
    throw new EngineError(
      'usage',
      'embedded.other-version',
      `${cluster.data} was made by Postgres ${had}; the embedded server is Postgres ${has}`,
      {
        hint: 'Remove that folder to begin with an empty server, or go back to the engine that made it.',
      },
    );
  }
  await removeDrafts(cluster);
  const draft = `${cluster.data}.${uniqueName()}`;
  const passwordFile = `${draft}.password`;
  try {
    await mkdir(draft, { mode: 0o700 });
    await writeFile(passwordFile, `${cluster.password}\n`, { mode: 0o600 });
    if (cluster.account !== undefined)
      for (const path of [draft, passwordFile]) await chown(path, cluster.account.uid >>> 0, cluster.account.gid >>> 0);
    const options = ['-D', draft, '-U', cluster.user, '-A', 'scram-sha-256', '-E', 'UTF8', `--pwfile=${passwordFile}`, '--no-instructions'];
    // The built-in provider: the same order of text on every system, whatever locales it has.
    const locale = ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
    await run(binaries.initdb, [...options, ...locale, ...(cluster.durable ? [] : ['--no-sync'])], {
      env: environment,
      cwd: draft,
      ...cluster.account,
    });
    await rm(cluster.data, { recursive: true, force: true });
    await rename(draft, cluster.data);
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim().split('\n').slice(-4).join('\n') ?? '';
    throw startError(`could not make the data folder ${cluster.data}`, `${said || String(error)}`, error);
  } finally {
    await rm(draft, { recursive: true, force: true });
    await rm(passwordFile, { force: true });
  }
}

function startError(what: string, why: string, cause?: unknown): EngineError {
  const full = /No space left on device/i.test(why);
  const hint = full
    ? 'Make room on that disk.'
    : /error while loading shared libraries|ENOENT|Library not loaded/.test(why)
      ? 'This system lacks a library that the embedded Postgres needs (it wants glibc on Linux). Give the URL of a real server in place of `embedded`.'
      : 'The log has the reason. To begin anew with an empty server, remove its folder under .engine/postgres.';
  return new EngineError('outside', full ? 'embedded.disk-full' : 'embedded.start-failed', `embedded Postgres: ${what}: ${why}`, {
    hint,
    cause,
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/**
 * What a killed server, or the killed starter of one, left behind: processes on this folder that nobody waits for, and a pid file whose number another
 * program now has, or a dead child that nobody reaped. A process that may be a Postgres is never taken for a stranger: Postgres itself then refuses to start.
 */
async function clearRemains(cluster: Cluster): Promise<void> {
  const machineFile = `${cluster.data}.machine`;
  const file = await pidFile(cluster);
  if (file !== undefined) {
    const then = await readFile(machineFile, 'utf8').catch(() => undefined);
    const now = await machineIdentity();
    if (then !== undefined && then !== now && then.split(' ')[0] === now.split(' ')[0])
      throw new EngineError('refused', 'embedded.elsewhere', `a server in another container may still run on ${cluster.data}`, {
        hint: `End it there; or, when that container is gone, remove ${join(cluster.data, 'postmaster.pid')} and try again.`,
      });
  }
  await endStrays(cluster);
  if (file !== undefined) {
    const found = await processOf(file.pid);
    const unreaped = found === undefined && signal(file.pid, 0);
    if (unreaped || (found !== undefined && !/postgres/.test(found.command)))
      await rm(join(cluster.data, 'postmaster.pid'), { force: true });
  }
  await writeFile(machineFile, await machineIdentity());
}

/** The name that Postgres puts before each of its processes' titles; made from the folder, so that orphans can be found. */
function clusterName(cluster: Cluster): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(cluster.data)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return `engine-${hash.toString(16).padStart(16, '0')}`;
}

/** Called in turn and when no server answers for this folder: so whatever runs on it has no owner. */
async function endStrays(cluster: Cluster): Promise<void> {
  const title = `postgres: ${clusterName(cluster)}: `;
  const until = Date.now() + 10_000;
  for (;;) {
    const strays = (await processes()).filter((p) => p.command.startsWith(title) || isServer(cluster, p));
    if (strays.length === 0 || Date.now() > until) return;
    for (const { pid } of strays) signal(pid, Date.now() > until - 5_000 ? 'SIGKILL' : 'SIGQUIT');
    await systemClock.sleep(pollMs);
  }
}

/** False when there is no such process. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    return false;
  }
}

/** Starts a server on the folder and waits until it accepts connections (crash recovery included). Throws EngineError `embedded.start-failed`. */
export async function start(cluster: Cluster, binaries: Binaries, timeoutMs: number): Promise<RunningServer> {
  for (let attempt = 1; ; attempt++) {
    await clearRemains(cluster);
    const port = await freePort();
    const log = await open(cluster.log, 'a', 0o600);
    const logged = (await log.stat()).size;
    const settings = {
      listen_addresses: '127.0.0.1',
      port: String(port),
      unix_socket_directories: '',
      cluster_name: clusterName(cluster),
      max_connections: '100',
      max_prepared_transactions: '10',
      logging_collector: 'off',
      ...cluster.settings,
    };
    const child = spawn(binaries.postgres, ['-D', cluster.data, ...Object.entries(settings).flatMap(([k, v]) => ['-c', `${k}=${v}`])], {
      cwd: cluster.data,
      env: environment,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      ...cluster.account,
    });
    let ended: string | undefined;
    child.once('error', (error) => {
      ended = error.message;
    });
    child.once('exit', (code, name) => {
      ended ??= name ?? `exit ${code}`;
    });
    await log.close();
    const until = Date.now() + timeoutMs;
    while (ended === undefined) {
      const file = await pidFile(cluster);
      if (file !== undefined && file.pid === child.pid && file.status === 'ready') {
        child.unref();
        return { pid: file.pid, port };
      }
      if (Date.now() > until) {
        child.kill('SIGQUIT');
        throw startError(`not ready after ${Math.round(timeoutMs / 1000)} s`, await lastLines(cluster.log, logged));
      }
      await systemClock.sleep(pollMs);
    }
    const said = await lastLines(cluster.log, logged);
    // A starter that was killed can leave a server behind so late that it was not seen before.
    const other = await runningServer(cluster, timeoutMs);
    if (other !== undefined) return other;
    const again = /could not bind|could not create any TCP|shared memory block .* is still in use|lock file .* already exists/.test(said);
    if (attempt >= 5 || !(again || ended === 'SIGKILL')) throw startError(`the server ended at once (${ended}), log ${cluster.log}`, said);
    await systemClock.sleep(50 * attempt);
  }
}

/** Fast shutdown: sessions are ended, data is written. After `timeoutMs` immediate, then killed. Returns when the process is gone. */
export async function stop(cluster: Cluster, server: RunningServer, timeoutMs: number): Promise<void> {
  for (const [name, patience] of [
    ['SIGINT', timeoutMs],
    ['SIGQUIT', 5_000],
    ['SIGKILL', 5_000],
  ] as const) {
    signal(server.pid, name);
    const until = Date.now() + patience;
    while (Date.now() < until) {
      const found = await processOf(server.pid);
      if (found === undefined || !isServer(cluster, found)) return;
      await systemClock.sleep(pollMs);
    }
  }
}
