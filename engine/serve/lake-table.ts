import type { Field } from '../../lake/action.ts';
import type { Lake } from '../../lake/lake.ts';
import { readTable } from '../../lake/log.ts';
import { rowsIn } from '../../lake/replay.ts';

/** What a lake table is now. */
export interface LakeTable {
  /** -1: no table yet. */
  readonly version: number;
  readonly files: number;
  readonly bytes: number;
  /** Undefined where the statistics of some file do not say. */
  readonly rows: number | undefined;
  readonly fence: string | undefined;
  readonly fields: readonly Field[];
  /** The relation that it was taken from, as its commits name it. */
  readonly relation: string | undefined;
}

/** Reads it from its log; throws what reading a log throws. */
export async function readLakeTable(lake: Lake, folder: string): Promise<LakeTable> {
  const { version, files, fence, fields, metadata, last } = await readTable(lake, folder);
  let [bytes, rows]: [number, number | undefined] = [0, 0];
  for (const { add } of files) {
    bytes += add.size;
    const more = rowsIn(add);
    rows = rows === undefined || more === undefined ? undefined : rows + more;
  }
  return {
    version,
    files: files.length,
    bytes,
    rows,
    fence: fence ?? undefined,
    fields,
    relation: metadata?.configuration['engine.relation'] ?? last?.commit.source.relation,
  };
}
