import type { CommandContext } from '../command.ts';
import { EngineError } from '../error.ts';
import { earlierRun } from '../execute/earlier.ts';
import type { Queue, QueueEntry } from '../queue.ts';
import { isOwn } from '../schedule/own-resumes.ts';
import type { Store } from '../store.ts';
import { orStopped } from './or-stopped.ts';
import { type PlanRequest, planPipeline, requestOf } from './plan-pipeline.ts';
import { runPlan } from './run-plan.ts';
import { sweepBeside } from './sweep.ts';

/** Runs what is queued under an id: a time of a schedule, a run that is gone on with, or what somebody asked for. Refused (`queue.taken`, exit 4) when it was run already. */
export async function runQueued(context: CommandContext, given: string): Promise<number> {
  const store = await context.store();
  const { queue } = store;
  const entry = /^\d{1,15}$/.test(given) ? await queue?.entry(Number(given)) : undefined;
  if (queue === undefined || entry === undefined)
    throw new EngineError('usage', 'queue.unknown', `nothing is queued under ${given}`, { hint: 'engine why PIPELINE shows what waits.' });
  if (entry.state !== 'queued')
    throw new EngineError('refused', 'queue.taken', `what is queued under ${given} is not to be run any more: ${entry.state}`, {
      hint: 'Nothing to do: see engine runs.',
    });
  if (entry.retryOf === undefined) {
    const plan = await orStopped(context.signal, planPipeline(context, { ...entry.request, pipeline: entry.pipeline } as PlanRequest));
    return runPlan(context, plan, entry.kind === 'fire' ? 'schedule' : 'api', undefined, entry);
  }
  const { retryOf } = entry;
  return sweepBeside(context, store, () => goOn(context, store, queue, { ...entry, retryOf }));
}

/** Runs what an earlier run left. */
async function goOn(
  context: CommandContext,
  store: Store,
  queue: Queue,
  entry: QueueEntry & { readonly retryOf: string },
): Promise<number> {
  const earlier = earlierRun(await store.events(entry.retryOf));
  if (earlier === undefined || earlier.run.state === 'succeeded') {
    const why = earlier === undefined ? `run ${entry.retryOf} is gone` : `run ${entry.retryOf} succeeded: there is nothing to do again`;
    await queue.end(entry.id, 'cancelled', why);
    context.reporter.note(why);
    return 0;
  }
  if (earlier.run.state === 'running')
    throw new EngineError(
      'refused',
      'run.live',
      `run ${earlier.run.runId} is still at work (pid ${earlier.run.pid} on ${earlier.run.host})`,
      {
        hint: 'It is gone on with when it has ended.',
      },
    );
  const plan = await orStopped(context.signal, planPipeline(context, requestOf(earlier.run)));
  return runPlan(context, plan, isOwn(entry.askedBy) ? 'resume' : 'api', earlier, entry);
}
