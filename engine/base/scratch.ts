import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Makes a new folder for unfinished work under `<root>/.engine/tmp`, readable by this user only, and removes what killed processes left of the same kind.
 * `kind` is a word such as `load`. Whoever asks for it removes it.
 */
export async function openScratch(root: string, kind: string): Promise<string> {
  const parent = join(root, '.engine', 'tmp');
  await mkdir(parent, { recursive: true });
  await sweep(parent, kind);
  return mkdtemp(join(parent, `${kind}-${process.pid}-`));
}

async function sweep(parent: string, kind: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const [, left, pid] = /^([a-z]+)-(\d+)-/.exec(name) ?? [];
    if (left !== kind || Number(pid) === process.pid || isAlive(Number(pid))) continue;
    await rm(join(parent, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { readonly code?: unknown }).code === 'EPERM';
  }
}
