import type { AddFile, EngineCommit } from './action.ts';
import type { Lake } from './lake.ts';
import { newestVersion, readEntry } from './log.ts';
import { decodePath } from './path.ts';
import { type Entry, engineCommit, rowsIn } from './replay.ts';

/** One version of a table in short. */
export interface LogVersion {
  readonly version: number;
  /** Ms since the epoch, as its writer says; 0 where it says nothing. */
  readonly timestamp: number;
  readonly operation: string;
  /** Rows in the files that it added; undefined where their statistics do not say. */
  readonly rows: number | undefined;
  /** That it added. */
  readonly files: number;
  /** Of the files that it added. */
  readonly bytes: number;
  /** Files that are no part of the table any more. */
  readonly removed: number;
  /** What the engine says of a commit of its own. */
  readonly commit: EngineCommit | undefined;
}

/** A file that a version added or took away. Its path is within the table's folder. */
export interface VersionFile {
  readonly path: string;
  readonly change: 'added' | 'removed';
  readonly bytes: number | undefined;
  readonly rows: number | undefined;
}

const readAhead = 16;

/**
 * Versions of a table, newest first, at most so many and as far back as the log tells; those below `before` where that is given. Each is one small file: nothing is put together, whatever the number of
 * commits.
 */
export async function logVersions(
  lake: Lake,
  folder: string,
  { before, limit }: { readonly before?: number | undefined; readonly limit: number },
): Promise<readonly LogVersion[]> {
  const found: LogVersion[] = [];
  let next = before === undefined ? await newestVersion(lake, folder) : before - 1;
  while (next >= 0 && found.length < limit) {
    const count = Math.min(readAhead, next + 1, limit - found.length);
    const entries = await Promise.all(Array.from({ length: count }, (_, i) => readEntry(lake, folder, next - i)));
    for (const entry of entries) {
      // Others may have cleaned the log up to a checkpoint.
      if (entry === undefined) return found;
      found.push(inShort(entry));
    }
    next -= count;
  }
  return found;
}

/** One version with its files; undefined where the log has no such entry (any more). */
export async function logVersion(
  lake: Lake,
  folder: string,
  version: number,
): Promise<(LogVersion & { readonly changes: readonly VersionFile[] }) | undefined> {
  const entry = await readEntry(lake, folder, version);
  if (entry === undefined) return undefined;
  const changes = entry.actions.flatMap((action): VersionFile[] => {
    if ('add' in action) {
      const { add } = action;
      return [{ path: decodePath(add.path), change: 'added', bytes: add.size, rows: rowsIn(add) }];
    }
    if ('remove' in action)
      return [{ path: decodePath(action.remove.path), change: 'removed', bytes: action.remove.size, rows: undefined }];
    return [];
  });
  return { ...inShort(entry), changes };
}

function inShort(entry: Entry): LogVersion {
  const info = entry.actions.find((action) => 'commitInfo' in action)?.commitInfo;
  const added = entry.actions.flatMap((action) => ('add' in action ? [action.add] : []));
  const commit = engineCommit(entry);
  return {
    version: entry.version,
    timestamp: info?.timestamp ?? 0,
    operation: info?.operation ?? 'unknown',
    rows: commit?.rows ?? rowsOf(added),
    files: added.length,
    bytes: added.reduce((sum, { size }) => sum + size, 0),
    removed: entry.actions.filter((action) => 'remove' in action).length,
    commit,
  };
}

function rowsOf(files: readonly AddFile[]): number | undefined {
  let sum = 0;
  for (const file of files) {
    const rows = rowsIn(file);
    if (rows === undefined) return undefined;
    sum += rows;
  }
  return sum;
}
