import * as assert from 'uvu/assert';
import { systemClock } from '../../../engine/base/clock.ts';
import type { EventBody } from '../../../engine/event.ts';
import { type ExportersParts, openExporters } from '../../../engine/exporters/index.ts';
import { spanIdOf } from '../../../engine/exporters/open-telemetry.ts';
import { type HttpListener, listenHttp } from '../../support/listeners.ts';
import { type SpanDocument, spanFindings, spansIn } from '../../support/otlp.ts';
import { eventsOf, shopStarted } from '../../support/run-events.ts';
import { suite } from '../../support/suite.ts';

const runId = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const traceId = '01563e3ab5d3d6764c61efb99302bd5b';
const error = { code: 'postgres.gone', trouble: 'outside', message: 'the server is gone', retryable: true } as const;

/** Of a run that this process began. */
const ownWork = { config: {}, plan: { nodes: [] } } as unknown as ExportersParts['work'];

const run: readonly EventBody[] = [
  { ...shopStarted, retryOf: '01ARZ3NDEKTSV4RRFFQ69G5FAA' },
  { type: 'node.kept', node: 'extract users', fromRun: '01ARZ3NDEKTSV4RRFFQ69G5FAA' },
  { type: 'node.started', node: 'load users', attempt: 1 },
  { type: 'log', node: 'load users', level: 'info', text: 'said' },
  { type: 'log', node: 'load users', level: 'warn', text: 'waits for a lock' },
  { type: 'node.retrying', node: 'load users', attempt: 1, delayMs: 1000, error },
  { type: 'node.started', node: 'load users', attempt: 2 },
  { type: 'node.succeeded', node: 'load users', result: { summary: '', rows: 12, bytes: 34, facts: {} } },
  { type: 'node.started', node: 'dbt', attempt: 1 },
  {
    type: 'dbt.result',
    node: 'dbt',
    result: {
      uniqueId: 'model.shop.users',
      kind: 'model',
      name: 'users',
      status: 'error',
      durationMs: 250,
      startedAt: '2026-01-31T09:00:08.100Z',
      message: 'no such column',
    },
  },
  { type: 'node.failed', node: 'dbt', error: { ...error, code: 'dbt.failed', message: '1 failed in dbt' } },
  { type: 'run.failed', error: { ...error, code: 'dbt.failed', message: 'dbt: 1 failed in dbt' } },
];

