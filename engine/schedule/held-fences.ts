import type { Config } from '../config.ts';
import type { Store } from '../store.ts';
import { tablesOfRun } from './problem-facts.ts';
import { tablesOf } from './startable.ts';

/** A fence that the newest extract of a table found held back. */
export interface HeldFence {
  readonly table: string;
  /** The session or prepared transaction, with since when. */
  readonly heldBy: string;
  /** When that was seen; it may be over since. */
  readonly seenAt: string;
  /** What somebody can do about it on the source. */
  readonly hint: string;
}

/** Those of the tables of a pipeline. Changes nothing. */
export async function heldFences(store: Store, config: Pick<Config, 'pipelines'>, pipeline: string): Promise<readonly HeldFence[]> {
  const { history } = store;
  if (history === undefined) return [];
  const names = tablesOf(config, pipeline) ?? (await tablesOfRun(history, (await history.runs({ pipeline, limit: 1 }))[0]));
  const tables = await history.tables(names);
  return [...tables.values()].flatMap(({ table, extract }) => {
    const heldBy = extract?.facts.heldBy;
    if (extract?.endedAt === undefined || typeof heldBy !== 'string') return [];
    return [{ table, heldBy, seenAt: extract.endedAt, hint: hintFor(heldBy) }];
  });
}

/** By the words of the source's own reading (`Holder.text`). */
function hintFor(heldBy: string): string {
  const pid = /^pid (\d+)\b/.exec(heldBy)?.[1];
  if (pid !== undefined) return `Have it end its transaction, or end it on the source: SELECT pg_terminate_backend(${pid});`;
  if (heldBy.startsWith('prepared transaction'))
    return 'Whoever prepared it has to end it on the source, with COMMIT PREPARED or ROLLBACK PREPARED.';
  return 'engine doctor says what there is to know of the source.';
}
