import type { Json, JsonObject } from './base/json.ts';
import type { LogLevel } from './base/log-level.ts';
import { redact, redactAll } from './base/secret.ts';
import type { ErrorData } from './error.ts';
import type { Plan } from './plan.ts';

/** Everything that happens in a run, in order. A run is `events.reduce(applyEvent)`. Times are ISO 8601 UTC with milliseconds, of the engine's clock. */
export type Event = {
  /** Rises by one within a run, from 1. */
  readonly seq: number;
  readonly at: string;
  readonly runId: string;
} & EventBody;

export type EventBody =
  | {
      readonly type: 'run.started';
      readonly pipeline: string;
      readonly mode: 'full' | 'incremental';
      /** Who asked: `cli`, `retry`, `schedule`, `resume`, `api`. */
      readonly trigger: string;
      /** What it was queued as. */
      readonly queued?: number;
      readonly scheduledAt?: string;
      /** The run that this one goes on from. */
      readonly retryOf?: string;
      readonly nodes: readonly {
        readonly id: string;
        readonly type: string;
        readonly table?: string;
        readonly unit: string;
        readonly needs: readonly string[];
      }[];
      readonly engine: string;
      readonly host: string;
      readonly pid: number;
      /** What was asked for (tables, full refresh), so that a retry can ask the same. */
      readonly request: JsonObject;
    }
  /** What the run set out to do: the second event. Too heavy to be followed: `GET /runs/:run/plan` has it. `leftOut`: what the plan had and is not kept, in words. */
  | { readonly type: 'run.planned'; readonly plan: Plan; readonly leftOut: readonly string[] }
  | { readonly type: 'node.started'; readonly node: string; readonly attempt: number }
  | { readonly type: 'node.progress'; readonly node: string; readonly progress: Progress }
  | { readonly type: 'node.retrying'; readonly node: string; readonly attempt: number; readonly delayMs: number; readonly error: ErrorData }
  | { readonly type: 'node.succeeded'; readonly node: string; readonly result: NodeResult }
  | { readonly type: 'node.failed'; readonly node: string; readonly error: ErrorData; readonly result?: NodeResult }
  | { readonly type: 'node.skipped'; readonly node: string; readonly because: string }
  | { readonly type: 'node.cancelled'; readonly node: string }
  /** Succeeded in the run that this one goes on from: not done again. */
  | { readonly type: 'node.kept'; readonly node: string; readonly fromRun: string }
  | { readonly type: 'log'; readonly node?: string; readonly level: LogLevel; readonly text: string; readonly fields?: JsonObject }
  | { readonly type: 'dbt.result'; readonly node: string; readonly result: DbtResult }
  | { readonly type: 'run.succeeded' }
  | { readonly type: 'run.failed'; readonly error: ErrorData }
  | { readonly type: 'run.cancelled'; readonly reason: string }
  | { readonly type: 'run.interrupted'; readonly reason: string };

export type { LogLevel } from './base/log-level.ts';

/** How far a node is. Counts are totals since the node's attempt began; `of` is an estimate where known. */
export interface Progress {
  readonly rows?: number;
  readonly rowsOf?: number;
  readonly bytes?: number;
  readonly files?: number;
  readonly filesOf?: number;
  /** What it is doing now, in two or three words. */
  readonly doing?: string;
}

/** What a node has to say at its end. `summary` is one line for a person; `facts` is for programs and later retries. */
export interface NodeResult {
  readonly summary: string;
  readonly rows?: number;
  readonly bytes?: number;
  readonly facts: { readonly [key: string]: Json };
}

/** What became of one model, test, seed or snapshot of dbt. */
export interface DbtResult {
  readonly uniqueId: string;
  readonly kind: string;
  readonly name: string;
  readonly status: 'success' | 'pass' | 'warn' | 'error' | 'fail' | 'skipped' | 'partial success' | 'no-op';
  readonly durationMs: number;
  /** When dbt began with it, where it says so; by the clock of its process. */
  readonly startedAt?: string;
  readonly message?: string;
  readonly rows?: number;
  /** Rows that a test found wrong. */
  readonly failures?: number;
  /** `schema.name` of what was built; a test and an ephemeral model are nothing in the warehouse. */
  readonly relation?: string;
  /** Unique ids of its parents: models, sources, seeds, snapshots. */
  readonly dependsOn?: readonly string[];
  /** `schema.name` of each relation that it reads, ephemeral parents looked through. */
  readonly reads?: readonly string[];
  /** The file in the dbt project that declares it. */
  readonly path?: string;
  /** What dbt sent to the warehouse; a long one is cut, and ends with a comment that says so. Not in a `Run`: `GET /runs/:run/dbt` has it. */
  readonly compiledSql?: string;
}

/** Of an event: what it is, and of what; words of closed sets, ids and names. */
const own: ReadonlySet<string> = new Set([
  'runId',
  'at',
  'type',
  'pipeline',
  'mode',
  'trigger',
  'scheduledAt',
  'retryOf',
  'nodes',
  'engine',
  'host',
  'request',
  'node',
  'because',
  'fromRun',
  'level',
]);

/**
 * The event with every text in it redacted. What it is of stays what it is, for that is what runs are found by, told apart and gone on with: a password may be the name of a pipeline, a table or a
 * connector as well, and hiding a name would not hide it.
 */
export function redactEvent(event: Event): Event {
  const names = Object.fromEntries(Object.entries(event).filter(([name, value]) => own.has(name) && value !== undefined));
  return { ...(redactAll(event) as object), ...names, ...namesWithin(event) } as Event;
}

/** What has names further in. */
function namesWithin(event: Event): object {
  switch (event.type) {
    case 'run.planned': {
      const { pipeline, mode, fingerprint, request, nodes } = event.plan;
      const shown = (redactAll(event.plan) ?? {}) as unknown as Plan;
      const named = nodes.map(({ id, type, table, unit, needs, plan: { action, pins } }, i) => {
        const node = shown.nodes[i];
        return { ...node, id, type, ...(table === undefined ? {} : { table }), unit, needs, plan: { ...node?.plan, action, pins } };
      });
      return { plan: { ...shown, pipeline, mode, fingerprint, request, nodes: named } };
    }
    case 'node.retrying':
    case 'node.failed':
    case 'run.failed': {
      const { code, trouble } = event.error;
      return { error: { ...(redactAll(event.error) as object), code, trouble } };
    }
    case 'dbt.result': {
      const { message, compiledSql } = event.result;
      return {
        result: {
          ...event.result,
          ...(message === undefined ? {} : { message: redact(message) }),
          ...(compiledSql === undefined ? {} : { compiledSql: redact(compiledSql) }),
        },
      };
    }
    default:
      return {};
  }
}
