import { connect } from 'node:net';
import { type SpanContext, TraceFlags } from '@opentelemetry/api';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import { redact } from '../base/secret.ts';
import { whyUnanswered } from '../base/unanswered.ts';
import type { Tracing } from './open-telemetry.ts';

/** How long the end of a run may wait for spans that were not sent yet. */
const mostCloseMs = 5_000;
/** Where the SDK sends to by default. */
const usualEndpoint = 'http://localhost:4318';
/** Spans that may wait. */
const mostWaiting = 16_384;
/** `ExportResultCode.SUCCESS` of the SDK. */
const success = 0;

/** Spans by OTLP over HTTP to where the OTEL_* variables of this process say; the SDK reads endpoint, headers, timeout, certificates, sampler, limits and resource by itself. */
export function openTracing(protocol: 'http/protobuf' | 'http/json', warn: (text: string) => void): Tracing {
  let ids = { traceId: '', spanId: '' };
  let provider: BasicTracerProvider | undefined;
  let told = false;
  const complain = (why: string): void => {
    if (told) return;
    told = true;
    warn(redact(`traces are not sent: ${why}. The run goes on without them`));
  };
  const otlp: SpanExporter = protocol === 'http/json' ? new JsonExporter() : new ProtobufExporter();
  const underway = new Set<Promise<void>>();
  const exporter: SpanExporter = {
    export(spans, done) {
      const sent = new Promise<void>((resolve) => {
        otlp.export(spans, (result) => {
          if (result.code !== success) complain(result.error?.message ?? 'the collector did not take them');
          done(result);
          resolve();
        });
      });
      underway.add(sent);
      void sent.then(() => underway.delete(sent));
    },
    // The processor does not wait for a batch that it had sent off before.
    async shutdown() {
      await Promise.all(underway);
      await otlp.shutdown();
    },
  };
  // dbt's results come all at once, and the SDK's own 2,048 are fewer than a large project's tests.
  const batch = new BatchSpanProcessor(exporter, process.env.OTEL_BSP_MAX_QUEUE_SIZE === undefined ? { maxQueueSize: mostWaiting } : {});
  const tracing: Tracing = {
    muted: false,
    next(given) {
      ids = given;
    },
    tracer({ engine, host, pid }) {
      provider ??= new BasicTracerProvider({
        idGenerator: { generateTraceId: () => ids.traceId, generateSpanId: () => ids.spanId },
        resource: defaultResource()
          .merge(
            resourceFromAttributes({
              'service.name': 'pipeline-engine',
              'service.version': engine,
              'host.name': host,
              'process.pid': pid,
            }),
          )
          .merge(detectResources({ detectors: [envDetector] })),
        spanProcessors: [
          {
            onStart: (span, context) => batch.onStart(span, context),
            onEnd: (span) => {
              if (!tracing.muted) batch.onEnd(span);
            },
            forceFlush: () => batch.forceFlush(),
            shutdown: () => batch.shutdown(),
          },
        ],
      });
      return provider.getTracer('pipeline-engine', engine);
    },
    async close() {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(() => {
          complain(`the collector did not answer within ${mostCloseMs / 1000} s`);
          resolve();
        }, mostCloseMs);
      });
      // What it rejects with has been told by the exporter.
      const done = (provider ?? batch).shutdown().catch((error: unknown) => complain(String(error)));
      const over = new AbortController();
      // The SDK asks again and again where nobody listens, too.
      const absent = whyAbsent(over.signal);
      await Promise.race([done, late, absent.then(complain)]);
      over.abort();
      clearTimeout(timer);
    },
  };
  return tracing;
}

/** Resolves with why nobody can be connected to where spans are sent; stays pending where somebody can. */
function whyAbsent(signal: AbortSignal): Promise<string> {
  const { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: ofTraces = '', OTEL_EXPORTER_OTLP_ENDPOINT: ofAll = '' } = process.env;
  const endpoint = [ofTraces, ofAll].find((text) => text.trim() !== '');
  return new Promise((resolve) => {
    const { hostname, port, protocol } = new URL(endpoint === undefined || !URL.canParse(endpoint) ? usualEndpoint : endpoint);
    const socket = connect({
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
    });
    const leave = (): void => void socket.destroy();
    signal.addEventListener('abort', leave, { once: true });
    socket.once('connect', leave);
    socket.once('error', (error) => resolve(`the collector ${whyUnanswered(new Error(error.message, { cause: error }), mostCloseMs)}`));
  });
}

/** A `traceparent` of W3C Trace Context, version 00; undefined for anything else. */
export function parseTraceparent(text: string | undefined): SpanContext | undefined {
  const [, traceId, spanId, flags] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(text ?? '') ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED, isRemote: true };
}
