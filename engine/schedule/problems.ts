import { countText } from '../base/count.ts';
import { durationText } from '../base/duration.ts';
import type { Config, PipelineConfig } from '../config.ts';
import type { NodeRecord, TableHistory } from '../history.ts';
import type { Problem, ProblemKind } from '../problem.ts';
import type { QueueEntry } from '../queue.ts';
import type { RunRecord } from '../run.ts';
import { tookTooLong } from './late.ts';
import { isMissed, whyLeftOut } from './left-out.ts';
import { isOwn } from './own-resumes.ts';

/** What problems are told from. Lists of a pipeline are the newest first; what is not known of one is left out. */
export interface ProblemFacts {
  readonly config: Pick<Config, 'pipelines' | 'tables' | 'tableDefaults' | 'alerts'>;
  readonly nowMs: number;
  readonly runs: ReadonlyMap<string, readonly RunRecord[]>;
  /** What a run that did not succeed said, by its id. */
  readonly causes: ReadonlyMap<string, string>;
  /** Those that became one of the runs or go on with one, and the newest that were left out or could not begin. */
  readonly entries: ReadonlyMap<string, readonly QueueEntry[]>;
  /** All that wait, oldest first. */
  readonly waiting: readonly QueueEntry[];
  /** Paused by somebody, beside what is paused in the file. */
  readonly pauses: ReadonlySet<string>;
  readonly leads: boolean;
  /** When a leader last looked at a schedule. */
  readonly ledUntilMs: number | undefined;
  readonly tables: ReadonlyMap<string, TableHistory>;
  /** The tables of each pipeline, patterns answered as of its newest run. */
  readonly tablesOf: ReadonlyMap<string, readonly string[]>;
}

/** A pipeline that keeps being at work at its own times: the alarm would come and go with each of them. */
const quietAfterOverlapMs = 3_600_000;
const runsAfterOverlap = 2;

const kindsWorstFirst: readonly ProblemKind[] = ['silent', 'failed', 'stale', 'missed', 'late', 'held'];

/**
 * What needs attention, the worst first. Pure. A problem is over when its key is not among them any more; so that none comes and goes:
 *
 * - *failed* goes by the newest run that succeeded, failed or was interrupted (or could not begin), and is over with one that succeeds, not with one that is at work.
 *   A run that the daemon goes on with by itself is no problem, and no repair of an older one either; one that somebody goes on with stays a problem until that succeeds.
 * - *late* counts from when a run was put into the queue, on into its work: it is over when the run ends.
 * - *missed* is over once a run begins after that time, whoever started it; for a time that came while the pipeline was at work, once two have begun and an hour has gone by.
 * - *held* is what the newest extract found, measured by the source's clock then; how long ago that extract was does not matter.
 * - *stale* goes by what was loaded, and only that moves it.
 * - Times of paused pipelines and limits of their tables count for nothing; what failed in them stays, and what is at work in them may be late.
 */
export function problemsOf(facts: ProblemFacts): readonly Problem[] {
  const found = [
    ...silent(facts),
    ...Object.values(facts.config.pipelines).flatMap((pipeline) => [
      ...failed(facts, pipeline),
      ...late(facts, pipeline),
      ...missed(facts, pipeline),
    ]),
    ...tableProblems(facts),
  ];
  const rank = (problem: Problem): number => (problem.severity === 'error' ? 0 : 10) + kindsWorstFirst.indexOf(problem.kind);
  return found.sort((a, b) => rank(a) - rank(b) || Date.parse(a.since) - Date.parse(b.since) || (a.key < b.key ? -1 : 1));
}

function isPaused({ pauses }: ProblemFacts, pipeline: PipelineConfig): boolean {
  return pipeline.paused || pauses.has(pipeline.name);
}

function silent(facts: ProblemFacts): readonly Problem[] {
  const scheduled = Object.values(facts.config.pipelines).filter((p) => p.schedules.length > 0 && !isPaused(facts, p));
  if (facts.leads || scheduled.length === 0) return [];
  return [
    {
      key: 'silent',
      kind: 'silent',
      severity: 'error',
      since: iso(facts.ledUntilMs ?? facts.nowMs),
      text: `no daemon is there: ${countText(scheduled.length, 'pipeline')} with a schedule will not fire`,
      hint: 'Start one with engine daemon; the log of the last one says why it ended.',
    },
  ];
}

/** How a pipeline's newest tries ended. */
interface Outcome {
  readonly atMs: number;
  readonly good: boolean;
  readonly run: RunRecord | undefined;
  /** What did not succeed, and why. */
  readonly what: string;
  readonly cause: string;
}

