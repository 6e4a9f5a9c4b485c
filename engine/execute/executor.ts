import type { Clock } from '../base/clock.ts';
import type { Json, JsonObject } from '../base/json.ts';
import type { RetryConfig } from '../config.ts';
import type { NodeType, Roles } from '../connector.ts';
import { type ErrorData, errorData } from '../error.ts';
import type { Event, EventBody, LogLevel } from '../event.ts';
import type { Exporter } from '../exporter.ts';
import { keptPlan, type Plan, type PlannedNode } from '../plan.ts';
import { applyEvent, type Run } from '../run.ts';
import type { Store } from '../store.ts';
import { type AttemptParts, attemptUnit } from './attempt.ts';
import type { EarlierRun } from './earlier.ts';
import { createEventSink } from './event-sink.ts';
import { keptNodes } from './history.ts';
import { createRunLeases } from './leases.ts';
import { createPool } from './pool.ts';
import { retryDelay } from './retry.ts';

/** A plan and all that carrying it out needs. */
export interface Execution {
  readonly runId: string;
  readonly plan: Plan;
  /** Who asked: `cli`, `retry`, `schedule`. */
  readonly trigger: string;
  /** The run that this one goes on from: what succeeded there is kept (see `keptNodes`). */
  readonly earlier: EarlierRun | undefined;
  /** What the run was queued as; its first event takes that, or the run does not begin. */
  readonly queued?: { readonly id: number; readonly scheduledAt: string | undefined };
  readonly retries: RetryConfig;
  /** For one attempt of one node. */
  readonly timeoutMs: number | undefined;
  /** Units at work at the same time; a table has one at a time. */
  readonly concurrency: number;
  readonly nodeTypes: ReadonlyMap<string, NodeType>;
  connection<R extends keyof Roles>(name: string, role: R): Roles[R];
  readonly store: Store;
  readonly clock: Clock;
  /** In [0, 1), for the jitter of retries. */
  readonly random: () => number;
  /** Aborted: nodes end at once, and the run is cancelled with the reason's message. */
  readonly signal: AbortSignal;
  readonly root: string;
  readonly engine: string;
  readonly host: string;
  readonly pid: number;
  /** Shows an event at once. */
  show(event: Event): void;
  /** Tells a person what is no event. */
  note(text: string): void;
  /** Told how to write into the run's log, once it has begun. */
  opened?(log: (level: LogLevel, text: string) => void): void;
  /** Given the run's events once the store has its beginning: of a run that could not begin it would never be told an end. Closed when the run's end is told and kept; until then its log can be written to. */
  readonly exporter?: Exporter | undefined;
}

/**
 * Walks a plan and returns the run. A unit starts when all that its nodes need has succeeded; one that failed does not stop its siblings; what needs it is skipped.
 * Among units that are ready, the plan's order decides. Throws only when the run could not begin (the store took no first event); everything else is in the run.
 */
export async function execute(execution: Execution): Promise<Run> {
  const { clock, signal, exporter } = execution;
  let run: Run | undefined;
  /** What the exporter is not given yet; undefined: the run has begun. */
  let early: Event[] | undefined = [];
  const sink = createEventSink({
    runId: execution.runId,
    store: execution.store,
    clock,
    show: (event) => {
      run = applyEvent(run, event);
      execution.show(event);
      if (early === undefined) exporter?.event(event);
      else early.push(event);
    },
    trouble: execution.note,
  });
  const emit = sink.emit;
  emit(startedEvent(execution));
  emit({ type: 'run.planned', ...keptPlan(execution.plan) });
  execution.opened?.((level, text) => emit({ type: 'log', level, text }));
  try {
    await sink.flush();
    for (const event of early) exporter?.event(event);
    early = undefined;
    await walk(execution, emit);
    emit(endEvent(run, signal));
    if (exporter !== undefined) {
      await sink.flush().catch(() => undefined);
      await exporter.close();
    }
  } finally {
    await sink.close();
  }
  if (run === undefined) throw new Error('a run without events');
  return run;
}

