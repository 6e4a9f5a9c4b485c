import type { Clock } from '../base/clock.ts';
import type { Config } from '../config.ts';
import type { History, TableHistory, Totals } from '../history.ts';
import type { Problem } from '../problem.ts';
import type { Queue, QueueEntry } from '../queue.ts';
import type { Store } from '../store.ts';
import type { Pulse } from './pulse.ts';

/** Where metrics come from. */
export interface MetricSources {
  readonly store: Pick<Store, 'runs' | 'incidents'>;
  readonly history: Pick<History, 'totals' | 'tables'>;
  readonly queue: Pick<Queue, 'waiting' | 'pauses'>;
  readonly pulse: Pulse;
  readonly engine: string;
  config(): Promise<Config>;
  problems(config: Config): Promise<readonly Problem[]>;
}

/** What was read of the store at one moment, of pipelines of the configuration only. */
export interface StoreReading {
  readonly config: Config;
  readonly totals: Totals;
  readonly tables: ReadonlyMap<string, TableHistory>;
  readonly waiting: readonly QueueEntry[];
  readonly paused: ReadonlySet<string>;
  /** Of all pipelines. */
  readonly liveRuns: number;
  readonly problems: readonly Problem[];
  /** Messages about problems that could not be sent yet. */
  readonly unsent: number;
}

/** One statement after the other: a scrape takes one session of the store's. Throws what the store throws. */
export async function readStore({
  store,
  history,
  queue,
  ...sources
}: Omit<MetricSources, 'problems'>): Promise<Omit<StoreReading, 'problems'>> {
  const config = await sources.config();
  const all = await history.totals();
  const isKnown = ({ pipeline }: { readonly pipeline: string }): boolean => Object.hasOwn(config.pipelines, pipeline);
  const totals = { runs: all.runs.filter(isKnown), nodes: all.nodes.filter(isKnown) };
  return {
    config,
    totals,
    tables: await history.tables(tableNames(config, totals)),
    waiting: await queue.waiting(),
    paused: new Set((await queue.pauses()).keys()),
    unsent: ((await store.incidents?.unsent()) ?? []).filter(({ attempts, error }) => attempts > 0 && error !== undefined).length,
    liveRuns: (await store.runs({ states: ['running'] })).length,
  };
}

/** Those that pipelines name, and those that a pattern has named in a run. */
function tableNames({ pipelines }: Config, { nodes }: Totals): readonly string[] {
  const byPattern = new Set(
    Object.values(pipelines)
      .filter((p) => p.tables.some(isPattern))
      .map((p) => p.name),
  );
  return [
    ...new Set([
      ...Object.values(pipelines).flatMap((p) => p.tables.filter((name) => !isPattern(name))),
      ...nodes.flatMap((n) => (n.table !== undefined && byPattern.has(n.pipeline) ? [n.table] : [])),
    ]),
  ].sort();
}

const isPattern = (name: string): boolean => name.includes('*');

/** Problems that were read within this are shown while they are read anew; older ones are waited for. */
const shownMs = 120_000;

/** Problems take more statements than all the rest: a scrape shows those that the scrape before it had read. Throws what the store throws, when they have to be waited for. */
export function problemReader({
  clock,
  problems,
}: Pick<MetricSources, 'problems'> & { readonly clock: Clock }): (config: Config) => Promise<readonly Problem[]> {
  let known: { readonly value: readonly Problem[]; readonly atMs: number } | undefined;
  let reading: Promise<readonly Problem[]> | undefined;
  return async (config) => {
    reading ??= problems(config)
      .then((value) => {
        known = { value, atMs: clock.now() };
        return value;
      })
      .finally(() => {
        reading = undefined;
      });
    if (known === undefined || Math.abs(clock.now() - known.atMs) > shownMs) return reading;
    // Failing again and again they get too old, and are waited for.
    reading.catch(() => undefined);
    return known.value;
  };
}
