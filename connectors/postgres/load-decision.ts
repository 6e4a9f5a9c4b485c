import { EngineError } from '../../engine/error.ts';
import type { Lake } from '../../lake/lake.ts';
import { versionsToLoad } from '../../lake/log.ts';
import type { TableState, VersionToLoad } from '../../lake/table.ts';
import type { LedgerEntry } from './ledger.ts';

/** What a load has to do, decided by the lake's log, the ledger and whether staging is there; never by the pipeline that asks. */
export interface LoadDecision {
  /** `replace`: staging is emptied, the first version is loaded as a whole and the others are merged; `merge`: all are merged. */
  readonly action: 'nothing' | 'replace' | 'merge';
  readonly versions: readonly VersionToLoad[];
  readonly state: TableState;
  /** Why more is loaded than the ledger's version alone would ask for, for a person. */
  readonly because: string | undefined;
}

/**
 * Decides from what is known. The ledger counts only while staging is there; another lake table, or a lake that was put back to an older state, is loaded
 * from a full version newer than what staging holds, and refused (`load.other-lake`, `load.lake-older`) where there is none.
 */
export async function decideLoad(
  lake: Lake,
  folder: string,
  ledger: LedgerEntry | undefined,
  stagingExists: boolean,
): Promise<LoadDecision> {
  if (ledger === undefined) return wholly(await versionsToLoad(lake, folder, -1, undefined), undefined);
  if (!stagingExists) return wholly(await versionsToLoad(lake, folder, -1, undefined), 'staging is not there any more');
  const found = await aboveLedger(lake, folder, ledger);
  if (found === 'behind' || older(found, ledger)) return again(await versionsToLoad(lake, folder, -1, undefined), ledger);
  if (found.state.metadata === undefined) return { action: 'nothing', versions: [], state: found.state, because: undefined };
  if (found.state.metadata.id !== ledger.lakeTableId) {
    const anew = await versionsToLoad(lake, folder, -1, undefined);
    return wholly(anew, `the lake's table is another one than staging was loaded from`);
  }
  const { versions, state } = found;
  const action = versions.length === 0 ? 'nothing' : versions[0]?.kind === 'full' ? 'replace' : 'merge';
  return { action, versions, state, because: versions[0]?.severalVersions === true ? 'entries or files of the log are gone' : undefined };
}

type Found = Awaited<ReturnType<typeof versionsToLoad>>;

async function aboveLedger(lake: Lake, folder: string, ledger: LedgerEntry): Promise<Found | 'behind'> {
  try {
    return await versionsToLoad(lake, folder, ledger.version, ledger.lakeTableId);
  } catch (error) {
    if (error instanceof EngineError && error.code === 'lake.behind') return 'behind';
    throw error;
  }
}

/** `_extracted_at` rises with the version: a log that says otherwise is not the one that staging was loaded from. */
function older({ versions, state }: Found, ledger: LedgerEntry): boolean {
  if (ledger.extractedAt === null || state.metadata?.id !== ledger.lakeTableId) return false;
  const first = versions[0]?.commit?.extractedAt;
  if (first !== undefined && first <= ledger.extractedAt) return true;
  return state.last?.version === ledger.version && state.last.commit.extractedAt !== ledger.extractedAt;
}

function wholly({ versions, state }: Found, because: string | undefined): LoadDecision {
  const first = versions[0];
  if (first === undefined) return { action: 'nothing', versions, state, because: undefined };
  if (first.kind === 'full') return { action: 'replace', versions, state, because };
  throw new EngineError(
    'refused',
    'load.other-lake',
    `lake table ${state.folder} has no full version to load staging from (its log begins with changes)`,
    {
      hint: 'Run a full pipeline of this table once.',
    },
  );
}

function again(found: Found, ledger: LedgerEntry): LoadDecision {
  const first = found.versions[0];
  const extractedAt = first?.commit?.extractedAt;
  if (first?.kind === 'full' && extractedAt !== undefined && ledger.extractedAt !== null && extractedAt > ledger.extractedAt)
    return { ...found, action: 'replace', because: 'the lake was put back to an older state and has been taken in full since' };
  throw new EngineError(
    'refused',
    'load.lake-older',
    `staging holds version ${ledger.version} of lake table ${found.state.folder}, which is now at version ${found.state.version} with another history`,
    { hint: 'The lake was put back to an older state. Run a full pipeline of this table once: staging is then loaded from that.' },
  );
}

/** The key that the lake's table records, in Postgres names; empty for none. */
export function keyOf(decision: LoadDecision): readonly string[] {
  const text = decision.state.metadata?.configuration['engine.key'];
  const key: unknown = text === undefined ? [] : JSON.parse(text);
  return Array.isArray(key) ? key.filter((k): k is string => typeof k === 'string') : [];
}
