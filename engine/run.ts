import type { JsonObject } from './base/json.ts';
import { unreachable } from './base/unreachable.ts';
import type { ErrorData } from './error.ts';
import type { DbtResult, Event, NodeResult, Progress } from './event.ts';

/** Closed sets of words for what nodes and runs are. */
export type NodeState = 'queued' | 'running' | 'retrying' | 'succeeded' | 'failed' | 'skipped' | 'cancelled' | 'interrupted';
export type RunState = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'interrupted';

/** What became of a run so far: `events.reduce(applyEvent, undefined)`. Times are those of the events. */
export interface Run {
  readonly runId: string;
  readonly pipeline: string;
  readonly mode: 'full' | 'incremental';
  readonly state: RunState;
  readonly trigger: string;
  readonly retryOf: string | undefined;
  /** The time of the schedule that it was started for. */
  readonly scheduledAt: string | undefined;
  readonly request: JsonObject;
  readonly engine: string;
  readonly host: string;
  readonly pid: number;
  readonly startedAt: string;
  readonly endedAt: string | undefined;
  /** Why it did not succeed. */
  readonly error: ErrorData | undefined;
  /** Why it was cancelled or interrupted. */
  readonly reason: string | undefined;
  /** In the plan's order. */
  readonly nodes: readonly NodeRun[];
}

/** What became of one node so far. */
export interface NodeRun {
  readonly id: string;
  readonly type: string;
  readonly table: string | undefined;
  readonly unit: string;
  readonly needs: readonly string[];
  readonly state: NodeState;
  /** 0 before the first. */
  readonly attempt: number;
  /** Those of this run, in order. */
  readonly attempts: readonly Attempt[];
  readonly startedAt: string | undefined;
  readonly endedAt: string | undefined;
  readonly progress: Progress | undefined;
  /** Of a node that failed too, when it left something behind. */
  readonly result: NodeResult | undefined;
  readonly error: ErrorData | undefined;
  /** The run in which it was done, when it was not done again in this one. */
  readonly keptFrom: string | undefined;
  /** Why it was skipped. */
  readonly because: string | undefined;
  readonly dbt: readonly DbtResult[];
}

/** One try of a node. */
export interface Attempt {
  readonly attempt: number;
  readonly startedAt: string;
  readonly endedAt: string | undefined;
  /** What it failed with. */
  readonly error: ErrorData | undefined;
  /** When the next one begins. */
  readonly retryAt: string | undefined;
}

/** A run at a glance, as a store lists it. */
export interface RunRecord {
  readonly runId: string;
  readonly pipeline: string;
  readonly mode: 'full' | 'incremental';
  readonly state: RunState;
  readonly startedAt: string;
  readonly endedAt: string | undefined;
  readonly host: string;
  readonly pid: number;
  readonly retryOf: string | undefined;
  /** Who asked; undefined for runs of an engine that did not keep it. */
  readonly trigger: string | undefined;
  /** The time of the schedule that it was started for. */
  readonly scheduledAt: string | undefined;
}

/** A run as one bar among many. */
export interface RunBrief {
  readonly runId: string;
  readonly state: RunState;
  readonly startedAt: string;
  /** Undefined while it is at work. */
  readonly tookMs: number | undefined;
}

/** What a bar shows of a run. */
export function briefRun({ runId, state, startedAt, endedAt }: RunRecord): RunBrief {
  return { runId, state, startedAt, tookMs: endedAt === undefined ? undefined : Date.parse(endedAt) - Date.parse(startedAt) };
}

