import { EngineError } from '../engine/error.ts';
import type { AddFile, EngineCommit } from './action.ts';
import { rememberedCheckpoint } from './checkpoint-memory.ts';
import type { Lake, LakeFile } from './lake.ts';
import { dataFilePath, decodePath, entryPath, hintPath, logFolder, versionName } from './path.ts';
import { checkReadable } from './protocol.ts';
import {
  applyEntry,
  bringsData,
  dataId,
  type Entry,
  emptyReplay,
  engineCommit,
  fenceId,
  fenceOf,
  filesOf,
  parseEntry,
  type Replay,
  rowsIn,
} from './replay.ts';
import { parseSchema } from './schema.ts';
import type { TableState, VersionToLoad } from './table.ts';

/** The table as it is now; version -1 where there is none. Throws `lake.log-gap` or `lake.log-damaged` rather than guess, `lake.feature-unknown` for what it cannot read. */
export async function readTable(lake: Lake, folder: string): Promise<TableState> {
  return tableState(folder, await replayLog(lake, folder));
}

/** A replayed log as plain data. */
export function tableState(folder: string, replay: Replay): TableState {
  if (replay.protocol !== undefined) checkReadable(folder, replay.protocol, replay.metadata);
  return {
    folder,
    version: replay.version,
    metadata: replay.metadata,
    protocol: replay.protocol,
    fields: replay.metadata === undefined ? [] : parseSchema(replay.metadata.schemaString, folder),
    files: [...replay.files.values()],
    last: replay.last,
    fence: fenceOf(replay),
    dataVersion: replay.dataVersion,
    ...(replay.checkpoint === undefined ? {} : { checkpoint: replay.checkpoint }),
  };
}

/** The whole log put together: from the newest checkpoint that can be read, and the entries after it. */
export async function replayLog(lake: Lake, folder: string): Promise<Replay> {
  const hint = await readHint(lake, folder);
  let listing = await listLog(lake, folder, hint);
  let replay = await fromCheckpoint(lake, folder, listing);
  if (replay === undefined && hint !== undefined) {
    listing = await listLog(lake, folder, undefined);
    replay = await fromCheckpoint(lake, folder, listing);
  }
  const current = replay ?? emptyReplay();
  for await (const entry of readEntries(lake, folder, current.version + 1, listing.newest)) applyEntry(current, entry);
  if (replay !== undefined) await findLast(lake, folder, current, replay.checkpoint ?? -1);
  return current;
}

interface Listing {
  readonly newest: number;
  /** Complete checkpoints, newest first, with their parts. */
  readonly checkpoints: readonly { readonly version: number; readonly parts: readonly LakeFile[] }[];
}

async function listLog(lake: Lake, folder: string, from: number | undefined): Promise<Listing> {
  const prefix = `${logFolder(folder)}/`;
  const parts = new Map<string, { version: number; of: number; parts: LakeFile[] }>();
  let newest = -1;
  for await (const file of lake.list(logFolder(folder), from === undefined ? undefined : prefix + versionName(from))) {
    const name = /^(\d{20})\.(?:(json)|checkpoint(?:\.\d{10}\.(\d{10}))?\.parquet)$/.exec(file.path.slice(prefix.length));
    if (name === null) continue;
    const version = Number(name[1]);
    if (name[2] === 'json') newest = Math.max(newest, version);
    else {
      const of = Number(name[3] ?? 1);
      const kind = `${version}/${name[3] ?? 'whole'}`;
      const found = parts.get(kind) ?? { version, of, parts: [] };
      found.parts.push(file);
      parts.set(kind, found);
    }
  }
  const checkpoints = [...parts.values()].filter((p) => p.parts.length === p.of).sort((a, b) => b.version - a.version);
  return { newest: Math.max(newest, checkpoints[0]?.version ?? -1), checkpoints };
}

