import { countText } from '../base/count.ts';
import type { Command } from '../command.ts';
import type { PipelineConfig } from '../config.ts';
import { EngineError, exitCodeOf } from '../error.ts';
import type { QueueEntry } from '../queue.ts';
import { progressText } from '../reporters/event-view.ts';
import { columns } from '../reporters/run-view.ts';
import { type Run, type RunRecord, runOf } from '../run.ts';
import { leadership } from '../schedule/daemon.ts';
import type { LeaseRecord, Store } from '../store.ts';
import { sweep } from './run-plan.ts';
import { runLine } from './runs.ts';

/** `engine status`: live runs with their nodes, leases, what waits, and the newest run of each pipeline. With `--check` exit 1 when something needs attention. */
export const command: Command = {
  name: 'status',
  summary: 'show what is going on',
  description: 'Shows live runs with their nodes, who holds which lease, what waits, and the newest run of each pipeline.',
  options: [{ flags: '--check', summary: 'exit 1 when no daemon is there for the schedules, or a pipeline could not do its work lately' }],
  examples: ['engine status', 'engine status --json', 'engine status --check --quiet || echo "look at the pipelines"'],
  async run(context, input) {
    const { pipelines } = await context.config();
    const store = await context.peekStore();
    if (store !== undefined)
      await sweep(context, store).catch((error: unknown) => {
        // Without the right to write, runs whose process is gone are shown as running.
        if (!(error instanceof EngineError)) throw error;
      });
    const live: Run[] = [];
    for (const { runId } of (await store?.runs({ states: ['running'] })) ?? []) {
      const run = runOf((await store?.events(runId)) ?? []);
      if (run !== undefined) live.push(run);
    }
    const leases = (await store?.leases()) ?? [];
    const newest = await Promise.all(
      Object.keys(pipelines).map(async (pipeline) => ({ pipeline, run: (await store?.runs({ pipeline, limit: 1 }))?.[0] })),
    );
    const waiting = (await store?.queue?.waiting()) ?? [];
    const attention = await needsAttention(Object.values(pipelines), store, leases, newest);
    context.reporter.data(
      { live, leases, waiting, pipelines: newest.map(({ pipeline, run }) => ({ pipeline, newest: run ?? null })), attention },
      () =>
        [...attentionLines(attention), ...liveLines(live), ...waitingLines(waiting), ...leaseLines(leases), ...newestLines(newest)].join(
          '\n',
        ),
    );
    return input.options.check === true && attention.length > 0 ? exitCodeOf({ trouble: 'failed' }) : 0;
  },
};

/** What an operator has to look at, worst first, a line each. */
async function needsAttention(
  pipelines: readonly PipelineConfig[],
  store: Store | undefined,
  leases: readonly LeaseRecord[],
  newest: readonly { readonly pipeline: string; readonly run: RunRecord | undefined }[],
): Promise<readonly string[]> {
  const found: string[] = [];
  const scheduled = pipelines.filter((pipeline) => pipeline.schedules.length > 0 && !pipeline.paused);
  if (scheduled.length > 0 && !leases.some((lease) => lease.name === leadership))
    found.push(`no daemon is there: ${countText(scheduled.length, 'pipeline')} with a schedule will not fire (engine daemon)`);
  for (const { pipeline, run } of newest) {
    if (run?.state === 'failed' || run?.state === 'interrupted')
      found.push(
        `${pipeline}: run ${run.runId} ${run.state === 'failed' ? 'failed' : 'was interrupted'} at ${run.endedAt ?? run.startedAt} (engine logs, engine retry)`,
      );
    const [entry] = (await store?.queue?.entries({ pipeline, limit: 1 })) ?? [];
    if (entry?.state === 'failed') found.push(`${pipeline}: a run could not begin at ${entry.notedAt}: ${entry.reason ?? ''}`);
  }
  return found;
}

function attentionLines(attention: readonly string[]): string[] {
  return attention.length === 0 ? [] : ['needs attention:', ...attention.map((line) => `  ${line}`)];
}

function waitingLines(waiting: readonly QueueEntry[]): string[] {
  return waiting.length === 0
    ? []
    : ['waits:', ...columns(waiting.map((entry) => [entry.pipeline, entry.scheduledAt ?? entry.kind, entry.reason ?? '']))];
}

function liveLines(runs: readonly Run[]): string[] {
  if (runs.length === 0) return ['at work: nothing'];
  return runs.flatMap((run) => [
    `at work: ${run.pipeline}, run ${run.runId} (pid ${run.pid} on ${run.host}) since ${run.startedAt}`,
    ...columns(run.nodes.map((n) => [n.id, n.state, n.state === 'running' && n.progress !== undefined ? progressText(n.progress) : ''])),
  ]);
}

function leaseLines(leases: readonly LeaseRecord[]): string[] {
  return leases.length === 0 ? [] : ['leases:', ...columns(leases.map((l) => [l.name, `run ${l.runId}`, `since ${l.since}`]))];
}

function newestLines(newest: readonly { readonly pipeline: string; readonly run: RunRecord | undefined }[]): string[] {
  return [
    'newest run of each pipeline:',
    ...columns(
      newest.map(({ pipeline, run }) => {
        if (run === undefined) return [pipeline, 'never run'];
        const [id = '', , ...rest] = runLine(run);
        return [pipeline, ...rest.slice(0, 3), id];
      }),
    ),
  ];
}
