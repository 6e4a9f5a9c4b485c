import { type Instant, microsToInstant } from '../engine/base/instant.ts';
import { EngineError } from '../engine/error.ts';
import type { Action, AddFile, EngineCommit, Metadata, Protocol, RemoveFile, Transaction } from './action.ts';
import { decodePath } from './path.ts';
import type { ActiveFile } from './table.ts';

/** `txn` ids of this engine: the fence in microseconds (-1: none), and the newest version that brought data. */
export const fenceId = 'engine.fence';
export const dataId = 'engine.data';

/** One version of a log. */
export interface Entry {
  readonly version: number;
  readonly actions: readonly Action[];
}

/** A log put together up to one version (PROTOCOL.md, Action Reconciliation). Files go by their decoded path: writers differ in what they encode. */
export interface Replay {
  version: number;
  protocol: Protocol | undefined;
  metadata: Metadata | undefined;
  readonly files: Map<string, ActiveFile>;
  /** Files that are no longer part of the table, kept for others' vacuum. */
  readonly tombstones: Map<string, RemoveFile>;
  readonly transactions: Map<string, Transaction>;
  last: { readonly version: number; readonly commit: EngineCommit } | undefined;
  dataVersion: number;
  checkpoint: number | undefined;
}

/** Before the first version. */
export function emptyReplay(): Replay {
  return {
    version: -1,
    protocol: undefined,
    metadata: undefined,
    files: new Map(),
    tombstones: new Map(),
    transactions: new Map(),
    last: undefined,
    dataVersion: -1,
    checkpoint: undefined,
  };
}

/** Applies one action; `version` is undefined for one that comes from a checkpoint. */
export function applyAction(replay: Replay, action: Action, version: number | undefined): void {
  if ('add' in action) {
    const path = decodePath(action.add.path);
    replay.tombstones.delete(path);
    replay.files.set(path, { add: action.add, version });
  } else if ('remove' in action) {
    const path = decodePath(action.remove.path);
    replay.files.delete(path);
    replay.tombstones.set(path, action.remove);
  } else if ('metaData' in action) replay.metadata = action.metaData;
  else if ('protocol' in action) replay.protocol = action.protocol;
  else if ('txn' in action) replay.transactions.set(action.txn.appId, action.txn);
}

/** Applies the next version. Removes come before adds: a file may be in both, and the order within an entry means nothing. */
export function applyEntry(replay: Replay, entry: Entry): void {
  for (const action of entry.actions) if ('remove' in action) applyAction(replay, action, entry.version);
  for (const action of entry.actions) if (!('remove' in action)) applyAction(replay, action, entry.version);
  const commit = engineCommit(entry);
  if (commit !== undefined) replay.last = { version: entry.version, commit };
  if (bringsData(entry)) replay.dataVersion = entry.version;
  replay.version = entry.version;
}

/** What this engine says in an entry that it wrote; undefined in others'. */
export function engineCommit(entry: Entry): EngineCommit | undefined {
  for (const action of entry.actions) if ('commitInfo' in action && action.commitInfo.engine?.format === 1) return action.commitInfo.engine;
  return undefined;
}

/** True for an entry that changes rows, as opposed to one that moves them between files. */
export function changesRows(entry: Entry): boolean {
  return entry.actions.some((a) => ('add' in a && a.add.dataChange) || ('remove' in a && a.remove.dataChange));
}

/** True for an entry that gives a loader something to do: it changes rows, or begins the table anew (also with none). */
export function bringsData(entry: Entry): boolean {
  return entry.version === 0 || changesRows(entry) || engineCommit(entry)?.mode === 'full';
}

/** The files that an entry brings. */
export function filesOf(entry: Entry): readonly AddFile[] {
  return entry.actions.flatMap((a) => ('add' in a && a.add.dataChange ? [a.add] : []));
}

/** The fence that a table's transactions hold; null for none. */
export function fenceOf(replay: Replay): Instant | null {
  const micros = replay.transactions.get(fenceId)?.version ?? -1;
  return micros === -1 ? null : microsToInstant(BigInt(micros));
}

/** The actions in the bytes of a log entry. `path` is for the message. */
export function parseEntry(bytes: Uint8Array, version: number, path: string): Entry {
  try {
    const lines = new TextDecoder('utf-8', { fatal: true }).decode(bytes).split('\n');
    return { version, actions: lines.filter((line) => line.trim() !== '').map((line) => JSON.parse(line) as Action) };
  } catch (cause) {
    throw new EngineError('failed', 'lake.log-damaged', `${path} is not a readable log entry`, {
      cause,
      hint: 'Bring the file back from a copy of the lake. It is never written in part by this engine.',
    });
  }
}

/** The bytes of a log entry: one action a line. */
export function entryBytes(actions: readonly Action[]): Uint8Array {
  return new TextEncoder().encode(`${actions.map((a) => JSON.stringify(a)).join('\n')}\n`);
}

/** Rows in a file, where its statistics say so. */
export function rowsIn(add: AddFile): number | undefined {
  if (add.stats === undefined || add.stats === null) return undefined;
  const rows = (JSON.parse(add.stats) as { readonly numRecords?: unknown }).numRecords;
  return typeof rows === 'number' ? rows : undefined;
}
