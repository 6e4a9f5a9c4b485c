import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, link, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Checkup } from '../../engine/connector.ts';

const littleSpaceBytes = 1_000_000_000;

/** Looks at the folder of a lake: there or can be made, written, hard links, space left. What it writes to try is gone afterwards. */
export async function checkup(root: string): Promise<readonly Checkup[]> {
  const there = await isFolder(root);
  const nearest = await nearestFolder(root);
  if (there === 'file')
    return [{ subject: 'folder', outcome: 'fail', message: `${root} is no folder`, hint: 'Name another `lake: { path: ... }`.' }];
  try {
    await access(nearest, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const hint = `Let this user write to ${nearest} (chown, chmod), or name another \`lake: { path: ... }\`.`;
    return [{ subject: 'folder', outcome: 'fail', message: `${nearest} cannot be written to (${codeOf(error)})`, hint }];
  }
  const found: Checkup[] = [await tryLink(nearest)];
  if (there === 'absent') found.push({ subject: 'folder', outcome: 'ok', message: `${root} is not there yet; the first extract makes it` });
  const { bavail, bsize } = await statfs(nearest);
  const free = bavail * bsize;
  const size = `${(free / 1e9).toFixed(1)} GB free`;
  found.push(
    free < littleSpaceBytes
      ? {
          subject: 'space',
          outcome: 'warn',
          message: `only ${size}`,
          hint: 'Make room before the next extract, or move the lake to a larger disk.',
        }
      : { subject: 'space', outcome: 'ok', message: size },
  );
  return found;
}

/** A commit is a hard link to a new name: without them two writers could both win. */
async function tryLink(folder: string): Promise<Checkup> {
  const name = join(folder, `.tmp-doctor-${randomUUID()}`);
  try {
    await writeFile(name, 'doctor', { flag: 'wx' });
    await link(name, `${name}-link`);
    return { subject: 'folder', outcome: 'ok', message: `${folder} can be written to, and has hard links` };
  } catch (error) {
    const hint = 'Put the lake on a local disk with space left, or on a network file system with hard links (NFS).';
    return { subject: 'folder', outcome: 'fail', message: `a file with two names cannot be made in ${folder} (${codeOf(error)})`, hint };
  } finally {
    await rm(`${name}-link`, { force: true });
    await rm(name, { force: true });
  }
}

async function isFolder(path: string): Promise<'folder' | 'file' | 'absent'> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file';
  } catch (error) {
    return codeOf(error) === 'ENOTDIR' ? 'file' : 'absent';
  }
}

async function nearestFolder(path: string): Promise<string> {
  for (let at = path; ; at = dirname(at)) if ((await isFolder(at)) === 'folder' || dirname(at) === at) return at;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
