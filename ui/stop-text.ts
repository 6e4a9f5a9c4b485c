import type { NodeRun } from '../engine/run.ts';

/** What becomes of a node at work when its run is cancelled, by what its type does with the signal. */
export function stopText({ type, state }: Pick<NodeRun, 'type' | 'state'>): string {
  if (state === 'retrying') return 'is not tried again.';
  if (type.endsWith('.extract')) return 'nothing of it comes into the lake, unless it commits at that moment.';
  if (type.startsWith('dbt.')) return 'the models at work are rolled back; those that are built stay.';
  return 'is rolled back, with all of its unit, unless it commits at that moment.';
}