suite('a run as a trace', ({ test, before, after }) => {
  let collector: HttpListener;
  before(async () => {
    collector = await listenHttp();
  });
  after(async () => {
    await collector.close();
  });

  /** The SDK reads the environment of the process, so it is given for the while. */
  const exported = async (
    bodies: readonly EventBody[],
    env: Readonly<Record<string, string>> = {},
    told = 0,
    work: ExportersParts['work'] = undefined,
  ): Promise<{ readonly spans: readonly SpanDocument[]; readonly warned: readonly string[]; readonly tookMs: number }> => {
    const given = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...env };
    Object.assign(process.env, given);
    collector.heard.length = 0;
    const warned: string[] = [];
    const began = Date.now();
    try {
      const exporter = await openExporters({
        env: process.env,
        clock: systemClock,
        engine: '0.1.0',
        warn: (text) => warned.push(text),
        work,
      });
      const events = eventsOf(runId, bodies);
      exporter?.catchUp(events.slice(0, told));
      for (const event of events.slice(told)) exporter?.event(event);
      await exporter?.close();
    } finally {
      for (const name of Object.keys(given)) delete process.env[name];
    }
    const tookMs = Date.now() - began;
    return { spans: await spansIn(collector.heard), warned, tookMs };
  };
  const named = (spans: readonly SpanDocument[], name: string): SpanDocument => {
    const found = spans.find((span) => span.name === name);
    if (found === undefined) throw new Error(`no span ${name} among ${spans.map((s) => s.name).join(', ')}`);
    return found;
  };

  for (const [protocol, type] of [
    ['http/protobuf', 'application/x-protobuf'],
    ['http/json', 'application/json'],
  ] as const)
    test(`${protocol}: run, nodes, attempts and models, each below the one that it belongs to`, async () => {
      const { spans, warned } = await exported(run, { OTEL_EXPORTER_OTLP_PROTOCOL: protocol });
      assert.equal(warned, []);
      assert.equal(
        collector.heard.map((h) => [h.method, h.path, h.headers['content-type']]),
        [['POST', '/v1/traces', type]],
      );
      assert.equal(spanFindings(spans), []);
      const names = new Map(spans.map((span) => [span.spanId, span.name]));
      const tree = spans.map((span) =>
        `${names.get(span.parentSpanId) ?? '-'} > ${span.name} ${span.attributes['engine.attempt.number'] ?? ''}`.trim(),
      );
      assert.equal(tree.sort(), [
        '- > run shop',
        'attempt > model users',
        'dbt > attempt 1',
        'load users > attempt 1',
        'load users > attempt 2',
        'run shop > dbt',
        'run shop > load users',
      ]);
      assert.ok(spans.every((span) => span.traceId === traceId));
    });

  test('times are those of the events, and of dbt', async () => {
    const { spans } = await exported(run);
    const at = (text: string): string => `${BigInt(Date.parse(text)) * 1_000_000n}`;
    const root = named(spans, 'run shop');
    assert.equal([root.startTimeUnixNano, root.endTimeUnixNano], [at('2026-01-31T09:00:00Z'), at('2026-01-31T09:00:11Z')]);
    const model = named(spans, 'model users');
    assert.equal([model.startTimeUnixNano, model.endTimeUnixNano], [at('2026-01-31T09:00:08.100Z'), at('2026-01-31T09:00:08.350Z')]);
  });

  test('errors are a status, an error type and an exception; warnings of the log are events', async () => {
    const { spans } = await exported(run);
    const first = spans.find(
      (span) => span.attributes['engine.attempt.number'] === 1 && span.attributes['engine.node.id'] === 'load users',
    );
    assert.equal(first?.status, { code: 'STATUS_CODE_ERROR', message: 'the server is gone' });
    assert.is(first?.attributes['error.type'], 'postgres.gone');
    assert.equal(
      first?.events.map((event) => [event.name, event.attributes['exception.message']]),
      [
        ['waits for a lock', undefined],
        ['exception', 'the server is gone'],
      ],
    );
    assert.is(named(spans, 'load users').status.code, 'STATUS_CODE_OK');
    assert.is(named(spans, 'load users').attributes['engine.node.rows'], 12);
    assert.equal(named(spans, 'run shop').status, { code: 'STATUS_CODE_ERROR', message: 'dbt: 1 failed in dbt' });
    assert.is(named(spans, 'model users').status.message, 'no such column');
  });

  test('the caller and the run that it goes on from are links; resource and service come from the environment', async () => {
    const caller = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };
    const env = {
      TRACEPARENT: `00-${caller.traceId}-${caller.spanId}-01`,
      OTEL_SERVICE_NAME: 'shop-pipelines',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=production',
    };
    const { spans } = await exported(run, env, 0, ownWork);
    const root = named(spans, 'run shop');
    const earlier = { traceId: '01563e3ab5d3d6764c61efb99302bd4a', spanId: spanIdOf('01ARZ3NDEKTSV4RRFFQ69G5FAA') };
    assert.equal(root.links, [caller, earlier]);
    // What started the process that sweeps did not start the run that it finds.
    assert.equal(named((await exported(run, env)).spans, 'run shop').links, [earlier]);
    assert.equal(
      ['service.name', 'service.version', 'deployment.environment.name', 'host.name', 'process.pid'].map((name) => root.resource[name]),
      ['shop-pipelines', '0.1.0', 'production', 'host-a', 4711],
    );
  });

  test('the results of a large dbt project come all at once, and all of them arrive', async () => {
    const results = Array.from({ length: 3_000 }, (_, n): EventBody => {
      const name = `t${n}`;
      const startedAt = '2026-01-31T09:00:02.000Z';
      return {
        type: 'dbt.result',
        node: 'dbt',
        result: { uniqueId: `test.shop.${name}`, kind: 'test', name, status: 'pass', durationMs: 1, startedAt },
      };
    });
    const { spans, warned } = await exported([
      shopStarted,
      { type: 'node.started', node: 'dbt', attempt: 1 },
      ...results,
      { type: 'node.succeeded', node: 'dbt', result: { summary: '', facts: {} } },
      { type: 'run.succeeded' },
    ]);
    assert.equal([spans.length, warned, spanFindings(spans)], [3_003, [], []]);
  });

  test('another process ends the trace of a killed one with the same ids, and sends what had ended no second time', async () => {
    const bodies: readonly EventBody[] = [
      shopStarted,
      { type: 'node.started', node: 'extract users', attempt: 1 },
      { type: 'node.succeeded', node: 'extract users', result: { summary: '', facts: {} } },
      { type: 'node.started', node: 'load users', attempt: 1 },
      { type: 'run.interrupted', reason: 'its process is gone' },
    ];
    const { spans } = await exported(bodies, {}, 4);
    assert.equal(spans.map((span) => span.name).sort(), ['attempt', 'load users', 'run shop']);
    assert.equal(spanFindings(spans), []);
    assert.is(named(spans, 'run shop').spanId, spanIdOf(runId));
    assert.is(named(spans, 'run shop').attributes['engine.run.state'], 'interrupted');
  });

  test('variables that turn it off, and those that ask for what this engine does not speak', async () => {
    for (const env of [{ OTEL_SDK_DISABLED: 'true' }, { OTEL_TRACES_EXPORTER: 'none' }, { OTEL_TRACES_SAMPLER: 'always_off' }]) {
      const { warned } = await exported(run, env);
      assert.equal([collector.heard.length, warned], [0, []], JSON.stringify(env));
    }
    const grpc = await exported(run, { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' });
    assert.is(collector.heard.length, 0);
    assert.match(
      grpc.warned.join('\n'),
      /^traces are not sent: OTEL_EXPORTER_OTLP_PROTOCOL is grpc, and this engine speaks http\/protobuf and http\/json/,
    );
  });

  test('a collector that is away, or refuses, is said once, without the headers', async () => {
    const gone = await listenHttp();
    await gone.close();
    const headers = { OTEL_EXPORTER_OTLP_HEADERS: 'api-key=secret-of-collector' };
    collector.answer = () => ({ status: 400, body: 'your key secret-of-collector is wrong' });
    const refused = await exported(run, headers);
    collector.answer = () => ({ status: 200 });
    assert.is(refused.warned.length, 1, refused.warned.join('\n'));
    const away = await exported(run, { ...headers, OTEL_EXPORTER_OTLP_ENDPOINT: gone.url });
    assert.is(away.warned.length, 1, away.warned.join('\n'));
    assert.ok(away.tookMs < 2_000, `nobody listens, and the end was held for ${away.tookMs} ms`);
    assert.match(away.warned.join('\n'), /the collector refused the connection/);
    for (const text of [...refused.warned, ...away.warned]) {
      assert.match(text, /^traces are not sent: .*The run goes on without them$/s);
      assert.not.match(text, /secret-of-collector/);
    }
  });

  test('a collector that hangs holds the end for five seconds, and no longer', async () => {
    collector.answer = () => 'hang';
    const { warned, tookMs } = await exported(run);
    collector.answer = () => ({ status: 200 });
    assert.ok(tookMs > 4_500 && tookMs < 7_000, `${tookMs} ms`);
    assert.match(warned.join('\n'), /did not answer within 5 s/);
  });
});
