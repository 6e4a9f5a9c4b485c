import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A small file system in a folder, made for a test that fills it. */
export interface SmallDisk {
  grow(size: string): void;
  unmount(): void;
}

/** Mounts a tmpfs of that size (`64k`) on a folder, which is made when it is missing; undefined where this process may not mount. */
export function mountSmallDisk(folder: string, size: string): SmallDisk | undefined {
  mkdirSync(folder, { recursive: true });
  const mount = (...args: readonly string[]): boolean => spawnSync('mount', [...args, 'tmpfs', folder], { stdio: 'ignore' }).status === 0;
  if (!mount('-t', 'tmpfs', '-o', `size=${size}`)) return undefined;
  return {
    grow: (to) => {
      if (!mount('-o', `remount,size=${to}`)) throw new Error(`${folder} could not be made larger`);
    },
    unmount: () => void spawnSync('umount', [folder], { stdio: 'ignore' }),
  };
}

/** Why a test with a small disk cannot be here; undefined when it can. */
export function whyNoSmallDisk(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'engine-disk-'));
  try {
    const disk = mountSmallDisk(folder, '64k');
    disk?.unmount();
    return disk === undefined ? 'this user may not mount a tmpfs' : undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
