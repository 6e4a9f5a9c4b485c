import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { promisify } from 'node:util';

/** A process that can be told from a later one with the same pid. `machine` changes with each boot and, on Linux, with the container. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly started: string;
  readonly machine: string;
}

/** A running process with its command line, as far as this user may see it. */
export interface RunningProcess {
  readonly pid: number;
  readonly command: string;
}

const run = promisify(execFile);
const linux = process.platform === 'linux';

/** Text that is the same for processes that can see each other's pids: the boot, and on Linux the pid namespace. */
export async function machineIdentity(): Promise<string> {
  if (linux) {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => 'unknown');
    const namespace = await readlink('/proc/self/ns/pid').catch(() => 'unknown');
    return `${boot.trim()} ${namespace}`;
  }
  const { stdout } = await run('sysctl', ['-n', 'kern.bootsessionuuid']).catch(() => ({ stdout: 'unknown' }));
  return stdout.trim();
}

/** When a process started, in a form that is only good for comparing; undefined when there is no such process, or only a zombie. */
async function startOf(pid: number): Promise<string | undefined> {
  if (linux) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
    if (stat === undefined) return undefined;
    // The second field, the name in brackets, may hold spaces and brackets itself (proc(5)).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  }
  const { stdout } = await run('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { env: { ...process.env, LC_ALL: 'C' } }).catch(() => ({
    stdout: '',
  }));
  const text = stdout.trim();
  return text === '' || text.startsWith('Z') ? undefined : text.replace(/^\S+\s+/, '');
}

let own: Promise<ProcessIdentity> | undefined;

/** This process. */
export function ownIdentity(): Promise<ProcessIdentity> {
  own ??= (async () => ({ pid: process.pid, started: (await startOf(process.pid)) ?? 'unknown', machine: await machineIdentity() }))();
  return own;
}

/** True while that very process runs. One of another boot or container counts as gone. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  const self = await ownIdentity();
  return identity.machine === self.machine && (await startOf(identity.pid)) === identity.started;
}

/** The process of that pid, or undefined when it is gone. */
export async function processOf(pid: number): Promise<RunningProcess | undefined> {
  if ((await startOf(pid)) === undefined) return undefined;
  if (linux) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    return { pid, command: line.replaceAll('\0', ' ').trim() };
  }
  const { stdout } = await run('ps', ['-ww', '-o', 'args=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  return { pid, command: stdout.trim() };
}

/** All processes that this user can see, zombies left out. */
export async function processes(): Promise<readonly RunningProcess[]> {
  if (linux) {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
    const found = await Promise.all(pids.map((pid) => processOf(pid)));
    return found.filter((p): p is RunningProcess => p !== undefined);
  }
  const { stdout } = await run('ps', ['-axww', '-o', 'pid=,args='], { maxBuffer: 64 * 1024 * 1024 });
  return stdout.split('\n').flatMap((line) => {
    const found = /^\s*(\d+)\s+(.*)$/.exec(line);
    return found?.[1] === undefined ? [] : [{ pid: Number(found[1]), command: found[2] ?? '' }];
  });
}

/** A short name that no other process chooses. */
export function uniqueName(): string {
  return `${process.pid}-${randomBytes(6).toString('hex')}`;
}
