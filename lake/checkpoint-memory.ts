import { readCheckpoint } from './checkpoint.ts';
import type { Lake, LakeFile } from './lake.ts';
import type { Replay } from './replay.ts';

/** Active files and tombstones that one process keeps in memory for a lake, whatever the number of tables. */
const mostFiles = 150_000;

interface Kept {
  readonly parts: string;
  readonly replay: Replay;
}

const kept = new WeakMap<Lake, Map<string, Kept>>();

/** `readCheckpoint`, but a checkpoint that this process has read before is not read again: a run looks at the log of a table several times. Files are known by path, size and time. */
export async function rememberedCheckpoint(
  lake: Lake,
  folder: string,
  version: number,
  parts: readonly LakeFile[],
): Promise<Replay | undefined> {
  const known = kept.get(lake) ?? new Map<string, Kept>();
  kept.set(lake, known);
  const name = parts.map((p) => `${p.path} ${p.size} ${p.modifiedMs}`).join('\n');
  const found = known.get(folder);
  if (found?.parts === name) return copyOf(found.replay);
  const paths = parts.map((p) => p.path);
  const replay = await readCheckpoint(lake, version, paths);
  known.delete(folder);
  if (replay === undefined) return undefined;
  known.set(folder, { parts: name, replay });
  forgetOldest(known);
  return copyOf(replay);
}

/** Entries are applied to the copy. */
function copyOf(replay: Replay): Replay {
  return {
    ...replay,
    files: new Map(replay.files),
    tombstones: new Map(replay.tombstones),
    transactions: new Map(replay.transactions),
  };
}

function forgetOldest(known: Map<string, Kept>): void {
  let total = [...known.values()].reduce((sum, { replay }) => sum + replay.files.size + replay.tombstones.size, 0);
  for (const [folder, { replay }] of known) {
    if (total <= mostFiles) return;
    known.delete(folder);
    total -= replay.files.size + replay.tombstones.size;
  }
}
