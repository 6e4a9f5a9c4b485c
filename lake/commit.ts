import { randomUUID } from 'node:crypto';
import type { Clock } from '../engine/base/clock.ts';
import { effect } from '../engine/base/effect.ts';
import { instantToMicros } from '../engine/base/instant.ts';
import { EngineError, errorData } from '../engine/error.ts';
import type { Action, EngineCommit, Metadata } from './action.ts';
import { checkpointEvery, writeCheckpoint } from './checkpoint.ts';
import type { Lake } from './lake.ts';
import { readEntry, readTable, replayLog, tableState } from './log.ts';
import { encodePath, entryPath } from './path.ts';
import { checkWritable, protocolFor } from './protocol.ts';
import { changesRows, dataId, type Entry, engineCommit, entryBytes, fenceId } from './replay.ts';
import { foldName, schemaText } from './schema.ts';
import type { NewCommit, TableState } from './table.ts';

export interface CommitResult {
  readonly version: number;
  /** True when an earlier try of the same run, node and attempt had made it. */
  readonly alreadyThere: boolean;
  /** What went wrong after the commit, which stands: a checkpoint that could not be written. */
  readonly warning?: string;
}

/**
 * Makes a new version of a table from `base`, which was read before the extract began: one entry, created only if absent. Refuses (`lake.moved`) when
 * rows, schema or this engine's commits changed since; goes on above entries that only rearrange files. An answer that was lost is found out.
 * When it throws, nothing was committed and the files may go, but for `lake.commit-unknown`: then the files must stay.
 */
export async function commit(lake: Lake, base: TableState, change: NewCommit, clock: Clock): Promise<CommitResult> {
  if (base.last !== undefined && isSame(base.last.commit, change.commit)) return { version: base.last.version, alreadyThere: true };
  let state = base;
  for (;;) {
    refuseWhatDoesNotFit(state, change);
    const version = state.version + 1;
    const bytes = entryBytes(newEntry(state, change, clock.now()));
    if ((await create(lake, entryPath(state.folder, version), bytes, change)) === 'created') {
      const warning = await checkpointWhenDue(lake, state, version, clock);
      return { version, alreadyThere: false, ...(warning === undefined ? {} : { warning }) };
    }
    const { now, entries } = await readAgain(lake, state.folder, version);
    for (const entry of entries) {
      const theirs = engineCommit(entry);
      if (theirs !== undefined && isSame(theirs, change.commit)) return { version: entry.version, alreadyThere: true };
      refuseWhatMoved(state, entry, theirs);
    }
    if (now.version < version)
      throw unknownOutcome(entryPath(state.folder, version), new Error(`the name is taken, but the log ends at version ${now.version}`));
    state = now;
  }
}

/**
 * An error may hide a success (an answer that was lost), so a second try tells: `exists` then, and the entry read back is ours. When neither try nor
 * reading tells, or a request may still be under way, the outcome is unknown.
 */
async function create(lake: Lake, path: string, bytes: Uint8Array, change: NewCommit): Promise<'created' | 'exists'> {
  const once = async (): Promise<'created' | 'exists'> => {
    await change.check();
    return await effect('lake.entry', () => lake.createIfAbsent(path, bytes));
  };
  try {
    return await once();
  } catch (first) {
    try {
      return await once();
    } catch (second) {
      if ((await knownOrUnknown(path, () => lake.read(path))) !== undefined) return 'exists';
      if (isFinal(first) && isFinal(second)) throw first;
      throw unknownOutcome(path, first);
    }
  }
}

/** An error after which nothing can still arrive. */
function isFinal(error: unknown): boolean {
  return error instanceof EngineError && !error.retryable;
}

/** The log above a version that was taken. Whose it is must be known before anything else is decided. */
async function readAgain(
  lake: Lake,
  folder: string,
  from: number,
): Promise<{ readonly now: TableState; readonly entries: readonly Entry[] }> {
  return knownOrUnknown(entryPath(folder, from), async () => {
    const now = await readTable(lake, folder);
    const entries: Entry[] = [];
    for (let version = from; version <= now.version; version += 1) {
      const entry = await readEntry(lake, folder, version);
      if (entry === undefined) throw new Error(`version ${version} came and went`);
      entries.push(entry);
    }
    return { now, entries };
  });
}

async function knownOrUnknown<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw unknownOutcome(path, cause);
  }
}

function unknownOutcome(path: string, cause: unknown): EngineError {
  return new EngineError('outside', 'lake.commit-unknown', `whether ${path} was committed is not known: ${errorData(cause).message}`, {
    cause,
    hint: 'Its files are kept. Run again: the next extract goes on from what is there.',
    retryable: true,
  });
}

function isSame(a: EngineCommit, b: EngineCommit): boolean {
  return a.run === b.run && a.node === b.node && a.attempt === b.attempt;
}

function moved(state: TableState, what: string): EngineError {
  return new EngineError('refused', 'lake.moved', `lake table ${state.folder} was changed while this extract ran: ${what}`, {
    hint: 'Nothing was committed. Run again: the next extract starts from what is there now. Let only one engine write to a lake.',
  });
}