function failed(facts: ProblemFacts, { name }: PipelineConfig): readonly Problem[] {
  const entries = facts.entries.get(name) ?? [];
  const outcomes = [
    ...(facts.runs.get(name) ?? []).flatMap((run) => outcomeOf(facts, run, entries)),
    ...entries.flatMap((entry): Outcome[] =>
      entry.state !== 'failed'
        ? []
        : [
            {
              atMs: Date.parse(entry.notedAt),
              good: false,
              run: undefined,
              what: 'a run could not begin',
              cause: `: ${entry.reason ?? 'no reason kept'}`,
            },
          ],
    ),
  ].sort((a, b) => b.atMs - a.atMs);
  const good = outcomes.findIndex((outcome) => outcome.good);
  const bad = good === -1 ? outcomes : outcomes.slice(0, good);
  const [newest] = bad;
  const first = bad.at(-1);
  if (newest === undefined || first === undefined) return [];
  const runId = newest.run?.runId;
  return [
    {
      key: `failed:${name}`,
      kind: 'failed',
      severity: 'error',
      pipeline: name,
      ...(runId === undefined ? {} : { runId }),
      since: iso(first.atMs),
      // `since` is of the first of them: that the newest is another one has to be said.
      text: `${newest.what}${bad.length > 1 ? ` at ${iso(newest.atMs)}, ${bad.length}${good === -1 ? ' or more' : ''} in a row` : ''}${newest.cause}`,
      hint:
        runId === undefined
          ? `engine why ${name} shows what was tried; engine run --pipeline ${name} tries again.`
          : `engine logs ${runId} shows what happened; engine retry ${runId} goes on from it.`,
    },
  ];
}

function outcomeOf(facts: ProblemFacts, run: RunRecord, entries: readonly QueueEntry[]): readonly Outcome[] {
  const atMs = Date.parse(run.endedAt ?? run.startedAt);
  if (run.state === 'succeeded') return [{ atMs, good: true, run, what: '', cause: '' }];
  if ((run.state !== 'failed' && run.state !== 'interrupted') || goesOnByItself(facts, run, entries)) return [];
  const cause = facts.causes.get(run.runId);
  const what = run.state === 'failed' ? 'failed' : 'was interrupted';
  return [{ atMs, good: false, run, what: `run ${run.runId} ${what}`, cause: cause === undefined ? '' : `: ${cause}` }];
}

/** The daemon itself goes on with it, so the run after it tells how it ended. What somebody asked for is a try to repair it. */
function goesOnByItself(facts: ProblemFacts, run: RunRecord, entries: readonly QueueEntry[]): boolean {
  return [...facts.waiting, ...entries].some(
    (entry) =>
      entry.kind === 'resume' &&
      entry.retryOf === run.runId &&
      isOwn(entry.askedBy) &&
      (entry.state === 'queued' || entry.state === 'started'),
  );
}

function late(facts: ProblemFacts, { name, alerts }: PipelineConfig): readonly Problem[] {
  const { lateAfterMs } = alerts;
  if (lateAfterMs === undefined) return [];
  const entries = facts.entries.get(name) ?? [];
  const works = (facts.runs.get(name) ?? [])
    .filter((run) => run.state === 'running')
    .map((run) => {
      const entry = entries.find((each) => each.runId === run.runId);
      return { fromMs: Date.parse(entry?.notedAt ?? run.startedAt), run, entry };
    });
  const waits = facts.waiting
    .filter((entry) => entry.pipeline === name)
    .map((entry) => ({ fromMs: Date.parse(entry.notedAt), run: undefined, entry }));
  const [oldest] = [...works, ...waits]
    .filter(({ fromMs }) => tookTooLong(fromMs, facts.nowMs, lateAfterMs))
    .sort((a, b) => a.fromMs - b.fromMs);
  if (oldest === undefined) return [];
  const { fromMs, run, entry } = oldest;
  const age = `${durationText(facts.nowMs - fromMs)}, longer than ${durationText(lateAfterMs)}`;
  const begun = run === undefined || run.startedAt === iso(fromMs) ? '' : `, at work since ${run.startedAt}`;
  return [
    {
      key: `late:${name}`,
      kind: 'late',
      severity: 'warning',
      pipeline: name,
      ...(run === undefined ? {} : { runId: run.runId }),
      since: iso(fromMs + lateAfterMs),
      text:
        run === undefined
          ? `${entry?.kind === 'fire' ? `the run of ${entry.scheduledAt}` : 'a run'} has waited for ${age}: ${entry?.reason ?? 'nothing has started it'}`
          : `run ${run.runId} takes ${age}${begun}`,
      hint:
        run === undefined
          ? `engine why ${name} shows who is before it.`
          : `engine status shows what it does; engine cancel ${run.runId} stops it cleanly.`,
    },
  ];
}

