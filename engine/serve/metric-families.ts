import { runSecondsEdges } from '../history.ts';
import type { ProblemKind } from '../problem.ts';
import { nextDue } from '../schedule/due.ts';
import { holdOf } from '../schedule/problems.ts';
import type { MetricSources, StoreReading } from './metric-reading.ts';

/** What a family is read from. `reading` is undefined when the store cannot be read. */
export interface MetricMoment {
  readonly parts: MetricSources;
  readonly reading: StoreReading | undefined;
  readonly nowMs: number;
}

export interface MetricValue {
  readonly value: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Where it is not the family's: `_bucket`, `_sum`, `_count`. */
  readonly metricName?: string;
}

/** One metric with all its series. Names, units and types by Prometheus' conventions (prometheus.io/docs/practices/naming): base units, `_total` behind counters, times as times. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'gauge' | 'counter' | 'histogram';
  read(moment: MetricMoment): readonly MetricValue[];
}

type OfStore = (reading: StoreReading, nowMs: number) => readonly MetricValue[];

/** Every metric that is the engine's own. */
export const families: readonly MetricFamily[] = [
  {
    name: 'engine_build_info',
    help: 'The version of this daemon; always 1.',
    type: 'gauge',
    read: ({ parts }) => [{ value: 1, labels: { version: parts.engine, node_version: process.versions.node } }],
  },
  {
    name: 'engine_leader',
    help: '1 when this daemon leads: of all daemons on one store one does.',
    type: 'gauge',
    read: ({ parts }) => [{ value: parts.pulse.leads() ? 1 : 0, labels: {} }],
  },
  {
    name: 'engine_last_turn_timestamp_seconds',
    help: 'When the scheduler of this daemon looked at its work last.',
    type: 'gauge',
    read: ({ parts }) => {
      const at = parts.pulse.lastTurnMs();
      return at === undefined ? [] : [{ value: at / 1000, labels: {} }];
    },
  },
  {
    name: 'engine_store_up',
    help: '1 when the state store could be read for this scrape; without it only what the process knows is here.',
    type: 'gauge',
    read: ({ reading }) => [{ value: reading === undefined ? 0 : 1, labels: {} }],
  },
  ofStore('engine_live_runs', 'Runs at work.', 'gauge', ({ liveRuns }) => [{ value: liveRuns, labels: {} }]),
  ofStore('engine_queue_length', 'Runs that wait for their turn.', 'gauge', ({ waiting }) => [{ value: waiting.length, labels: {} }]),
  ofStore(
    'engine_queue_oldest_seconds',
    'For how long the oldest of them has been waiting; 0 when none is.',
    'gauge',
    ({ waiting }, nowMs) => [{ value: Math.max(0, ...waiting.map((entry) => nowMs - Date.parse(entry.notedAt))) / 1000, labels: {} }],
  ),
  ofStore('engine_problems', 'Problems that are open (see docs/alarms.md), by kind.', 'gauge', ({ problems }) =>
    problemKinds.map((kind) => ({ value: problems.filter((problem) => problem.kind === kind).length, labels: { kind } })),
  ),
  ofStore('engine_alarms_unsent', 'Messages about problems that could not be sent yet; they are tried again.', 'gauge', ({ unsent }) => [
    { value: unsent, labels: {} },
  ]),
  ofStore('engine_runs_total', 'Runs that ended, by pipeline and how.', 'counter', (reading) =>
    pipelinesOf(reading).flatMap(({ name: pipeline }) =>
      endStates.map((state) => ({
        value: reading.totals.runs.find((r) => r.pipeline === pipeline && r.state === state)?.runs ?? 0,
        labels: { pipeline, state },
      })),
    ),
  ),
  ofStore('engine_run_duration_seconds', 'How long runs that succeeded took.', 'histogram', ({ totals }) =>
    totals.runs.filter((r) => r.state === 'succeeded').flatMap(durations),
  ),
  ofStore('engine_pipeline_last_success_timestamp_seconds', 'When a run of the pipeline succeeded last.', 'gauge', ({ totals }) =>
    totals.runs
      .filter((r) => r.state === 'succeeded')
      .map(({ pipeline, lastEndedAt }) => ({ value: Date.parse(lastEndedAt) / 1000, labels: { pipeline } })),
  ),
  ofStore(
    'engine_pipeline_next_fire_timestamp_seconds',
    'When a schedule of the pipeline fires next; nothing while it is paused.',
    'gauge',
    (reading, nowMs) =>
      pipelinesOf(reading).flatMap(({ name: pipeline, schedules }) => {
        const next = isPaused(reading, pipeline) ? undefined : nextDue(schedules, nowMs);
        return next === undefined ? [] : [{ value: next / 1000, labels: { pipeline } }];
      }),
  ),
  ofStore('engine_pipeline_paused', '1 when no schedule of the pipeline fires.', 'gauge', (reading) =>
    pipelinesOf(reading).map(({ name: pipeline }) => ({ value: isPaused(reading, pipeline) ? 1 : 0, labels: { pipeline } })),
  ),
  ofNodes('engine_node_rows_total', 'Rows that nodes moved.', 'rows'),
  ofNodes('engine_node_bytes_total', 'Bytes that nodes moved, as they count them: an extract its Parquet files.', 'bytes'),
  ofNodes('engine_node_retries_total', 'Tries of nodes after their first one, counted when the node has ended.', 'retries'),
  ofNodes('engine_node_failures_total', 'Nodes that failed for good in their run.', 'failures'),
  ofTables(
    'engine_table_lag_seconds',
    'How far staging is behind: since when what the source committed may be missing there.',
    ({ asOf }, nowMs) => (asOf === undefined ? undefined : Math.max(0, nowMs - Date.parse(asOf)) / 1000),
  ),
  ofStore('engine_table_lag_limit_seconds', 'How far it may be: the strictest `alerts.freshness` of its pipelines.', 'gauge', (reading) =>
    [...reading.tables.keys()].flatMap((table) => {
      const limits = pipelinesOf(reading).flatMap(({ tables, alerts }) =>
        tables.includes(table) && alerts.freshnessMs !== undefined ? [alerts.freshnessMs] : [],
      );
      return limits.length === 0 ? [] : [{ value: Math.min(...limits) / 1000, labels: { table } }];
    }),
  ),
  ofTables('engine_table_last_extract_timestamp_seconds', 'When the newest extract of the table ended.', ({ extract }) =>
    secondsOf(extract?.endedAt),
  ),
  ofTables('engine_table_last_load_timestamp_seconds', 'When the newest load of the table ended.', ({ load }) => secondsOf(load?.endedAt)),
  ofTables(
    'engine_table_fence_held_seconds',
    'For how long a transaction in the source had held the fence back when the newest extract read; 0 when none did.',
    ({ extract }) => (extract === undefined ? undefined : Math.max(0, holdOf(extract)?.heldMs ?? 0) / 1000),
  ),
];

