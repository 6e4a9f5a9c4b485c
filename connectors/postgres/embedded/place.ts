import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, readdir, readFile, readlink, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { keepSecret } from '../../../engine/base/secret.ts';
import { EngineError } from '../../../engine/error.ts';
import { type Account, canReach } from './account.ts';
import { systemFolder } from './binaries.ts';
import { processOf, uniqueName } from './process.ts';

const outsideFolder = join(systemFolder, 'postgres-data');

async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The server's password, made on first use and kept in `password`, readable by its owner only. */
export async function passwordOf(folder: string, data: string): Promise<string> {
  const file = join(folder, 'password');
  const found = (await textOf(file))?.trim();
  if (found !== undefined && found !== '') {
    keepSecret(found);
    return found;
  }
  if ((await lstat(join(data, 'PG_VERSION')).catch(() => undefined)) !== undefined)
    throw new EngineError('outside', 'embedded.no-password', `the password file ${file} is missing, so its server cannot be used`, {
      hint: `Put the file back, or remove ${folder} to begin with an empty server.`,
    });
  const password = randomBytes(18).toString('base64url');
  keepSecret(password);
  const draft = `${file}.${uniqueName()}`;
  await writeFile(draft, `${password}\n`, { mode: 0o600 });
  await chmod(draft, 0o600);
  await rename(draft, file);
  return password;
}

/**
 * The data folder of the server in `folder`: `data` inside it, or, where the server's account cannot walk there (a project under /root), a folder
 * under /var/lib that `data` links to. Those of projects that are gone are removed when another is made.
 */
export async function dataFolder(folder: string, account: Account | undefined, outside: string = outsideFolder): Promise<string> {
  const inside = join(folder, 'data');
  const found = await lstat(inside).catch(() => undefined);
  if (found?.isSymbolicLink()) return await placeOutside(inside, dirname(await readlink(inside)));
  const real = await realpath(folder);
  if (await canReach(real, account)) return join(real, 'data');
  if (found !== undefined)
    throw new EngineError(
      'outside',
      'embedded.closed-folder',
      `${inside} lies under a folder that the account of its server may not enter`,
      {
        hint: 'Let others enter the folders above it (chmod o+x), or move the project.',
      },
    );
  await removeAbandoned(outside);
  const place = join(outside, randomBytes(8).toString('hex'));
  // The link first: a place without one is taken for abandoned.
  await symlink(join(place, 'data'), inside);
  return await placeOutside(inside, place);
}

async function placeOutside(inside: string, place: string): Promise<string> {
  await mkdir(place, { recursive: true, mode: 0o755 });
  await writeFile(join(place, 'home'), inside);
  return join(await realpath(place), 'data');
}

/** Removes the places whose project does not link to them any more, and ends a server that still runs there. */
async function removeAbandoned(outside: string): Promise<void> {
  for (const name of await readdir(outside).catch(() => [])) {
    const data = join(outside, name, 'data');
    const home = await textOf(join(outside, name, 'home'));
    if (home === undefined || (await readlink(home).catch(() => undefined)) === data) continue;
    const pid = Number((await textOf(join(data, 'postmaster.pid')))?.split('\n')[0]);
    const server = pid > 0 ? await processOf(pid) : undefined;
    if (server?.command.includes(` -D ${join(await realpath(outside), name, 'data')} `)) process.kill(server.pid, 'SIGQUIT');
    await rm(join(outside, name), { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Removes the data of a server that does not run, wherever it lies. */
export async function removeData(folder: string, data: string): Promise<void> {
  await rm(data, { recursive: true, force: true });
  await rm(`${data}.machine`, { force: true });
  if (!data.startsWith(await realpath(folder))) await rm(dirname(data), { recursive: true, force: true });
  await rm(join(folder, 'data'), { recursive: true, force: true });
}
