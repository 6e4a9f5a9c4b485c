import type { Command } from '../command.ts';
import { EngineError } from '../error.ts';
import type { QueueEntry } from '../queue.ts';
import { progressText } from '../reporters/event-view.ts';
import { runOf } from '../run.ts';
import { heldFences } from '../schedule/held-fences.ts';
import { leadership } from '../schedule/leadership.ts';
import { nextFires } from '../schedule/next.ts';

const recentShown = 5;

/** `engine why PIPELINE`: what it does or waits for, since when, and who holds it. Changes nothing. */
export const command: Command = {
  name: 'why',
  summary: 'show what a pipeline waits for',
  description: 'Shows whether a pipeline is at work, what waits and why, when it fires next, and what was left out lately.',
  arguments: [{ name: 'pipeline', summary: 'its name in pipelines.yaml', required: true }],
  examples: ['engine why incremental_users', 'engine why incremental_users --json'],
  async run(context, input) {
    const config = await context.config();
    const { pipelines } = config;
    const [given] = input.arguments;
    const pipeline = typeof given === 'string' && Object.hasOwn(pipelines, given) ? pipelines[given] : undefined;
    if (pipeline === undefined)
      throw new EngineError('usage', 'run.unknown-pipeline', `there is no pipeline ${String(given)}`, {
        hint: `There are: ${Object.keys(pipelines).join(', ')}.`,
      });
    const store = await context.peekStore();
    const leader = (await store?.leases())?.find((lease) => lease.name === leadership);
    const paused = (await store?.queue?.pauses())?.get(pipeline.name);
    const entries = (await store?.queue?.entries({ pipeline: pipeline.name, limit: 50 })) ?? [];
    const waiting = entries.filter((entry) => entry.state === 'queued').reverse();
    const recent = entries.filter((entry) => entry.state !== 'queued' && entry.state !== 'started').slice(0, recentShown);
    const live = (await store?.runs({ pipeline: pipeline.name, states: ['running'] }))?.[0];
    const run = live === undefined ? undefined : runOf((await store?.events(live.runId)) ?? []);
    const fences = store === undefined ? [] : await heldFences(store, config, pipeline.name);
    const fires = await Promise.all(pipeline.schedules.map((schedule) => nextFires(schedule, context.clock.now(), 1)));
    const next = fires.flat().sort((a, b) => Date.parse(a) - Date.parse(b))[0];
    const lines = (): string =>
      [
        leader === undefined
          ? 'no daemon is there: nothing fires by itself (engine daemon)'
          : `the daemon that leads: pid ${leader.pid} on ${leader.host}, since ${leader.since}`,
        ...(paused === undefined ? [] : [`paused by ${paused.by} since ${paused.at}`]),
        ...(pipeline.paused ? ['paused in pipelines.yaml'] : []),
        ...(run === undefined
          ? ['not at work']
          : [
              `at work: run ${run.runId} (pid ${run.pid} on ${run.host}) since ${run.startedAt}`,
              ...run.nodes
                .filter((n) => n.state === 'running' || n.state === 'retrying')
                .map(
                  (n) =>
                    `  ${n.id}: ${n.state}${n.progress === undefined ? '' : `, ${progressText(n.progress)}`}${n.error === undefined ? '' : `, ${n.error.message}`}`,
                ),
            ]),
        ...waiting.map((entry) => `waits: ${what(entry)}, since ${entry.notedAt}: ${entry.reason ?? 'its turn comes within a second'}`),
        ...fences.flatMap(({ table, heldBy, seenAt, hint }) => [
          `held back: the fence of ${table}, by ${heldBy} (seen at ${seenAt})`,
          `  no row is lost, each run reads more again. ${hint}`,
        ]),
        next === undefined ? 'it has no schedule' : `fires next: ${next}`,
        ...recent.map((entry) => `${entry.state}: ${what(entry)}: ${entry.reason ?? 'no reason kept'}`),
      ].join('\n');
    context.reporter.data(
      {
        pipeline: pipeline.name,
        leader: leader ?? null,
        paused: paused ?? null,
        live: live ?? null,
        waiting,
        fences,
        next: next ?? null,
        recent,
      },
      lines,
    );
    return 0;
  },
};

function what(entry: QueueEntry): string {
  if (entry.kind === 'fire') return `the time ${entry.scheduledAt}`;
  return entry.kind === 'resume' ? `going on from run ${entry.retryOf}` : `a run that ${entry.askedBy} asked for`;
}
