import { link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../../engine/base/clock.ts';
import { EngineError } from '../../../engine/error.ts';
import { isAlive, ownIdentity, type ProcessIdentity, processOf, uniqueName } from './process.ts';

const waitMs = 20;

interface TurnRecord extends ProcessIdentity {
  readonly done: boolean;
}

async function readRecord(file: string): Promise<TurnRecord | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as TurnRecord);
}

async function numbers(folder: string): Promise<readonly number[]> {
  const names = await readdir(folder);
  return names.flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : [])).sort((a, b) => b - a);
}

/** Writes `number` with the record, only if there is no such file: whole or not at all. */
async function create(folder: string, number: number, record: TurnRecord): Promise<boolean> {
  const draft = join(folder, `draft-${uniqueName()}`);
  await writeFile(draft, JSON.stringify(record), { mode: 0o644 });
  try {
    await link(draft, join(folder, String(number)));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/**
 * Does `work` while no other process does work on the same folder; survives holders that were killed.
 * Turns are numbered files. The highest number is the last turn and is never removed, so a turn that follows a dead holder
 * is won by the one process that creates the next number; whoever creates a number that is no longer the highest goes back to waiting.
 * Throws EngineError `embedded.busy` when the holder does not finish in time.
 */
export async function inTurn<T>(folder: string, timeoutMs: number, work: () => Promise<T>): Promise<T> {
  await mkdir(folder, { recursive: true });
  const self = await ownIdentity();
  const until = Date.now() + timeoutMs;
  for (;;) {
    const [last = 0] = await numbers(folder);
    const holder = last === 0 ? undefined : await readRecord(join(folder, String(last)));
    const free = last === 0 || (holder !== undefined && (holder.done || !(await isAlive(holder))));
    if (free && (await create(folder, last + 1, { ...self, done: false }))) {
      const [highest] = await numbers(folder);
      if (highest === last + 1) return await take(folder, last + 1, self, work);
      await rm(join(folder, String(last + 1)), { force: true });
    } else if (Date.now() > until) {
      throw new EngineError(
        'refused',
        'embedded.busy',
        `the embedded server in ${folder} is being started or stopped by process ${holder?.pid ?? 'unknown'}`,
        {
          hint: 'Wait for that process to finish, or end it, then try again.',
          retryable: true,
        },
      );
    } else await systemClock.sleep(waitMs);
  }
}

async function take<T>(folder: string, number: number, self: ProcessIdentity, work: () => Promise<T>): Promise<T> {
  try {
    await sweep(folder, number);
    return await work();
  } finally {
    await release(folder, number, self);
  }
}

/** Removes the turns before this one, and drafts of processes that are gone. */
async function sweep(folder: string, number: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const draftOf = /^draft-(\d+)-/.exec(name)?.[1];
    const over = draftOf === undefined ? Number(name) < number : (await processOf(Number(draftOf))) === undefined;
    if (over) await rm(join(folder, name), { force: true });
  }
}

async function release(folder: string, number: number, self: ProcessIdentity): Promise<void> {
  // The next turn stands at once: its number says "done", so no waiting process reads a half-written file.
  await create(folder, number + 1, { ...self, done: true });
}
