import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { EngineError } from '../../../engine/error.ts';

/** The account that a server runs under. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

const run = promisify(execFile);

async function idOf(name: string): Promise<Account | undefined> {
  try {
    const [uid, gid] = await Promise.all(
      (['-u', '-g'] as const).map(async (flag) => Number((await run('id', [flag, name])).stdout.trim())),
    );
    // macOS writes nobody's -2 as 4294967294; `spawn` takes signed numbers.
    return uid === undefined || gid === undefined || Number.isNaN(uid + gid) ? undefined : { uid: uid | 0, gid: gid | 0 };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return name === 'nobody' ? { uid: 65534, gid: 65534 } : undefined;
    return undefined;
  }
}

async function ownerOf(path: string): Promise<Account | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found === undefined || found.uid === 0 ? undefined : { uid: found.uid, gid: found.gid };
}

/**
 * The account for a server with its data in `data`: undefined for this process's own. Postgres refuses to run as root, so for root it is
 * the owner of the data, of the project's folder, or `postgres`, `_postgres` (macOS) or `nobody`. Throws EngineError `embedded.no-account`.
 */
export async function serverAccount(data: string, root: string): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const owner = (await ownerOf(data)) ?? (await ownerOf(root));
  if (owner !== undefined) return owner;
  for (const name of ['postgres', '_postgres', 'nobody']) {
    const account = await idOf(name);
    if (account !== undefined) return account;
  }
  throw new EngineError(
    'outside',
    'embedded.no-account',
    'an embedded Postgres server cannot run as root, and there is no user `postgres` or `nobody` to run it',
    {
      hint: 'Run the engine as a plain user, or create one: useradd --system postgres',
    },
  );
}

/** True when that account may walk down to `path` (by owner, group and mode; this process's own account always may). */
export async function canReach(path: string, account: Account | undefined): Promise<boolean> {
  if (account === undefined) return true;
  for (let folder = path; ; folder = dirname(folder)) {
    const { uid, gid, mode } = await stat(folder);
    const bit = uid === account.uid >>> 0 ? 0o100 : gid === account.gid >>> 0 ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}