const problemKinds: readonly ProblemKind[] = ['failed', 'late', 'missed', 'held', 'stale', 'silent'];
const endStates = ['succeeded', 'failed', 'cancelled', 'interrupted'] as const;

function ofStore(name: string, help: string, type: MetricFamily['type'], read: OfStore): MetricFamily {
  return { name, help, type, read: ({ reading, nowMs }) => (reading === undefined ? [] : withNames(name, read(reading, nowMs))) };
}

/** Of a histogram, whose series have names of their own. */
function withNames(name: string, values: readonly MetricValue[]): readonly MetricValue[] {
  return values.map((value) => (value.metricName === undefined ? value : { ...value, metricName: `${name}${value.metricName}` }));
}

function ofNodes(name: string, help: string, field: 'rows' | 'bytes' | 'retries' | 'failures'): MetricFamily {
  return ofStore(name, help, 'counter', ({ totals }) =>
    totals.nodes
      .filter((node) => field === 'retries' || field === 'failures' || node.table !== undefined)
      .map((node) => ({ value: node[field], labels: { pipeline: node.pipeline, table: node.table ?? '', type: node.type } })),
  );
}

type TableReading = StoreReading['tables'] extends ReadonlyMap<string, infer T> ? T : never;

/** A table without the value has no series. */
function ofTables(name: string, help: string, read: (table: TableReading, nowMs: number) => number | undefined): MetricFamily {
  return ofStore(name, help, 'gauge', ({ tables }, nowMs) =>
    [...tables].flatMap(([table, history]) => {
      const value = read(history, nowMs);
      return value === undefined ? [] : [{ value, labels: { table } }];
    }),
  );
}

function durations({ pipeline, runs, seconds, bySeconds }: StoreReading['totals']['runs'][number]): readonly MetricValue[] {
  let below = 0;
  const buckets = runSecondsEdges.map((edge, i) => {
    below += bySeconds[i] ?? 0;
    return { metricName: '_bucket', value: below, labels: { le: String(edge), pipeline } };
  });
  return [
    ...buckets,
    { metricName: '_bucket', value: runs, labels: { le: '+Inf', pipeline } },
    { metricName: '_sum', value: seconds, labels: { pipeline } },
    { metricName: '_count', value: runs, labels: { pipeline } },
  ];
}

function pipelinesOf({ config }: StoreReading): StoreReading['config']['pipelines'][string][] {
  return Object.values(config.pipelines);
}

function isPaused({ config, paused }: StoreReading, pipeline: string): boolean {
  return paused.has(pipeline) || config.pipelines[pipeline]?.paused === true;
}

function secondsOf(at: string | undefined): number | undefined {
  return at === undefined ? undefined : Date.parse(at) / 1000;
}
