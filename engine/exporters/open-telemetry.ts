import {
  type Attributes,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { hashOf } from '../base/credential.ts';
import { traceIdOf } from '../base/ulid.ts';
import type { ErrorData } from '../error.ts';
import type { DbtResult, Event, NodeResult } from '../event.ts';
import type { Exporter } from '../exporter.ts';
import type { Plan } from '../plan.ts';
import type { Places } from './places.ts';

/** Where spans go. `muted`: those that end meanwhile are not sent. */
export interface Tracing {
  /** The ids of the next span that is started. */
  next(ids: { readonly traceId: string; readonly spanId: string }): void;
  /** For a run of that engine on that machine. */
  tracer(of: { readonly engine: string; readonly host: string; readonly pid: number }): Tracer;
  muted: boolean;
  close(): Promise<void>;
}

export interface OpenTelemetryParts {
  readonly tracing: Tracing;
  readonly plan: Plan | undefined;
  readonly places: Places;
  /** The trace in which the process was started (W3C `traceparent`). */
  readonly caller: SpanContext | undefined;
}

interface OpenNode {
  readonly span: Span;
  attempt: { readonly span: Span; readonly number: number } | undefined;
}

/** The id of a span of a run: computed, so that another process can end what this one began, and a retry can point at the run that it goes on from. */
export function spanIdOf(runId: string, ...path: readonly (string | number)[]): string {
  return hashOf(JSON.stringify([runId, ...path])).slice(0, 16);
}

/** A run as one trace: a span for the run, for each node that began, for each attempt of it, and for each model and test that dbt built. The trace's id is the run's. */
export function openTelemetry({ tracing, plan, places, caller }: OpenTelemetryParts): Exporter {
  let root:
    | { readonly span: Span; readonly runId: string; readonly tracer: Tracer; readonly types: ReadonlyMap<string, string> }
    | undefined;
  const open = new Map<string, OpenNode>();

  const start = (name: string, at: string | number, parent: Span, path: readonly (string | number)[], attributes: Attributes): Span => {
    if (root === undefined) throw new Error('a span before its run');
    tracing.next({ traceId: traceIdOf(root.runId), spanId: spanIdOf(root.runId, ...path) });
    return root.tracer.startSpan(
      name,
      { startTime: new Date(at), kind: SpanKind.INTERNAL, attributes },
      trace.setSpan(ROOT_CONTEXT, parent),
    );
  };
  const startRun = (event: Event & { readonly type: 'run.started' }): void => {
    const { runId } = event;
    const tracer = tracing.tracer(event);
    tracing.next({ traceId: traceIdOf(runId), spanId: spanIdOf(runId) });
    const links = [...(caller === undefined ? [] : [{ context: caller }]), ...(event.retryOf === undefined ? [] : [linkTo(event.retryOf)])];
    const span = tracer.startSpan(
      `run ${event.pipeline}`,
      {
        startTime: new Date(event.at),
        kind: SpanKind.INTERNAL,
        root: true,
        links,
        attributes: {
          'engine.run.id': runId,
          'engine.pipeline.name': event.pipeline,
          'engine.run.mode': event.mode,
          'engine.run.trigger': event.trigger,
          'engine.run.nodes': event.nodes.length,
          ...(event.scheduledAt === undefined ? {} : { 'engine.run.scheduled_at': event.scheduledAt }),
          ...(event.retryOf === undefined ? {} : { 'engine.run.retry_of': event.retryOf }),
        },
      },
      ROOT_CONTEXT,
    );
    root = { span, runId, tracer, types: new Map(event.nodes.map((node) => [node.id, node.type])) };
  };
  const startAttempt = ({ node: id, attempt, at }: Event & { readonly type: 'node.started' }): void => {
    if (root === undefined) return;
    const type = root.types.get(id) ?? 'node';
    const node = open.get(id) ?? { span: start(id, at, root.span, [id], nodeAttributes(id, type, plan, places)), attempt: undefined };
    open.set(id, node);
    node.attempt = {
      number: attempt,
      span: start('attempt', at, node.span, [id, attempt], { 'engine.node.id': id, 'engine.attempt.number': attempt }),
    };
  };
  const endAttempt = (id: string, at: string, attributes: Attributes, error?: ErrorData): void => {
    const node = open.get(id);
    if (node?.attempt === undefined) return;
    if (error !== undefined) fail(node.attempt.span, error, at);
    node.attempt.span.setAttributes(attributes).end(new Date(at));
    node.attempt = undefined;
  };
  const endNode = (
    id: string,
    at: string,
    state: string,
    more: { readonly error?: ErrorData; readonly result?: NodeResult } = {},
  ): void => {
    const { error, result } = more;
    endAttempt(id, at, { 'engine.node.state': state }, error);
    const span = open.get(id)?.span;
    if (span === undefined) {
      // It never began: nothing to measure, and still worth a word.
      root?.span.addEvent(`node ${state}`, { 'engine.node.id': id }, new Date(at));
      return;
    }
    open.delete(id);
    if (error !== undefined) fail(span, error, undefined);
    else if (state === 'succeeded') span.setStatus({ code: SpanStatusCode.OK });
    span
      .setAttributes({
        'engine.node.state': state,
        ...(result?.rows === undefined ? {} : { 'engine.node.rows': result.rows }),
        ...(result?.bytes === undefined ? {} : { 'engine.node.bytes': result.bytes }),
      })
      .end(new Date(at));
  };
  const dbtSpan = (id: string, result: DbtResult): void => {
    const attempt = open.get(id)?.attempt;
    if (attempt === undefined || result.startedAt === undefined) return;
    const span = start(`${result.kind} ${result.name}`, result.startedAt, attempt.span, [id, attempt.number, result.uniqueId], {
      'engine.dbt.unique_id': result.uniqueId,
      'engine.dbt.kind': result.kind,
      'engine.dbt.status': result.status,
      ...(result.rows === undefined ? {} : { 'engine.dbt.rows': result.rows }),
    });
    const ended = new Date(Date.parse(result.startedAt) + result.durationMs);
    if (['error', 'fail', 'partial success'].includes(result.status))
      span.setStatus({ code: SpanStatusCode.ERROR, message: result.message ?? result.status });
    span.end(ended);
  };
  const endRun = (at: string, state: string, error?: ErrorData): void => {
    for (const id of [...open.keys()]) endNode(id, at, state);
    if (root === undefined) return;
    if (error !== undefined) fail(root.span, error, undefined);
    else if (state === 'succeeded') root.span.setStatus({ code: SpanStatusCode.OK });
    root.span.setAttribute('engine.run.state', state).end(new Date(at));
    root = undefined;
  };

  const take = (event: Event): void => {
    switch (event.type) {
      case 'run.started':
        startRun(event);
        break;
      case 'node.started':
        startAttempt(event);
        break;
      case 'node.retrying':
        endAttempt(event.node, event.at, { 'engine.node.state': 'failed', 'engine.attempt.retry_after_ms': event.delayMs }, event.error);
        break;
      case 'node.succeeded':
        endNode(event.node, event.at, 'succeeded', event);
        break;
      case 'node.failed':
        endNode(event.node, event.at, 'failed', event);
        break;
      case 'node.skipped':
        endNode(event.node, event.at, 'skipped');
        break;
      case 'node.cancelled':
        endNode(event.node, event.at, 'cancelled');
        break;
      case 'node.kept':
        endNode(event.node, event.at, 'kept');
        break;
      case 'dbt.result':
        dbtSpan(event.node, event.result);
        break;
      case 'log': {
        if (event.level !== 'warn' && event.level !== 'error') break;
        const span = (event.node === undefined ? undefined : open.get(event.node)?.attempt?.span) ?? root?.span;
        span?.addEvent(event.text.slice(0, mostText), { 'engine.log.level': event.level }, new Date(event.at));
        break;
      }
      case 'run.succeeded':
        endRun(event.at, 'succeeded');
        break;
      case 'run.failed':
        endRun(event.at, 'failed', event.error);
        break;
      case 'run.cancelled':
        endRun(event.at, 'cancelled');
        break;
      case 'run.interrupted':
        endRun(event.at, 'interrupted', { code: 'run.interrupted', trouble: 'stopped', message: event.reason, retryable: false });
        break;
    }
  };
  return {
    event: take,
    catchUp(events) {
      tracing.muted = true;
      for (const event of events) take(event);
      tracing.muted = false;
    },
    close: () => tracing.close(),
  };
}

const mostText = 1_000;

/** The run that this one goes on from; its ids are computed. */
function linkTo(runId: string): { readonly context: SpanContext } {
  return { context: { traceId: traceIdOf(runId), spanId: spanIdOf(runId), traceFlags: TraceFlags.SAMPLED } };
}

/** Error as a status, and as the exception event of the semantic conventions where `at` is given. */
function fail(span: Span, error: ErrorData, at: string | undefined): void {
  span.setStatus({ code: SpanStatusCode.ERROR, message: error.message.slice(0, mostText) });
  span.setAttribute('error.type', error.code);
  if (at === undefined) return;
  span.addEvent('exception', { 'exception.type': error.code, 'exception.message': error.message.slice(0, mostText) }, new Date(at));
}

/** By the semantic conventions for databases where there is one: the source of an extract, the sink of a load. */
function nodeAttributes(id: string, type: string, plan: Plan | undefined, places: Places): Attributes {
  const { source, sink, lake } = places.node(id);
  const at = source ?? sink;
  const table = plan?.nodes.find((node) => node.id === id)?.table;
  return {
    'engine.node.id': id,
    'engine.node.type': type,
    ...(table === undefined ? {} : { 'engine.table.name': table }),
    ...(lake === undefined ? {} : { 'engine.lake.table': lake.folder }),
    ...(at === undefined
      ? {}
      : {
          'db.system.name': 'postgresql',
          'db.namespace': at.server.database,
          'db.collection.name': `${at.schema}.${at.name}`,
          ...(at.server.port === undefined ? {} : { 'server.address': at.server.host, 'server.port': at.server.port }),
        }),
  };
}
