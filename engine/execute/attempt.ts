import { setMaxListeners } from 'node:events';
import type { Clock } from '../base/clock.ts';
import type { Json } from '../base/json.ts';
import type { NodeContext, NodeType, Roles, Unit } from '../connector.ts';
import { EngineError, type ErrorData, errorData, stoppedError } from '../error.ts';
import type { EventBody, NodeResult } from '../event.ts';
import type { PlannedNode } from '../plan.ts';
import type { RunLeases } from './leases.ts';
import { openUnit } from './unit.ts';

/** What attempts of one run share. */
export interface AttemptParts {
  readonly runId: string;
  readonly root: string;
  readonly clock: Clock;
  readonly leases: RunLeases;
  readonly nodeTypes: ReadonlyMap<string, NodeType>;
  readonly timeoutMs: number | undefined;
  /** The run's own; its reason is told to the nodes. */
  readonly signal: AbortSignal;
  connection<R extends keyof Roles>(name: string, role: R): Roles[R];
  emit(body: EventBody): void;
  /** What a node left behind when it failed before. */
  history(node: string): NodeContext['history'];
}

/** How one try of a unit ended. `started` are the nodes that began. */
export type AttemptOutcome =
  | { readonly kind: 'succeeded'; readonly results: ReadonlyMap<string, NodeResult> }
  | { readonly kind: 'stopped'; readonly started: readonly string[] }
  | {
      readonly kind: 'failed';
      readonly node: string;
      readonly error: ErrorData;
      readonly result: NodeResult | undefined;
      readonly started: readonly string[];
    };

/** A node that was told to stop has so long to clean up; then it is left behind. */
const graceMs = 10_000;

/** One try of a unit: its nodes one after the other, then the commit, or the rollback of all. Never throws. */
export async function attemptUnit(parts: AttemptParts, nodes: readonly PlannedNode[], attempt: number): Promise<AttemptOutcome> {
  const open = openUnit();
  const results = new Map<string, NodeResult>();
  const started: string[] = [];
  let node = nodes[0];
  try {
    for (node of nodes) {
      parts.signal.throwIfAborted();
      started.push(node.id);
      parts.emit({ type: 'node.started', node: node.id, attempt });
      results.set(node.id, await runNode(parts, node, attempt, open.unit));
    }
    parts.signal.throwIfAborted();
    const said = await open.commit();
    const last = nodes.at(-1);
    const result = last === undefined ? undefined : results.get(last.id);
    if (last !== undefined && result !== undefined) results.set(last.id, withSaid(result, said));
    return { kind: 'succeeded', results };
  } catch (error) {
    await open.rollback();
    if (parts.signal.aborted) return { kind: 'stopped', started };
    if (!(error instanceof EngineError) && error instanceof Error && error.stack !== undefined)
      parts.emit({ type: 'log', node: node?.id ?? '', level: 'error', text: error.stack });
    const data = errorData(error);
    return { kind: 'failed', node: node?.id ?? '', error: data, result: leftBehind(error, data), started };
  }
}

async function runNode(parts: AttemptParts, node: PlannedNode, attempt: number, unit: Unit): Promise<NodeResult> {
  const type = parts.nodeTypes.get(node.type);
  if (type === undefined) throw new EngineError('usage', 'node.unknown-type', `${node.id} is a ${node.type}, and no connector brings that`);
  const over = new AbortController();
  const timeout = new AbortController();
  const signal = AbortSignal.any([parts.signal, timeout.signal]);
  setMaxListeners(0, signal);
  const context: NodeContext = {
    clock: parts.clock,
    signal,
    connection: parts.connection,
    runId: parts.runId,
    nodeId: node.id,
    attempt,
    history: parts.history(node.id),
    root: parts.root,
    progress: (progress) => {
      if (!over.signal.aborted) parts.emit({ type: 'node.progress', node: node.id, progress });
    },
    log: (level, text, fields) => parts.emit({ type: 'log', node: node.id, level, text, ...(fields === undefined ? {} : { fields }) }),
    dbtResult: (result) => parts.emit({ type: 'dbt.result', node: node.id, result }),
    lease: (name) => parts.leases.take(name),
    unit,
  };
  const { timeoutMs } = parts;
  if (timeoutMs !== undefined)
    void parts.clock.sleep(timeoutMs, over.signal).then(
      () => timeout.abort(timedOut(node.id, timeoutMs)),
      () => undefined,
    );
  try {
    const result = await untilStopped(parts, node.id, signal, over.signal, type.run(context, node.options));
    // A node that ended well although its time was over has done its work.
    return result;
  } catch (error) {
    throw timeout.signal.aborted && !parts.signal.aborted ? timeout.signal.reason : error;
  } finally {
    over.abort();
  }
}

/** The node's own end, or the signal's reason once it was told to stop and did not within the grace. */
function untilStopped<T>(parts: AttemptParts, node: string, signal: AbortSignal, over: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      parts.clock.sleep(graceMs, over).then(
        () => {
          parts.emit({
            type: 'log',
            node,
            level: 'warn',
            text: `was told to stop and did not within ${graceMs / 1000} s; it is left behind`,
          });
          reject(signal.reason ?? stoppedError());
        },
        () => undefined,
      );
    };
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
    work.then(resolve, reject);
  });
}

function timedOut(node: string, timeoutMs: number): EngineError {
  return new EngineError('failed', 'node.timeout', `${node} took longer than ${timeoutMs / 1000} s`, {
    hint: 'Give the pipeline a longer `timeout`, or look for what holds it up (engine logs).',
    retryable: true,
  });
}

/** What the unit's commit had to say joins the facts; `summary`, `rows` and `bytes` among it replace the node's own. */
function withSaid(result: NodeResult, said: { readonly [key: string]: Json }): NodeResult {
  return {
    ...result,
    ...(typeof said.summary === 'string' ? { summary: said.summary } : {}),
    ...(typeof said.rows === 'number' ? { rows: said.rows } : {}),
    ...(typeof said.bytes === 'number' ? { bytes: said.bytes } : {}),
    facts: { ...result.facts, ...said },
  };
}

function leftBehind(error: unknown, data: ErrorData): NodeResult | undefined {
  const facts = error instanceof EngineError ? error.facts : undefined;
  return facts === undefined ? undefined : { summary: data.message, facts };
}
