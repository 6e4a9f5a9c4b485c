import * as assert from 'uvu/assert';
import type { RunPage, RunsPage } from '../../engine/api.ts';
import { traceIdOf, uuidOf } from '../../engine/base/ulid.ts';
import { askAt } from '../engine/serve/stage.ts';
import { type Heard, type HttpListener, listenHttp } from '../support/listeners.ts';
import { columnsIn, type LineageEvent, lineageFindings, lineageFindingsOfClient } from '../support/open-lineage.ts';
import { spanFindings, spansIn } from '../support/otlp.ts';
import { pageOf } from '../support/page-of.ts';
import { freshDatabase, type TestDatabase } from '../support/postgres.ts';
import { createRig, type JsonDocument, type Outcome, type Rig } from '../support/rig.ts';
import { suite } from '../support/suite.ts';
import { waitUntil } from '../support/wait.ts';

suite('traces and lineage of real runs', ({ test, before, after }) => {
  let source: TestDatabase;
  let warehouse: TestDatabase;
  let collector: HttpListener;
  let lineage: HttpListener;
  let rig: Rig;
  /** What was heard of one run with dbt. */
  let whole: {
    readonly runId: string;
    readonly events: readonly LineageEvent[];
    readonly collected: readonly Heard[];
    readonly told: readonly Heard[];
  };

  before(async () => {
    source = await freshDatabase('telemetry');
    warehouse = await freshDatabase('telemetry_dw');
    collector = await listenHttp();
    lineage = await listenHttp();
    rig = await createRig();
    Object.assign(rig.env, { SOURCE_URL: source.url, WAREHOUSE_URL: warehouse.url });
    assert.is((await rig.engine('init', '.')).code, 0);
    rig.write('pipelines.yaml', `${rig.read('pipelines.yaml').trimEnd()}\n  plain_users: { mode: full, tables: [users] }\n`);
    assert.is((await rig.engine('generate', 'initial', '--users', '50', '--transactions', '100', '--seed', '3')).code, 0);
    Object.assign(rig.env, {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: 'api-key=secret-of-collector',
      OPENLINEAGE_URL: lineage.url,
      OPENLINEAGE_NAMESPACE: 'shop',
      OPENLINEAGE_API_KEY: 'secret-of-lineage',
    });
    // So that there is staging to be held.
    assert.is((await run('run', '--pipeline', 'plain_users')).code, 0);
    const { code, documents, stdout, stderr } = await run('run', '--pipeline', 'batch_transactions_full_update');
    assert.is(code, 0, `${stdout}\n${stderr}`);
    whole = { runId: String(documents[0]?.runId), events: events(), collected: [...collector.heard], told: [...lineage.heard] };
  });
  after(async () => {
    await rig.cleanup();
    await collector.close();
    await lineage.close();
    await source.drop();
    await warehouse.drop();
  });

  const run = async (...args: readonly string[]): Promise<Outcome & { readonly documents: readonly JsonDocument[] }> => {
    collector.heard.length = 0;
    lineage.heard.length = 0;
    return rig.json(...args);
  };
  const events = (): readonly LineageEvent[] => lineage.heard.map(({ body }) => JSON.parse(body) as LineageEvent);
  const endsOf = (told: readonly LineageEvent[]): readonly string[] =>
    told.filter((event) => event.eventType !== 'START').map((event) => `${event.eventType} ${event.job.name}`);
  const ends = (): readonly string[] => endsOf(events());

  test('a collector and an endpoint receive what their specifications accept', async () => {
    const { runId, events } = whole;
    const spans = await spansIn(whole.collected);
    assert.equal(spanFindings(spans), []);
    assert.equal(lineageFindings(events), []);
    assert.equal(await lineageFindingsOfClient(events), []);

    assert.ok(spans.every((span) => span.traceId === traceIdOf(runId)));
    const names = spans.map((span) => span.name);
    for (const name of ['run batch_transactions_full_update', 'extract transactions', 'load transactions', 'dbt', 'model transactions'])
      assert.ok(names.includes(name), `${name} among ${names.join(', ')}`);
    const load = spans.find((span) => span.name === 'load transactions')?.attributes;
    assert.equal(
      [load?.['db.system.name'], load?.['db.collection.name'], load?.['engine.node.rows']],
      ['postgresql', 'staging.transactions', 100],
    );

    assert.is(events[0]?.run.runId, uuidOf(runId));
    assert.equal([...endsOf(events)].sort(), [
      'COMPLETE batch_transactions_full_update',
      'COMPLETE batch_transactions_full_update.dbt',
      'COMPLETE batch_transactions_full_update.dbt.model.warehouse.transactions',
      'COMPLETE batch_transactions_full_update.extract transactions',
      'COMPLETE batch_transactions_full_update.load transactions',
      'COMPLETE batch_transactions_full_update.truncate transactions',
    ]);
    assert.equal(
      [whole.collected[0]?.headers['api-key'], whole.told[0]?.headers.authorization, whole.told[0]?.path],
      ['secret-of-collector', 'Bearer secret-of-lineage', '/api/v1/lineage'],
    );
  });

  test('columns have the names and types that the source, the lake and staging give them, and those that are not taken are in no event', async () => {
    const complete = (name: string): LineageEvent | undefined =>
      whole.events.find((event) => event.eventType === 'COMPLETE' && event.job.name.endsWith(name));
    const columns = (side: 'inputs' | 'outputs', name: string): readonly string[] =>
      columnsIn(complete(name)?.[side][0]).map((column) => `${column.name} ${column.type}`);
    const asked = async (database: TestDatabase, schema: string): Promise<readonly string[]> => {
      const client = await database.client();
      const { rows } = await client.query<{ column: string }>(
        `SELECT attname || ' ' || format_type(atttypid, atttypmod) AS column FROM pg_attribute
         WHERE attrelid = ($1 || '.transactions')::regclass AND attnum > 0 AND NOT attisdropped AND attname <> 'card_token' ORDER BY attnum`,
        [schema],
      );
      await client.end();
      return rows.map((row) => row.column);
    };
    assert.equal(columns('inputs', '.extract transactions'), await asked(source, 'public'));
    assert.equal(columns('outputs', '.load transactions'), await asked(warehouse, 'staging'));
    assert.equal(columns('outputs', '.extract transactions'), columns('inputs', '.load transactions'));
    assert.ok(columns('outputs', '.extract transactions').includes('amount decimal(12,2)'));
    const { host, port } = new URL(source.url.replace('postgres:', 'http:'));
    assert.ok(host.endsWith(port) && complete('.extract transactions')?.inputs[0]?.namespace === `postgres://${host}`);
    const { password } = new URL(source.url);
    assert.ok(password.length >= 3);
    for (const { bytes } of [...whole.told, ...whole.collected]) assert.not.ok(bytes.includes(password), 'the password of the source');
    // The project's list of columns is in no text of an event, so neither is what it leaves out.
    assert.not.ok(whole.told.some(({ body }) => body.includes('card_token')));
  });

  test('endpoints that are away, or answer 500, are said in the log of a run that succeeds', async () => {
    lineage.answer = () => ({ status: 500, body: 'secret-of-lineage' });
    collector.answer = () => ({ status: 401, body: 'secret-of-collector' });
    const done = await run('run', '--pipeline', 'plain_users');
    lineage.answer = () => ({ status: 201 });
    collector.answer = () => ({ status: 200 });
    assert.is(done.code, 0, done.stderr);
    const warned = done.documents.filter((d) => d.type === 'log' && d.level === 'warn').map((d) => String(d.text));
    assert.ok(
      warned.some((text) => /^lineage is not sent: 127\.0\.0\.1:\d+ answered 500\. The run goes on without it$/.test(text)),
      warned.join('\n'),
    );
    assert.ok(
      warned.some((text) => /^traces are not sent: .*The run goes on without them$/.test(text)),
      warned.join('\n'),
    );
    // They are the run's own, wherever its log is read.
    const logs = await rig.engine('logs', String(done.documents[0]?.runId));
    for (const text of warned) assert.ok(logs.stdout.includes(text), text);
    assert.not.match(`${done.stdout}${done.stderr}`, /secret-of/);
  });

  test('endpoints that hang hold the end of a run for five seconds, and change nothing else', async () => {
    lineage.answer = () => 'hang';
    collector.answer = () => 'hang';
    const began = Date.now();
    const done = await run('run', '--pipeline', 'plain_users');
    const tookMs = Date.now() - began;
    lineage.answer = () => ({ status: 201 });
    collector.answer = () => ({ status: 200 });
    assert.is(done.code, 0, done.stderr);
    const times = done.documents.map((d) => Date.parse(String(d.at))).filter((at) => !Number.isNaN(at));
    const ownMs = Math.max(...times) - Math.min(...times);
    assert.ok(tookMs - ownMs < 8_000, `the run ${ownMs} ms, all ${tookMs} ms`);
  });

  /** A run that is killed in the middle of a unit. */
  const killed = async (): Promise<string> => {
    // Staging is held, so that the run stands still.
    const holder = await warehouse.client();
    await holder.query('BEGIN');
    await holder.query('SELECT 1 FROM staging.users LIMIT 1');
    lineage.heard.length = 0;
    const running = rig.start('run', '--pipeline', 'plain_users', '--json');
    await running.waitFor('"type":"node.started","node":"truncate users"');
    const runId = (JSON.parse(running.stdout().split('\n')[0] ?? '') as { readonly runId: string }).runId;
    const known = async (): Promise<boolean> => (await rig.engine('logs', runId)).stdout.includes('truncate users');
    await waitUntil(known, 'the store knows that the truncate began', 30_000);
    running.kill('SIGKILL');
    assert.is((await running.ended).signal, 'SIGKILL');
    await holder.end();
    return runId;
  };

  test('a killed run: the command that finds it ends its trace and its lineage', async () => {
    const runId = await killed();
    const [begun] = events();
    assert.equal(ends(), ['COMPLETE plain_users.extract users']);
    const swept = await run('status');
    assert.ok(swept.code === 0 || swept.code === 1, swept.stderr);
    assert.equal(ends(), ['ABORT plain_users.truncate users', 'ABORT plain_users']);
    assert.equal(lineageFindings(events()), []);
    assert.is(events().at(-1)?.run.runId, begun?.run.runId);
    const spans = await spansIn(collector.heard);
    assert.equal(spanFindings(spans), []);
    assert.equal(spans.map((span) => span.name).sort(), ['attempt', 'run plain_users', 'truncate users']);
    assert.ok(spans.every((span) => span.traceId === traceIdOf(runId)));
  });

  test('a run that finds a killed one begins, though the endpoint that is told of it hangs', async () => {
    const killedId = await killed();
    let askedAt: number | undefined;
    lineage.answer = ({ body }) => {
      if ((JSON.parse(body) as LineageEvent).eventType !== 'ABORT') return { status: 201 };
      askedAt ??= Date.now();
      return 'hang';
    };
    const done = await run('run', '--pipeline', 'plain_users');
    lineage.answer = () => ({ status: 201 });
    assert.is(done.code, 0, done.stderr);
    assert.match(done.stderr, `run ${killedId} was interrupted`);
    const began = Date.parse(String(done.documents.find((d) => d.type === 'run.started')?.at));
    assert.ok(askedAt !== undefined && began - askedAt < 4_000, `the run began ${began - (askedAt ?? 0)} ms after the endpoint was asked`);
    assert.ok(ends().includes('COMPLETE plain_users'), ends().join(', '));
  });

  test("a daemon's run is traced by the daemon's environment, and the daemon ends what a killed one began", async () => {
    const holder = await warehouse.client();
    await holder.query('BEGIN');
    await holder.query('SELECT 1 FROM staging.users LIMIT 1');
    collector.heard.length = 0;
    lineage.heard.length = 0;
    const daemon = rig.start('daemon', '--listen', '127.0.0.1:0');
    const url = await pageOf(daemon);
    await askAt(url, '/api/v1/pipelines/plain_users/runs', { method: 'POST' });
    const started = (job: string): boolean => events().some((event) => event.eventType === 'START' && event.job.name === job);
    await waitUntil(() => started('plain_users.truncate users'), 'the run began to load', 30_000);
    const [run] = (await askAt<RunsPage>(url, '/api/v1/runs?pipeline=plain_users&limit=1')).body.runs;
    if (run === undefined) throw new Error('no run');
    const { traceId } = (await askAt<RunPage>(url, `/api/v1/runs/${run.runId}`)).body;
    assert.equal([run.state, traceId], ['running', traceIdOf(run.runId)]);
    process.kill(run.pid, 'SIGKILL');
    await waitUntil(() => ends().includes('ABORT plain_users'), 'the daemon tells that it was interrupted', 30_000);
    const aborted = events().find((event) => event.eventType === 'ABORT' && event.job.name === 'plain_users');
    assert.is(aborted?.run.runId, uuidOf(run.runId));
    await holder.end();
    await waitUntil(() => ends().includes('COMPLETE plain_users'), 'the daemon goes on with it', 60_000);
    assert.equal(lineageFindings(events()), []);
    await waitUntil(
      async () => (await spansIn(collector.heard)).filter((span) => span.name === 'run plain_users').length === 2,
      'two traces',
    );
    const [first, second] = (await spansIn(collector.heard)).filter((span) => span.name === 'run plain_users');
    assert.equal([first?.traceId, first?.attributes['engine.run.state']], [traceIdOf(run.runId), 'interrupted']);
    assert.equal(second?.links, [{ traceId: first?.traceId, spanId: first?.spanId }]);
    daemon.kill('SIGTERM');
    await daemon.ended;
  });
});
