import type { Command } from '../command.ts';
import { EngineError, exitCodeOf } from '../error.ts';
import type { UnsentDelivery } from '../incidents.ts';
import type { Problem } from '../problem.ts';
import type { QueueEntry } from '../queue.ts';
import { progressText } from '../reporters/event-view.ts';
import { columns } from '../reporters/run-view.ts';
import { type Run, type RunRecord, runOf } from '../run.ts';
import { readProblemFacts } from '../schedule/problem-facts.ts';
import { problemsOf } from '../schedule/problems.ts';
import type { LeaseRecord } from '../store.ts';
import { runLine } from './runs.ts';
import { sweep } from './sweep.ts';

/** `engine status`: live runs with their nodes, leases, what waits, and the newest run of each pipeline. With `--check` exit 1 when something needs attention. */
export const command: Command = {
  name: 'status',
  summary: 'show what is going on',
  description: 'Shows live runs with their nodes, who holds which lease, what waits, and the newest run of each pipeline.',
  options: [
    {
      flags: '--check',
      summary:
        'exit 1 when something needs attention: no daemon, a pipeline that failed, is late or was left out, a table that is stale, an alarm that could not be sent',
    },
  ],
  examples: ['engine status', 'engine status --json', 'engine status --check --quiet || echo "look at the pipelines"'],
  async run(context, input) {
    const config = await context.config();
    const { pipelines } = config;
    const store = await context.peekStore();
    const swept = store === undefined ? undefined : await sweep(context, store).catch(withoutRight);
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
    const attention = problemsOf(await readProblemFacts(store, config, context.clock.now()));
    const unsent = ((await store?.incidents?.unsent()) ?? []).filter(({ attempts, error }) => attempts > 0 && error !== undefined);
    context.reporter.data(
      { live, leases, waiting, pipelines: newest.map(({ pipeline, run }) => ({ pipeline, newest: run ?? null })), attention, unsent },
      () =>
        [
          ...attentionLines(attention),
          ...unsentLines(unsent),
          ...liveLines(live),
          ...waitingLines(waiting),
          ...leaseLines(leases),
          ...newestLines(newest),
        ].join('\n'),
    );
    await swept?.exported;
    return input.options.check === true && attention.length + unsent.length > 0 ? exitCodeOf({ trouble: 'failed' }) : 0;
  },
};

/** Without the right to write, runs whose process is gone are shown as running. */
function withoutRight(error: unknown): undefined {
  if (!(error instanceof EngineError)) throw error;
}

function attentionLines(attention: readonly Problem[]): string[] {
  return attention.length === 0
    ? []
    : [
        'needs attention:',
        ...attention.flatMap(({ kind, pipeline, table, text, hint }) => [`  ${kind}  ${subject(pipeline, table)}${text}`, `    ${hint}`]),
      ];
}

function unsentLines(unsent: readonly UnsentDelivery[]): string[] {
  return unsent.length === 0
    ? []
    : [
        'alarms that could not be sent yet:',
        ...columns(
          unsent.map(({ channel, event, alarm, nextAt, error }) => [
            channel,
            `${event} ${alarm.problem.key}`,
            `again after ${nextAt.slice(0, 19).replace('T', ' ')} UTC`,
            error ?? '',
          ]),
        ),
      ];
}

function subject(pipeline: string | undefined, table: string | undefined): string {
  return pipeline !== undefined ? `${pipeline}: ` : table !== undefined ? `table ${table}: ` : '';
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