function missed(facts: ProblemFacts, pipeline: PipelineConfig): readonly Problem[] {
  const { name } = pipeline;
  if (isPaused(facts, pipeline)) return [];
  const entry = (facts.entries.get(name) ?? []).find(
    ({ kind, state, reason }) => kind === 'fire' && state === 'skipped' && isMissed(reason),
  );
  if (entry?.scheduledAt === undefined) return [];
  const atMs = Date.parse(entry.scheduledAt);
  const begun = (facts.runs.get(name) ?? []).filter((run) => Date.parse(run.startedAt) > atMs).length;
  const overlap = whyLeftOut(entry.reason) === 'at-work';
  const over = overlap
    ? begun >= runsAfterOverlap && facts.nowMs - atMs >= quietAfterOverlapMs
    : begun > 0 || facts.waiting.some((other) => other.pipeline === name);
  if (over) return [];
  return [
    {
      key: `missed:${name}`,
      kind: 'missed',
      severity: 'warning',
      pipeline: name,
      since: entry.scheduledAt,
      text: `nothing ran for the time ${entry.scheduledAt}: ${entry.reason ?? 'no reason kept'}`,
      hint: overlap
        ? `It is told for an hour, and until two more runs have begun. If it happens often: fewer times, or \`overlap: queue\`. engine why ${name} shows what was left out.`
        : `engine run --pipeline ${name} makes up for it; engine why ${name} shows what was left out.`,
    },
  ];
}

/** One table and what its pipelines allow it. */
function tableProblems(facts: ProblemFacts): readonly Problem[] {
  const problems: Problem[] = [];
  for (const history of facts.tables.values()) {
    const pipelines = Object.values(facts.config.pipelines).filter(
      (p) => !isPaused(facts, p) && facts.tablesOf.get(p.name)?.includes(history.table) === true,
    );
    problems.push(...held(facts, history, pipelines), ...stale(facts, history, pipelines));
  }
  return problems;
}

function held({ config }: ProblemFacts, { table, extract }: TableHistory, pipelines: readonly PipelineConfig[]): readonly Problem[] {
  const hold = extract === undefined ? undefined : holdOf(extract);
  if (extract === undefined || hold === undefined) return [];
  const { heldBy, fromMs, heldMs } = hold;
  const maxHoldMs = (config.tables[table] ?? config.tableDefaults).maxHoldMs;
  const limitMs = strictest(
    pipelines.filter((p) => p.mode === 'incremental').map(({ alerts: { heldForMs } }) => (heldForMs === 'maxHold' ? maxHoldMs : heldForMs)),
  );
  if (limitMs === undefined || heldMs <= limitMs) return [];
  return [
    {
      key: `held:${table}`,
      kind: 'held',
      severity: 'warning',
      table,
      runId: extract.runId,
      since: iso(fromMs + limitMs),
      text: `the fence is held back for longer than ${durationText(limitMs)} by ${heldBy}`,
      hint: `No row is missing: what is committed is there, and the rows of that transaction come once it commits. Until then each run reads again from where the fence stands. ${wayOut(heldBy)}`,
    },
  ];
}

/** How whoever holds a fence back is ended on the source, from how `heldBy` begins. */
function wayOut(heldBy: string): string {
  const pid = /^pid (\d+)/.exec(heldBy)?.[1];
  return pid === undefined
    ? 'It is ended on the source by COMMIT PREPARED or ROLLBACK PREPARED.'
    : `Ask its owner, or end it on the source: SELECT pg_terminate_backend(${pid}).`;
}

/** Who held the fence of an extract back, since when, and for how long when it read, by the clock of the source; undefined: nobody did. */
export function holdOf(extract: NodeRecord): { readonly heldBy: string; readonly fromMs: number; readonly heldMs: number } | undefined {
  const heldBy = textFact(extract, 'heldBy');
  const readAt = textFact(extract, 'extractedAt');
  // Who holds it says it best: a fence may be old only because the extract before was.
  const from = textFact(extract, 'heldSince') ?? textFact(extract, 'fence');
  if (heldBy === undefined || readAt === undefined || from === undefined) return undefined;
  const fromMs = Date.parse(from);
  return { heldBy, fromMs, heldMs: Date.parse(readAt) - fromMs };
}

function stale(
  { nowMs }: ProblemFacts,
  { table, extract, load, asOf }: TableHistory,
  pipelines: readonly PipelineConfig[],
): readonly Problem[] {
  const limitMs = strictest(pipelines.map(({ alerts }) => alerts.freshnessMs));
  if (limitMs === undefined || asOf === undefined) return [];
  const ageMs = nowMs - Date.parse(asOf);
  if (ageMs <= limitMs) return [];
  const unloaded = extract?.endedAt !== undefined && load?.endedAt !== undefined && extract.endedAt > load.endedAt;
  return [
    {
      key: `stale:${table}`,
      kind: 'stale',
      severity: 'error',
      table,
      ...(load === undefined ? {} : { runId: load.runId }),
      since: iso(Date.parse(asOf) + limitMs),
      text: `staging is as of ${asOf}, ${durationText(ageMs)} ago, longer than ${durationText(limitMs)}${unloaded ? '; what was extracted since is not loaded' : ''}`,
      hint: `${pipelines.map((p) => `engine why ${p.name}`).join(', ')} shows what keeps it from running.`,
    },
  ];
}

function textFact(node: NodeRecord | undefined, name: string): string | undefined {
  const value = node?.facts[name];
  return typeof value === 'string' ? value : undefined;
}

function strictest(limits: readonly (number | undefined)[]): number | undefined {
  const known = limits.filter((limit) => limit !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