async function walk(execution: Execution, emit: (body: EventBody) => void): Promise<void> {
  const { plan, signal, clock } = execution;
  const units = unitsOf(plan.nodes);
  const earlier = execution.earlier?.run;
  const kept = execution.earlier === undefined ? new Set<string>() : keptNodes(plan.nodes, execution.earlier);
  const pool = createPool(execution.concurrency);
  const facts = new Map<string, { readonly [key: string]: Json }>();
  const leases = createRunLeases(execution.store, { runId: execution.runId, host: execution.host, pid: execution.pid });
  const parts: AttemptParts = {
    ...execution,
    leases,
    emit,
    history(node) {
      const own = facts.get(node);
      if (own !== undefined) return { runId: execution.runId, facts: own };
      const before = earlier?.nodes.find((n) => n.id === node && n.state !== 'succeeded')?.result;
      return earlier === undefined || before === undefined ? undefined : { runId: earlier.runId, facts: before.facts };
    },
  };
  /** Each unit's end: the ids of its nodes are good for those that need them, or not. */
  const ends = new Map<string, Promise<boolean>>();

  const runUnit = async (unit: UnitOfNodes): Promise<boolean> => {
    if (earlier !== undefined && unit.nodes.every((n) => kept.has(n.id))) {
      for (const node of unit.nodes) emit({ type: 'node.kept', node: node.id, fromRun: keptFrom(earlier, node.id) });
      return true;
    }
    for (const need of unit.needs) {
      if (await ends.get(unitOf(units, need))) continue;
      for (const node of unit.nodes)
        emit(signal.aborted ? { type: 'node.cancelled', node: node.id } : { type: 'node.skipped', node: node.id, because: need });
      return false;
    }
    const cancelled = (): false => {
      for (const node of unit.nodes) emit({ type: 'node.cancelled', node: node.id });
      return false;
    };
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await pool.run(unit.rank, signal, () => attemptUnit(parts, unit.nodes, attempt)).catch(() => undefined);
      if (outcome === undefined || outcome.kind === 'stopped') return cancelled();
      if (outcome.kind === 'succeeded') {
        for (const [node, result] of outcome.results) emit({ type: 'node.succeeded', node, result });
        return true;
      }
      if (outcome.result !== undefined) facts.set(outcome.node, outcome.result.facts);
      const delayMs = retryDelay(execution.retries, attempt, outcome.error, execution.random());
      if (delayMs === undefined) {
        emit({
          type: 'node.failed',
          node: outcome.node,
          error: outcome.error,
          ...(outcome.result === undefined ? {} : { result: outcome.result }),
        });
        // The rest of the unit was rolled back with it, or never began.
        for (const node of unit.nodes) if (node.id !== outcome.node) emit({ type: 'node.skipped', node: node.id, because: outcome.node });
        return false;
      }
      for (const node of outcome.started) emit({ type: 'node.retrying', node, attempt, delayMs, error: outcome.error });
      const waited = await clock.sleep(delayMs, signal).then(
        () => true,
        () => false,
      );
      if (!waited) return cancelled();
    }
  };
  for (const unit of units)
    ends.set(
      unit.name,
      Promise.resolve().then(() => runUnit(unit)),
    );
  await Promise.all(ends.values());
  await leases.releaseAll((text) => emit({ type: 'log', level: 'warn', text }));
}

interface UnitOfNodes {
  readonly name: string;
  /** Its place in the plan. */
  readonly rank: number;
  readonly nodes: readonly PlannedNode[];
  /** Nodes of other units. */
  readonly needs: readonly string[];
}

function unitsOf(nodes: readonly PlannedNode[]): readonly UnitOfNodes[] {
  const names = [...new Set(nodes.map((n) => n.unit))];
  return names.map((name, rank) => {
    const members = nodes.filter((n) => n.unit === name);
    const own = new Set(members.map((n) => n.id));
    return { name, rank, nodes: members, needs: [...new Set(members.flatMap((n) => n.needs))].filter((need) => !own.has(need)) };
  });
}

function unitOf(units: readonly UnitOfNodes[], node: string): string {
  const unit = units.find((u) => u.nodes.some((n) => n.id === node));
  if (unit === undefined) throw new Error(`the plan needs ${node} and has no such node`);
  return unit.name;
}

/** A node kept over several retries was done in the first of them. */
function keptFrom(earlier: Run, node: string): string {
  return earlier.nodes.find((n) => n.id === node)?.keptFrom ?? earlier.runId;
}

function startedEvent(execution: Execution): EventBody {
  const { plan, earlier, queued } = execution;
  const request: JsonObject = plan.request;
  return {
    type: 'run.started',
    pipeline: plan.pipeline,
    mode: plan.mode,
    trigger: execution.trigger,
    ...(earlier === undefined ? {} : { retryOf: earlier.run.runId }),
    ...(queued === undefined ? {} : { queued: queued.id }),
    ...(queued?.scheduledAt === undefined ? {} : { scheduledAt: queued.scheduledAt }),
    nodes: plan.nodes.map((n) => ({
      id: n.id,
      type: n.type,
      ...(n.table === undefined ? {} : { table: n.table }),
      unit: n.unit,
      needs: n.needs,
    })),
    engine: execution.engine,
    host: execution.host,
    pid: execution.pid,
    request,
  };
}

function endEvent(run: Run | undefined, signal: AbortSignal): EventBody {
  const bad = (run?.nodes ?? []).filter((n) => n.state !== 'succeeded');
  if (bad.length === 0) return { type: 'run.succeeded' };
  if (signal.aborted) return { type: 'run.cancelled', reason: errorData(signal.reason).message };
  return { type: 'run.failed', error: runError(bad.flatMap((n) => (n.error === undefined ? [] : [{ node: n.id, error: n.error }]))) };
}

/** One error for the run: that of the only node that failed, or a count with the trouble that they share (else `failed`). */
function runError(failed: readonly { readonly node: string; readonly error: ErrorData }[]): ErrorData {
  const [first] = failed;
  if (first !== undefined && failed.length === 1) return { ...first.error, message: `${first.node}: ${first.error.message}` };
  const shared = first !== undefined && failed.every((f) => f.error.trouble === first.error.trouble) ? first.error.trouble : 'failed';
  return {
    code: 'run.nodes-failed',
    trouble: shared,
    message: `${failed.length} nodes failed: ${failed.map((f) => f.node).join(', ')}`,
    retryable: failed.some((f) => f.error.retryable),
  };
}