/** The run after one more event. The first event is `run.started`; throws when it is another. Pure. */
export function applyEvent(run: Run | undefined, event: Event): Run {
  if (event.type === 'run.started') return startedRun(event);
  if (run === undefined) throw new Error(`run ${event.runId} begins with ${event.type}`);
  const ended = { endedAt: event.at };
  switch (event.type) {
    case 'node.started':
      return withNode(run, event.node, (n) => ({
        state: 'running',
        attempt: event.attempt,
        attempts: [
          ...n.attempts,
          { attempt: event.attempt, startedAt: event.at, endedAt: undefined, error: undefined, retryAt: undefined },
        ],
        startedAt: n.startedAt ?? event.at,
        progress: undefined,
        error: undefined,
        dbt: [],
      }));
    case 'node.progress':
      return withNode(run, event.node, () => ({ progress: event.progress }));
    case 'node.retrying':
      return withNode(run, event.node, (n) => ({
        state: 'retrying',
        error: event.error,
        attempts: endAttempt(n, event.at, event.error, new Date(Date.parse(event.at) + event.delayMs).toISOString()),
      }));
    case 'node.succeeded':
      return withNode(run, event.node, (n) => ({
        state: 'succeeded',
        result: event.result,
        error: undefined,
        attempts: endAttempt(n, event.at),
        ...ended,
      }));
    case 'node.failed':
      return withNode(run, event.node, (n) => ({
        state: 'failed',
        error: event.error,
        result: event.result,
        attempts: endAttempt(n, event.at, event.error),
        ...ended,
      }));
    case 'node.skipped':
      return withNode(run, event.node, () => ({ state: 'skipped', because: event.because, ...ended }));
    case 'node.cancelled':
      return withNode(run, event.node, (n) => ({ state: 'cancelled', attempts: endAttempt(n, event.at), ...ended }));
    case 'node.kept':
      return withNode(run, event.node, () => ({ state: 'succeeded', keptFrom: event.fromRun, ...ended }));
    case 'dbt.result':
      return withNode(run, event.node, (n) => ({ dbt: [...n.dbt, withoutSql(event.result)] }));
    // What it set out to do is asked for when it is wanted.
    case 'run.planned':
    case 'log':
      return run;
    case 'run.succeeded':
      return { ...run, state: 'succeeded', ...ended };
    case 'run.failed':
      return { ...run, state: 'failed', error: event.error, ...ended };
    case 'run.cancelled':
      return { ...run, state: 'cancelled', reason: event.reason, nodes: endOpen(run.nodes, 'cancelled', event.at), ...ended };
    case 'run.interrupted':
      return { ...run, state: 'interrupted', reason: event.reason, nodes: endOpen(run.nodes, 'interrupted', event.at), ...ended };
    default:
      return unreachable(event);
  }
}

/** The run that these events tell of; undefined for none. */
export function runOf(events: readonly Event[]): Run | undefined {
  return events.reduce<Run | undefined>(applyEvent, undefined);
}

/** An event as those get it who follow a run: without the statements of dbt, and not at all where it is a plan. Both are asked for apart. */
export function lightEvent(event: Event): Event | undefined {
  if (event.type === 'run.planned') return undefined;
  return event.type === 'dbt.result' ? { ...event, result: withoutSql(event.result) } : event;
}

/** The state that an event puts its run into; undefined for one that leaves it. */
export function stateAfter(event: Event): RunState | undefined {
  switch (event.type) {
    case 'run.started':
      return 'running';
    case 'run.succeeded':
      return 'succeeded';
    case 'run.failed':
      return 'failed';
    case 'run.cancelled':
      return 'cancelled';
    case 'run.interrupted':
      return 'interrupted';
    default:
      return undefined;
  }
}

/** Types of the events that a run ends with. */
export const runEnds = ['run.succeeded', 'run.failed', 'run.cancelled', 'run.interrupted'] as const satisfies readonly Event['type'][];

/** Whether a run ends with it. */
export function endsRun(event: Event): boolean {
  return runEnds.some((type) => type === event.type);
}

function startedRun(event: Event & { readonly type: 'run.started' }): Run {
  return {
    runId: event.runId,
    pipeline: event.pipeline,
    mode: event.mode,
    state: 'running',
    trigger: event.trigger,
    retryOf: event.retryOf,
    scheduledAt: event.scheduledAt,
    request: event.request,
    engine: event.engine,
    host: event.host,
    pid: event.pid,
    startedAt: event.at,
    endedAt: undefined,
    error: undefined,
    reason: undefined,
    nodes: event.nodes.map((node) => ({
      id: node.id,
      type: node.type,
      table: node.table,
      unit: node.unit,
      needs: node.needs,
      state: 'queued',
      attempt: 0,
      attempts: [],
      startedAt: undefined,
      endedAt: undefined,
      progress: undefined,
      result: undefined,
      error: undefined,
      keptFrom: undefined,
      because: undefined,
      dbt: [],
    })),
  };
}

/** Statements are most of a result's weight, and are asked for apart. */
function withoutSql({ compiledSql: _, ...result }: DbtResult): DbtResult {
  return result;
}

function withNode(run: Run, id: string, change: (node: NodeRun) => Partial<NodeRun>): Run {
  return { ...run, nodes: run.nodes.map((node) => (node.id === id ? { ...node, ...change(node) } : node)) };
}

function endOpen(nodes: readonly NodeRun[], state: 'cancelled' | 'interrupted', at: string): readonly NodeRun[] {
  return nodes.map((node) =>
    node.state === 'queued' || node.state === 'running' || node.state === 'retrying'
      ? { ...node, state, endedAt: at, attempts: endAttempt(node, at) }
      : node,
  );
}

/** The attempts of a node, with the one that is open ended. */
function endAttempt(node: NodeRun, at: string, error?: ErrorData, retryAt?: string): readonly Attempt[] {
  return node.attempts.map((attempt) => (attempt.endedAt === undefined ? { ...attempt, endedAt: at, error, retryAt } : attempt));
}