/** The hint's version; undefined where it is absent or no sense can be made of it: it only ever saves work. */
async function readHint(lake: Lake, folder: string): Promise<number | undefined> {
  const bytes = await lake.read(hintPath(folder));
  if (bytes === undefined) return undefined;
  try {
    const hint = JSON.parse(new TextDecoder().decode(bytes)) as { readonly version?: unknown } | null;
    return Number.isSafeInteger(hint?.version) && Number(hint?.version) >= 0 ? Number(hint?.version) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function fromCheckpoint(lake: Lake, folder: string, listing: Listing): Promise<Replay | undefined> {
  for (const checkpoint of listing.checkpoints) {
    const replay = await rememberedCheckpoint(lake, folder, checkpoint.version, checkpoint.parts);
    if (replay !== undefined) return replay;
  }
  return undefined;
}

const readAhead = 16;

/** Entries of a range in order, a few read at a time. One that is absent is a gap. */
async function* readEntries(lake: Lake, folder: string, from: number, to: number): AsyncGenerator<Entry> {
  for (let start = from; start <= to; start += readAhead) {
    const versions = Array.from({ length: Math.min(readAhead, to - start + 1) }, (_, i) => start + i);
    for (const [index, entry] of (await Promise.all(versions.map((v) => readEntry(lake, folder, v)))).entries()) {
      if (entry === undefined)
        throw new EngineError('failed', 'lake.log-gap', `${entryPath(folder, start + index)} is missing from the log`, {
          hint: 'Bring the file back from a copy of the lake, or move the folder away and take the table in full.',
        });
      yield entry;
    }
  }
}

/** One version's entry; undefined when it is not there. */
export async function readEntry(lake: Lake, folder: string, version: number): Promise<Entry | undefined> {
  const path = entryPath(folder, version);
  const bytes = await lake.read(path);
  return bytes === undefined ? undefined : parseEntry(bytes, version, path);
}

/** Checkpoints keep no `commitInfo`: the engine's newest commit is looked for in the entries before it, and data that others brought since. */
async function findLast(lake: Lake, folder: string, replay: Replay, checkpoint: number): Promise<void> {
  const recorded = replay.transactions.get(dataId)?.version ?? -1;
  if (replay.last === undefined && replay.transactions.has(fenceId)) {
    for (let version = checkpoint; version >= 0; version -= 1) {
      const entry = await readEntry(lake, folder, version);
      if (entry === undefined) break;
      if (bringsData(entry)) replay.dataVersion = Math.max(replay.dataVersion, version);
      const commit = engineCommit(entry);
      if (commit === undefined) continue;
      replay.last = { version, commit };
      break;
    }
  }
  replay.dataVersion = Math.max(replay.dataVersion, recorded);
  if (replay.dataVersion < 0) replay.dataVersion = checkpoint;
}

/** The newest version of a table's log; -1 where there is none. Lists what came after the last checkpoint. */
export async function newestVersion(lake: Lake, folder: string): Promise<number> {
  const { newest } = await listLog(lake, folder, await readHint(lake, folder));
  return newest >= 0 ? newest : (await listLog(lake, folder, undefined)).newest;
}

/** The engine's own commits, newest first, as far back as the log tells. */
export async function* engineCommits(
  lake: Lake,
  folder: string,
): AsyncGenerator<{ readonly version: number; readonly commit: EngineCommit; readonly timestamp: number }> {
  for (let version = await newestVersion(lake, folder); version >= 0; version -= 1) {
    const entry = await readEntry(lake, folder, version);
    if (entry === undefined) return;
    for (const action of entry.actions)
      if ('commitInfo' in action && action.commitInfo.engine?.format === 1)
        yield { version, commit: action.commitInfo.engine, timestamp: action.commitInfo.timestamp };
  }
}

/**
 * What a sink that has loaded everything up to version `after` of table `tableId` (undefined and -1: nothing yet) must load now, in order:
 * versions that bring data, from the newest full one on. Where an entry or a file is gone, all active files as one full.
 * Another table id counts as nothing loaded; a ledger ahead of the lake is refused (`lake.behind`).
 */
export async function versionsToLoad(
  lake: Lake,
  folder: string,
  after: number,
  tableId: string | undefined,
): Promise<{ readonly versions: readonly VersionToLoad[]; readonly state: TableState }> {
  const state = await readTable(lake, folder);
  const since = tableId === undefined || tableId === state.metadata?.id ? after : -1;
  if (since > state.version)
    throw new EngineError(
      'refused',
      'lake.behind',
      `lake table ${folder} is at version ${state.version}, but version ${since} was loaded from it`,
      {
        hint: 'The lake was put back to an older state. Take the table in full with a new folder, or bring the newer entries back.',
      },
    );
  const entries: Entry[] = [];
  for (let version = state.dataVersion; version > since; ) {
    const entry = await readEntry(lake, folder, version);
    if (entry === undefined || deletesForOthers(entry)) return { versions: [wholeTable(state)], state };
    if (bringsData(entry)) entries.unshift(entry);
    const commit = engineCommit(entry);
    if (startsAnew(entry)) break;
    version = commit?.dataBefore ?? version - 1;
  }
  const gone = await someFileIsGone(lake, state, entries.flatMap(filesOf));
  return { versions: gone ? [wholeTable(state)] : entries.map(versionToLoad), state };
}

function startsAnew(entry: Entry): boolean {
  return entry.version === 0 || engineCommit(entry)?.mode === 'full';
}

/** Another writer took rows away, which no list of files can say. */
function deletesForOthers(entry: Entry): boolean {
  return engineCommit(entry) === undefined && entry.actions.some((a) => 'remove' in a && a.remove.dataChange);
}

function versionToLoad(entry: Entry): VersionToLoad {
  const files = filesOf(entry);
  const commit = engineCommit(entry);
  return {
    version: entry.version,
    kind: startsAnew(entry) ? 'full' : 'changes',
    severalVersions: false,
    files,
    rows: commit?.rows ?? sumOf(files),
    commit,
  };
}

function wholeTable(state: TableState): VersionToLoad {
  const files = state.files.map((f) => f.add);
  return {
    version: state.dataVersion,
    kind: 'full',
    severalVersions: true,
    files,
    rows: sumOf(files),
    commit: state.last?.version === state.dataVersion ? state.last.commit : undefined,
  };
}

function sumOf(files: readonly AddFile[]): number | undefined {
  const rows = files.map(rowsIn);
  return rows.every((r): r is number => r !== undefined) ? rows.reduce((a, b) => a + b, 0) : undefined;
}

/** Files that are still active are there; those that a compaction replaced may have been swept away. */
async function someFileIsGone(lake: Lake, state: TableState, files: readonly AddFile[]): Promise<boolean> {
  const active = new Set(state.files.map((f) => decodePath(f.add.path)));
  const replaced = files.filter((f) => !active.has(decodePath(f.path))).map((f) => dataFilePath(state.folder, f));
  const there = new Set<string>();
  for (const folder of new Set(replaced.map((path) => path.slice(0, path.lastIndexOf('/')))))
    for await (const file of lake.list(folder)) there.add(file.path);
  return replaced.some((path) => !there.has(path));
}
