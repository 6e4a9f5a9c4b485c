import type { CommandContext, CommandInput } from '../command.ts';
import { EngineError } from '../error.ts';
import type { RunRecord } from '../run.ts';
import type { Store } from '../store.ts';

/** The run that the first argument names. None of that name: EngineError `run.unknown`, trouble `usage`. */
export async function knownRun(store: Store, input: CommandInput): Promise<RunRecord> {
  const runId = String(input.arguments[0] ?? '');
  const record = await store.run(runId);
  if (record !== undefined) return record;
  const [newest] = await store.runs({ limit: 1 });
  throw new EngineError('usage', 'run.unknown', `there is no run ${runId}`, {
    hint: newest === undefined ? 'Nothing was run yet.' : `See engine runs; the newest is ${newest.runId}.`,
  });
}

/** The store when there is one yet; else EngineError `run.none`, trouble `usage`. Creates nothing. */
export async function storeWithRuns(context: CommandContext): Promise<Store> {
  const store = await context.peekStore();
  if (store !== undefined) return store;
  throw new EngineError('usage', 'run.none', 'nothing was run yet', { hint: 'Start with engine run --pipeline P.' });
}
