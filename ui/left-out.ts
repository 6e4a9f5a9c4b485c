import type { QueueEntry } from '../engine/queue.ts';

/** What a reason begins with where nobody has to look; the rule of `engine/schedule/left-out.ts`. */
const needsNobody = ['paused ', 'a run of it was still waiting'];

/** The state of what has no run: a time that nobody ran for is missed, as in the schedule; only one that was not to run is skipped. */
export function leftOutState({ kind, state, reason }: Pick<QueueEntry, 'kind' | 'state' | 'reason'>): QueueEntry['state'] | 'missed' {
  if (kind !== 'fire' || state !== 'skipped') return state;
  return needsNobody.some((beginning) => reason?.startsWith(beginning) === true) ? 'skipped' : 'missed';
}