function refuseWhatMoved(state: TableState, entry: Entry, theirs: EngineCommit | undefined): void {
  if (theirs !== undefined) throw moved(state, `run ${theirs.run} committed version ${entry.version} at ${theirs.extractedAt}`);
  if (changesRows(entry)) throw moved(state, `another program changed rows in version ${entry.version}`);
  for (const action of entry.actions)
    if ('metaData' in action && !sameTable(state.metadata, action.metaData))
      throw moved(state, `another program changed its columns in version ${entry.version}`);
}

function sameTable(before: Metadata | undefined, now: Metadata): boolean {
  return before !== undefined && before.id === now.id && before.schemaString === now.schemaString;
}

function refuseWhatDoesNotFit(state: TableState, change: NewCommit): void {
  const { folder, last } = state;
  if (state.protocol !== undefined) checkWritable(folder, state.protocol, state.metadata);
  if (last !== undefined && change.commit.extractedAt <= last.commit.extractedAt)
    throw new EngineError(
      'refused',
      'lake.not-newer',
      `an extract of ${change.commit.extractedAt} cannot follow the one of ${last.commit.extractedAt} in lake table ${folder}`,
      { hint: "The order of versions must be in the rows. Look at the source's clock: it seems to have been set back." },
    );
  const names = new Set(change.fields.map((f) => foldName(f.name)));
  if (names.size < change.fields.length) throw new RangeError(`two columns of lake table ${folder} have one name`);
  if (change.commit.mode === 'full') {
    if (state.metadata?.configuration['delta.appendOnly'] === 'true' && state.files.length > 0)
      throw new EngineError(
        'refused',
        'lake.append-only',
        `lake table ${folder} has delta.appendOnly set: a full extract cannot replace its rows`,
        {
          hint: 'Take that property off the table.',
        },
      );
    return;
  }
  if (state.files.length === 0) return;
  for (const field of state.fields) {
    const same = change.fields.find((f) => f.name === field.name);
    if (same === undefined || same.type !== field.type)
      throw new EngineError(
        'refused',
        'lake.columns-changed',
        `column ${field.name} of lake table ${folder} ${same === undefined ? 'is gone' : `changed from ${field.type} to ${same.type}`}`,
        { hint: 'Take the table in full once: engine run --pipeline NAME --full-refresh.' },
      );
  }
}

/** The actions of the next version. */
function newEntry(state: TableState, change: NewCommit, nowMs: number): readonly Action[] {
  const { fields, files } = change;
  const isFull = change.commit.mode === 'full';
  const removed = isFull ? state.files.map((f) => f.add) : [];
  const bringsData = isFull || files.length > 0 || state.version < 0;
  const dataVersion = bringsData ? state.version + 1 : state.dataVersion;
  const protocol = protocolFor(fields, state.protocol);
  const metadata = metadataFor(state, change, nowMs);
  const transaction = (appId: string, version: number): Action => ({ txn: { appId, version, lastUpdated: nowMs } });
  const { fence } = change.commit;
  return [
    {
      commitInfo: {
        timestamp: nowMs,
        operation: 'WRITE',
        operationParameters: { mode: isFull ? 'Overwrite' : 'Append', partitionBy: '[]' },
        engineInfo: change.engineInfo ?? 'pipeline-engine',
        engine: { ...change.commit, dataBefore: state.dataVersion },
      },
    },
    ...(protocol === state.protocol ? [] : [{ protocol }]),
    ...(metadata === state.metadata ? [] : [{ metaData: metadata }]),
    transaction(fenceId, fence === null ? -1 : Number(instantToMicros(fence))),
    transaction(dataId, dataVersion),
    ...removed.map((add) => ({
      remove: {
        path: add.path,
        deletionTimestamp: nowMs,
        dataChange: true,
        extendedFileMetadata: true,
        partitionValues: add.partitionValues,
        size: add.size,
      },
    })),
    ...files.map((file) => ({
      add: {
        path: encodePath(file.path),
        partitionValues: {},
        size: file.size,
        modificationTime: nowMs,
        dataChange: true,
        stats: JSON.stringify({ numRecords: file.rows }),
      },
    })),
  ];
}

/** The same object when nothing about the table itself changes. Settings of others stay. */
function metadataFor(state: TableState, change: NewCommit, nowMs: number): Metadata {
  const before = state.metadata;
  const kept = Object.entries(before?.configuration ?? {}).filter(([key]) => !key.startsWith('engine.'));
  const configuration = { ...Object.fromEntries(kept), 'delta.enableExpiredLogCleanup': 'false', ...change.configuration };
  const schemaString = schemaText(change.fields);
  if (before === undefined)
    return {
      id: randomUUID(),
      format: { provider: 'parquet', options: {} },
      schemaString,
      partitionColumns: [],
      configuration,
      createdTime: nowMs,
    };
  const sorted = (map: Readonly<Record<string, string>>): string => JSON.stringify(Object.entries(map).sort());
  const same = schemaText(state.fields) === schemaString && sorted(before.configuration) === sorted(configuration);
  return same ? before : { ...before, schemaString, configuration };
}

async function checkpointWhenDue(lake: Lake, state: TableState, version: number, clock: Clock): Promise<string | undefined> {
  if (version - (state.checkpoint ?? 0) < checkpointEvery) return undefined;
  try {
    const replay = await replayLog(lake, state.folder);
    if (tableState(state.folder, replay).version >= version) await writeCheckpoint(lake, state.folder, replay, clock);
    return undefined;
  } catch (error) {
    return `the commit stands, but no checkpoint could be written: ${errorData(error).message}`;
  }
}
