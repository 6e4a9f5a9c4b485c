import type { Command, CommandContext, CommandInput } from '../command.ts';
import { EngineError } from '../error.ts';
import { earlierRun } from '../execute/earlier.ts';
import type { Store } from '../store.ts';
import { knownRun, storeWithRuns } from './known-run.ts';
import { orStopped } from './or-stopped.ts';
import { planPipeline, requestOf } from './plan-pipeline.ts';
import { runPlan } from './run-plan.ts';
import { sweepBeside } from './sweep.ts';

/** `engine retry RUN`: a new run of the same request; what succeeded in the earlier one is not done again. */
export const command: Command = {
  name: 'retry',
  summary: 'go on with a run that failed or was stopped',
  description:
    'Makes a plan of the same request again. What succeeded is kept; what failed, was skipped, cancelled or interrupted runs, dbt only with the models that failed or were skipped. When one extract of a source has to run again, all of that source do: they share one snapshot.',
  arguments: [{ name: 'run', summary: 'id of the run, see engine runs', required: true }],
  examples: ['engine retry 01J5ZC3W9GZ5T8W8Q4V0Y9K6XN'],
  async run(context, input) {
    const store = await storeWithRuns(context);
    return sweepBeside(context, store, () => retry(context, store, input));
  },
};

async function retry(context: CommandContext, store: Store, input: CommandInput): Promise<number> {
  const record = await knownRun(store, input);
  if (record.state === 'running')
    throw new EngineError('refused', 'run.live', `run ${record.runId} is still at work (pid ${record.pid} on ${record.host})`, {
      hint: `Wait for its end, or stop it with engine cancel ${record.runId}.`,
    });
  if (record.state === 'succeeded') {
    context.reporter.note(`run ${record.runId} succeeded: there is nothing to do again`);
    return 0;
  }
  const earlier = earlierRun(await store.events(record.runId));
  if (earlier === undefined) throw new EngineError('failed', 'run.no-events', `the events of run ${record.runId} are gone`);
  const plan = await orStopped(context.signal, planPipeline(context, requestOf(earlier.run)));
  return runPlan(context, plan, 'retry', earlier);
}
