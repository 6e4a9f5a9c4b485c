import { setMaxListeners } from 'node:events';
import { hostname } from 'node:os';
import { ulid } from 'ulid';
import type { Clock } from '../base/clock.ts';
import type { CommandContext } from '../command.ts';
import type { Config, PipelineConfig, RetentionConfig } from '../config.ts';
import { EngineError, exitCodeOf } from '../error.ts';
import type { EarlierRun } from '../execute/earlier.ts';
import { execute } from '../execute/executor.ts';
import { openExporters } from '../exporters/index.ts';
import type { Plan } from '../plan.ts';
import type { QueueEntry } from '../queue.ts';
import { runSummary } from '../reporters/run-view.ts';
import type { Run } from '../run.ts';
import type { Store } from '../store.ts';
import { sweepBeside } from './sweep.ts';

const askEveryMs = 1000;
const prunedAtOnce = 20;

/** Carries a plan out, shows its events and a summary, and returns the exit code. `earlier`: the run that this one goes on from; `queued`: what it was queued as. */
export async function runPlan(
  context: CommandContext,
  plan: Plan,
  trigger: string,
  earlier?: EarlierRun,
  queued?: QueueEntry,
): Promise<number> {
  const config = await context.config();
  const pipeline = config.pipelines[plan.pipeline];
  if (pipeline === undefined) throw new EngineError('usage', 'run.unknown-pipeline', `there is no pipeline ${plan.pipeline}`);
  const store = await context.store();
  return sweepBeside(context, store, () => carryOut(context, store, { config, pipeline, plan, trigger, earlier, queued }));
}

interface Given {
  readonly config: Config;
  readonly pipeline: PipelineConfig;
  readonly plan: Plan;
  readonly trigger: string;
  readonly earlier: EarlierRun | undefined;
  readonly queued: QueueEntry | undefined;
}

async function carryOut(context: CommandContext, store: Store, given: Given): Promise<number> {
  const { config, pipeline, plan, trigger, earlier, queued } = given;
  const connection = await context.roles();
  const runId = ulid(context.clock.now());
  const cancel = new AbortController();
  const over = new AbortController();
  const signal = AbortSignal.any([context.signal, cancel.signal]);
  setMaxListeners(0, signal);
  const asking = askForCancel(store, runId, context.clock, over.signal, (by) =>
    cancel.abort(new EngineError('stopped', 'run.cancel-requested', `asked to stop by ${by}`)),
  );
  const log = earlyLog();
  const exporter = await openExporters({
    env: context.env,
    clock: context.clock,
    engine: context.engine,
    warn: log.warn,
    work: {
      config,
      plan,
      connection: context.connection,
      lake: async () => connection('lake', 'lake'),
    },
  });
  let run: Run;
  try {
    run = await execute({
      runId,
      plan,
      trigger,
      earlier,
      ...(queued === undefined ? {} : { queued: { id: queued.id, scheduledAt: queued.scheduledAt } }),
      retries: pipeline.retries,
      timeoutMs: pipeline.timeoutMs,
      concurrency: pipeline.concurrency,
      nodeTypes: await context.nodeTypes(),
      connection,
      store,
      clock: context.clock,
      random: Math.random,
      signal,
      root: config.root,
      engine: context.engine,
      host: hostname(),
      pid: process.pid,
      show: (event) => context.reporter.event(event),
      note: context.reporter.note,
      opened: log.open,
      exporter,
    });
  } finally {
    over.abort();
    await asking;
  }
  // The daemon's runs leave that to the daemon.
  if (queued === undefined && config.state.type !== 'memory') await prune(context, store, config.state.retention);
  if (!context.json) context.reporter.note(runSummary(run));
  if (run.state === 'succeeded') return 0;
  if (run.state === 'cancelled') return context.signal.aborted ? exitCodeOf({ trouble: 'stopped' }) : 1;
  return exitCodeOf(run.error);
}

/** Warnings for the log of a run: those from before it has one wait for it. */
function earlyLog(): { warn(text: string): void; open(log: (level: 'warn', text: string) => void): void } {
  const waiting: string[] = [];
  let warn = (text: string): void => void waiting.push(text);
  return {
    warn: (text) => warn(text),
    open(log) {
      warn = (text) => log('warn', text);
      for (const text of waiting) warn(text);
    },
  };
}

/** Keeps the store bounded where no daemon does. What cannot be removed now is removed after another run. */
async function prune(context: CommandContext, store: Store, retention: RetentionConfig): Promise<void> {
  try {
    await store.history?.prune(retention, context.clock.now(), prunedAtOnce);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
  }
}

/** Asks the store now and then until the run is over. A store that does not answer is asked again. */
async function askForCancel(store: Store, runId: string, clock: Clock, over: AbortSignal, cancel: (by: string) => void): Promise<void> {
  const slept = (): Promise<boolean> =>
    clock.sleep(askEveryMs, over).then(
      () => true,
      () => false,
    );
  while (await slept()) {
    const by = await store.cancelRequestedBy(runId).catch(() => undefined);
    if (by !== undefined && !over.aborted) return cancel(by);
  }
}
