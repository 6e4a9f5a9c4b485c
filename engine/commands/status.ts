import type { Command } from '../command.ts';
import { EngineError } from '../error.ts';
import { progressText } from '../reporters/event-view.ts';
import { columns } from '../reporters/run-view.ts';
import { type Run, runOf } from '../run.ts';
import type { LeaseRecord, RunRecord } from '../store.ts';
import { sweep } from './run-plan.ts';
import { runLine } from './runs.ts';

/** `engine status`: live runs with their nodes, leases, and the newest run of each pipeline. */
export const command: Command = {
  name: 'status',
  summary: 'show what is going on',
  description: 'Shows live runs with their nodes, who holds which lease, and the newest run of each pipeline.',
  examples: ['engine status', 'engine status --json'],
  async run(context) {
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
    context.reporter.data({ live, leases, pipelines: newest.map(({ pipeline, run }) => ({ pipeline, newest: run ?? null })) }, () =>
      [...liveLines(live), ...leaseLines(leases), ...newestLines(newest)].join('\n'),
    );
    return 0;
  },
};

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
