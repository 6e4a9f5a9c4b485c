import * as assert from 'uvu/assert';
import { systemClock } from '../../../engine/base/clock.ts';
import { redact } from '../../../engine/base/secret.ts';
import { type ExportersParts, openExporters } from '../../../engine/exporters/index.ts';
import { type HttpListener, listenHttp } from '../../support/listeners.ts';
import type { LineageEvent } from '../../support/open-lineage.ts';
import { eventsOf, shopStarted } from '../../support/run-events.ts';
import { suite } from '../../support/suite.ts';

const runId = '01ARZ3NDEKTSV4RRFFQ69G5FAV';

suite('what exporters take from the environment', ({ test, before, after }) => {
  let server: HttpListener;
  before(async () => {
    server = await listenHttp();
  });
  after(async () => {
    await server.close();
  });

  /** The SDK reads the environment of the process, so it is given for the while. */
  const exported = async (given: Readonly<Record<string, string>>, work: ExportersParts['work'] = undefined): Promise<void> => {
    Object.assign(process.env, given);
    server.heard.length = 0;
    const warned: string[] = [];
    try {
      const exporter = await openExporters({
        env: process.env,
        clock: systemClock,
        engine: '0.1.0',
        warn: (text) => warned.push(text),
        work,
      });
      for (const event of eventsOf(runId, [shopStarted, { type: 'run.succeeded' }])) exporter?.event(event);
      await exporter?.close();
    } finally {
      for (const name of Object.keys(given)) delete process.env[name];
    }
    assert.equal(warned, []);
  };

  test('of the headers of traces, what lets one in is hidden, percent-encoded or not, and what names a tenant or a data set is shown', async () => {
    await exported({
      OTEL_EXPORTER_OTLP_ENDPOINT: server.url,
      OTEL_EXPORTER_OTLP_HEADERS: 'Authorization=Basic%20aW4taGVhZGVy,x-honeycomb-dataset=users,X-Scope-OrgID=shop',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'api-key=of%2ftraces; of = all',
    });
    const { authorization, 'x-honeycomb-dataset': dataset, 'api-key': key } = server.heard[0]?.headers ?? {};
    assert.equal([authorization, dataset, key], ['Basic aW4taGVhZGVy', 'users', 'of/traces']);
    for (const secret of ['Basic%20aW4taGVhZGVy', 'Basic aW4taGVhZGVy', 'aW4taGVhZGVy', 'of/traces', 'of%2ftraces', 'of%2Ftraces'])
      assert.is(redact(`said ${secret}.`), 'said ***.', secret);
    assert.is(redact('extract users of shop'), 'extract users of shop');
  });

  test('of lineage, key and password are hidden, as they are and as they are sent', async () => {
    const { host } = new URL(server.url);
    await exported({ OPENLINEAGE_URL: `http://me:of%20lineage@${host}` });
    const sent = server.heard[0]?.headers.authorization ?? '';
    assert.is(sent, `Basic ${Buffer.from('me:of lineage').toString('base64')}`);
    for (const secret of [sent, sent.slice('Basic '.length), 'of lineage']) assert.is(redact(`said ${secret}.`), 'said ***.', secret);
  });

  test('a parent belongs to the runs of the process that it started, and to no run that the process only finds', async () => {
    const parent = { namespace: 'airflow', name: 'daily.load', runId: '0190a5e0-0000-7000-8000-000000000001' };
    const env = { OPENLINEAGE_URL: server.url, OPENLINEAGE_PARENT_ID: Object.values(parent).join('/') };
    const parents = (): readonly unknown[] => server.heard.map(({ body }) => (JSON.parse(body) as LineageEvent).run.facets.parent?.run);
    await exported(env, { config: {}, plan: { nodes: [] } } as unknown as ExportersParts['work']);
    assert.equal(parents(), [{ runId: parent.runId }, { runId: parent.runId }]);
    await exported(env);
    assert.equal(parents(), [undefined, undefined]);
  });
});
