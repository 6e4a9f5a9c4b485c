import { whoHere } from '../base/who.ts';
import type { Command, CommandContext, CommandInput } from '../command.ts';
import { EngineError } from '../error.ts';
import type { Store } from '../store.ts';
import { exportInterrupted } from './export-interrupted.ts';
import { knownRun, storeWithRuns } from './known-run.ts';
import { sweepBeside } from './sweep.ts';

const askEveryMs = 500;
const patienceMs = 60_000;

/** `engine cancel RUN`: asks a live run to stop, from any machine, and waits for its end. */
export const command: Command = {
  name: 'cancel',
  summary: 'stop a live run cleanly',
  description: 'Asks a live run to stop, wherever it runs, and waits until it has. Nothing is left half done.',
  arguments: [{ name: 'run', summary: 'id of the run, see engine runs', required: true }],
  examples: ['engine cancel 01J5ZC3W9GZ5T8W8Q4V0Y9K6XN'],
  async run(context, input) {
    const store = await storeWithRuns(context);
    return sweepBeside(context, store, () => cancel(context, store, input));
  },
};

async function cancel(context: CommandContext, store: Store, input: CommandInput): Promise<number> {
  const { runId, state } = await knownRun(store, input);
  if (!(await store.requestCancel(runId, whoHere())))
    throw new EngineError('refused', 'run.not-live', `run ${runId} is not at work: ${state}`, { hint: 'See engine runs.' });
  const until = context.clock.now() + patienceMs;
  for (;;) {
    const now = await store.run(runId);
    if (now !== undefined && now.state !== 'running') {
      context.reporter.data({ run: now }, () => `run ${runId}: ${now.state}`);
      return 0;
    }
    if (context.clock.now() > until)
      throw new EngineError('failed', 'run.not-stopped', `run ${runId} was asked to stop and has not within ${patienceMs / 1000} s`, {
        hint: `Look at engine logs ${runId}; ending its process is safe, the next run goes on from what is committed.`,
      });
    await context.clock.sleep(askEveryMs, context.signal);
    await exportInterrupted(context, store, await store.sweep(), context.reporter.note);
  }
}
