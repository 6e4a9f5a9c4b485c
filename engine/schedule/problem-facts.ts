import type { Event } from '../event.ts';
import type { History, PipelineHistory, TableHistory } from '../history.ts';
import type { QueueEntry } from '../queue.ts';
import type { RunRecord } from '../run.ts';
import type { Store } from '../store.ts';
import { leadership } from './leadership.ts';
import type { ProblemFacts } from './problems.ts';
import { tablesOf } from './startable.ts';

/** What somebody has read already, and nobody needs to read again: of each pipeline its newest runs, ten or more, and every table's history. */
export interface KnownHistories {
  readonly pipelines: ReadonlyMap<string, Pick<PipelineHistory, 'runs'>>;
  readonly tables: ReadonlyMap<string, TableHistory>;
}

/** So many of the newest runs of each pipeline are looked at. */
const newest = 10;

/** Reads from the store what problems are told from; a handful of statements, however many pipelines. Without a store nothing has ever run. Changes nothing. */
export async function readProblemFacts(
  store: Store | undefined,
  config: ProblemFacts['config'],
  nowMs: number,
  known?: KnownHistories,
): Promise<ProblemFacts> {
  const { queue, history } = store ?? {};
  const names = Object.keys(config.pipelines);
  const runs = known === undefined ? await newestRuns(store, names, nowMs) : runsOf(known.pipelines);
  const tables = new Map(
    await Promise.all(
      names.map(
        async (name): Promise<[string, readonly string[]]> => [
          name,
          tablesOf(config, name) ?? (await tablesOfRun(history, runs.get(name)?.[0])),
        ],
      ),
    ),
  );
  const marks = (await queue?.marks()) ?? new Map();
  const ledUntil = [...marks.values()].map((mark) => mark.seenUntilMs);
  return {
    config,
    nowMs,
    runs,
    causes: await causesOf(store, runs),
    entries: entriesByPipeline((await queue?.concerning(names, runIdsToAsk(runs))) ?? []),
    waiting: (await queue?.waiting()) ?? [],
    pauses: new Set((await queue?.pauses())?.keys()),
    leads: (await store?.leases())?.some((lease) => lease.name === leadership) === true,
    ledUntilMs: ledUntil.length === 0 ? undefined : Math.max(...ledUntil),
    tables: known?.tables ?? (await history?.tables([...new Set([...tables.values()].flat())])) ?? new Map(),
    tablesOf: tables,
  };
}

/** Those whose entries matter: at work, or ended badly. */
function runIdsToAsk(runs: ProblemFacts['runs']): readonly string[] {
  return [...runs.values()].flat().flatMap(({ runId, state }) => (state === 'succeeded' || state === 'cancelled' ? [] : [runId]));
}

function entriesByPipeline(entries: readonly QueueEntry[]): ProblemFacts['entries'] {
  const found = new Map<string, QueueEntry[]>();
  for (const entry of entries) {
    const of = found.get(entry.pipeline);
    if (of === undefined) found.set(entry.pipeline, [entry]);
    else of.push(entry);
  }
  return found;
}

function runsOf(histories: KnownHistories['pipelines']): ProblemFacts['runs'] {
  return new Map([...histories].map(([name, { runs }]) => [name, runs.slice(0, newest)]));
}

async function newestRuns(store: Store | undefined, names: readonly string[], nowMs: number): Promise<ProblemFacts['runs']> {
  if (store?.history !== undefined) {
    return runsOf(await store.history.pipelines(names, { runs: newest, sinceMs: nowMs }));
  }
  return new Map(
    await Promise.all(
      names.map(
        async (pipeline): Promise<[string, readonly RunRecord[]]> => [pipeline, (await store?.runs({ pipeline, limit: newest })) ?? []],
      ),
    ),
  );
}

/** Which tables a pattern names only the source's catalog knows; what it named last is in the newest run. */
export async function tablesOfRun(history: History | undefined, run: RunRecord | undefined): Promise<readonly string[]> {
  if (history === undefined || run === undefined) return [];
  const [started] = await history.events({ runId: run.runId, types: ['run.started'], limit: 1 });
  return started?.type === 'run.started' ? [...new Set(started.nodes.flatMap((node) => node.table ?? []))] : [];
}

/** Why the newest run of each pipeline that did not succeed did not. */
async function causesOf(store: Store | undefined, runs: ProblemFacts['runs']): Promise<ReadonlyMap<string, string>> {
  const causes = new Map<string, string>();
  for (const of of runs.values()) {
    const ended = of.find(({ state }) => state === 'succeeded' || state === 'failed' || state === 'interrupted');
    if (store === undefined || ended === undefined || ended.state === 'succeeded') continue;
    const { runId } = ended;
    const events =
      (await store.history?.events({ runId, types: ['run.failed', 'run.interrupted'], limit: 2 })) ?? (await store.events(runId));
    const cause = events.map(causeIn).find((text) => text !== undefined);
    if (cause !== undefined) causes.set(runId, cause);
  }
  return causes;
}

function causeIn(event: Event): string | undefined {
  if (event.type === 'run.failed') return event.error.message;
  return event.type === 'run.interrupted' ? event.reason : undefined;
}
