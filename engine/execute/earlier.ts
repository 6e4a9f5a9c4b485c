import type { Event } from '../event.ts';
import type { Plan } from '../plan.ts';
import { type Run, runOf } from '../run.ts';

/** What a run goes on from. */
export interface EarlierRun {
  readonly run: Run;
  /** What it had set out to do; undefined where it was run by an engine that did not keep that. */
  readonly plan: Plan | undefined;
}

/** The run that these events tell of, to go on from; undefined for none. */
export function earlierRun(events: readonly Event[]): EarlierRun | undefined {
  const run = runOf(events);
  if (run === undefined) return undefined;
  const planned = events.find((event) => event.type === 'run.planned');
  return { run, plan: planned?.type === 'run.planned' ? planned.plan : undefined };
}
