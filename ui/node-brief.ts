import type { GridCell, NodeBrief } from '../engine/api-pipeline.ts';
import type { NodeRun } from '../engine/run.ts';
import { countText, durationText } from './figures.ts';
import { lookOf } from './states.ts';

/** A node of a run that is followed, at a glance. */
export function briefOf({ state, startedAt, endedAt, attempts, result, progress, keptFrom }: NodeRun): NodeBrief {
  const tookMs = startedAt === undefined || endedAt === undefined ? undefined : Date.parse(endedAt) - Date.parse(startedAt);
  return { state, startedAt, tookMs, attempts: attempts.length, rows: result?.rows ?? progress?.rows, keptFrom };
}

/** All that is known of it, in words: `succeeded, 2.1 s, 41,208 rows`. */
export function briefText(brief: GridCell | undefined, absent = 'not in this run'): string {
  if (brief === undefined) return absent;
  const { state, tookMs, attempts, rows, keptFrom } = brief;
  return [
    keptFrom === undefined ? lookOf(state).word : `done in run ${keptFrom}, not again`,
    ...(tookMs === undefined ? [] : [durationText(tookMs)]),
    ...(rows === undefined ? [] : [countText(rows, 'row')]),
    ...(attempts !== undefined && attempts > 1 ? [`attempt ${attempts}`] : []),
  ].join(', ');
}
