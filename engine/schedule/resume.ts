import type { Clock } from '../base/clock.ts';
import type { Config } from '../config.ts';
import type { Queue } from '../queue.ts';
import type { Store } from '../store.ts';
import { ownResumes } from './own-resumes.ts';
import type { Tell } from './tell.ts';

export interface ResumeParts {
  readonly store: Store;
  readonly queue: Queue;
  readonly clock: Clock;
  readonly tell: Tell;
  /** Told of runs that were found without their process; must not throw, and is not waited for. */
  interrupted?(runIds: readonly string[]): void;
}

/** A run that was interrupted longer ago is left to whoever looks at it. */
const resumedWithinMs = 86_400_000;
/** A run is gone on with so often in a row before somebody has to look at it. */
const mostResumes = 3;

/** Has runs of daemons whose process died gone on with, unless that happened too often in a row; those are added to `givenUp`. */
export async function resumeInterrupted(
  { store, queue, clock, tell, interrupted }: ResumeParts,
  config: Config,
  givenUp: Set<string>,
): Promise<void> {
  const found = await store.sweep();
  for (const runId of found) tell('warn', `run ${runId} was interrupted: its process is gone`, { runId });
  if (found.length > 0) interrupted?.(found);
  // Others sweep as well (each run that begins does), and this daemon may die just after it did: what the store says counts, not who found it.
  for (const { runId, pipeline } of await queue.abandoned(clock.now() - resumedWithinMs)) {
    if (config.pipelines[pipeline]?.resume !== true || givenUp.has(runId)) continue;
    if ((await resumesBefore(store, runId)) >= mostResumes) {
      givenUp.add(runId);
      tell('error', `run ${runId} is not gone on with: it was interrupted ${mostResumes + 1} times in a row`, { pipeline, runId });
      continue;
    }
    await queue.add({ pipeline, kind: 'resume', retryOf: runId, request: {}, askedBy: ownResumes.died });
  }
}

/** How many runs in a row, ending with this one, went on from another. */
export async function resumesBefore(store: Store, runId: string): Promise<number> {
  let count = 0;
  for (let run = await store.run(runId); run?.retryOf !== undefined; run = await store.run(run.retryOf)) count += 1;
  return count;
}
