import * as assert from 'uvu/assert';
import { keepSecret } from '../../../engine/base/secret.ts';
import { uuidOf, uuidWithin } from '../../../engine/base/ulid.ts';
import type { EventBody } from '../../../engine/event.ts';
import type { Exporter } from '../../../engine/exporter.ts';
import { type OpenLineageParts, openLineage } from '../../../engine/exporters/open-lineage.ts';
import type { Plan } from '../../../engine/plan.ts';
import type { Field } from '../../../lake/action.ts';
import { columnsIn, type LineageEvent, lineageFindings, lineageFindingsOfClient } from '../../support/open-lineage.ts';
import { eventsOf, shopStarted } from '../../support/run-events.ts';
import { suite } from '../../support/suite.ts';

const runId = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const runUuid = '01563e3a-b5d3-d676-4c61-efb99302bd5b';
const server = { host: 'db.example.com', port: 5432, database: 'shop' };
const warehouse = { host: 'fd00::1', port: 5433, database: 'dw' };
const error = { code: 'postgres.gone', trouble: 'outside', message: 'the server is gone', retryable: true } as const;

const field = (name: string, type: string, more: Field['metadata']): Field => ({ name, type, nullable: true, metadata: more });
const fields: readonly Field[] = [
  field('id', 'long', { 'engine.name': 'id', 'engine.type': 'bigint', 'engine.base': 'bigint' }),
  field('e_mail', 'string', { 'engine.name': 'e mail', 'engine.type': 'text', 'engine.base': 'text' }),
  field('mood', 'string', { 'engine.name': 'mood', 'engine.type': 'public.mood', 'engine.base': 'text' }),
  field('_extracted_at', 'timestamp', { 'engine.role': 'extracted_at' }),
];
const plan = {
  nodes: [
    {
      id: 'extract users',
      options: { table: { columns: { rename: { email: 'e mail' }, mask: { email: 'hash' } } } },
      plan: { sql: ['SELECT 1'] },
    },
  ],
} as unknown as Plan;

/** What an endpoint would get of these events. */
async function lineageOf(feed: (exporter: Exporter) => void, more: Partial<OpenLineageParts> = {}): Promise<readonly LineageEvent[]> {
  const made: (() => Promise<object | undefined>)[] = [];
  const lake = { namespace: 's3://lake', name: 'production/users', folder: 'users' };
  const sink = { server: warehouse, schema: 'staging', name: 'users' };
  const exporter = openLineage({
    sender: { send: (_lane, make) => made.push(make), close: async () => undefined },
    namespace: 'default',
    engine: '0.1.0',
    parent: undefined,
    plan,
    places: {
      node: (id) => (id === 'dbt' ? {} : { lake, sink, source: { server, schema: 'public', name: 'users' } }),
      warehouse,
    },
    fields: async () => fields,
    ...more,
  });
  feed(exporter);
  const events: LineageEvent[] = [];
  for (const make of made) events.push((await make()) as LineageEvent);
  return events;
}

const fed =
  (...bodies: readonly EventBody[]) =>
  (exporter: Exporter): void => {
    for (const event of eventsOf(runId, [shopStarted, ...bodies])) exporter.event(event);
  };
const words = (events: readonly LineageEvent[]): readonly string[] => events.map((e) => `${e.eventType} ${e.job.name}`);

/** All that can come in a run. */
const everything: readonly EventBody[] = [
  { type: 'node.started', node: 'extract users', attempt: 1 },
  { type: 'node.progress', node: 'extract users', progress: { rows: 1 } },
  { type: 'node.retrying', node: 'extract users', attempt: 1, delayMs: 1000, error },
  { type: 'node.started', node: 'extract users', attempt: 2 },
  { type: 'log', level: 'warn', text: 'slow' },
  { type: 'node.succeeded', node: 'extract users', result: { summary: '', facts: { version: 7, rows: 12, bytes: 345, files: 2 } } },
  { type: 'node.started', node: 'truncate users', attempt: 1 },
  { type: 'node.started', node: 'load users', attempt: 1 },
  { type: 'node.succeeded', node: 'truncate users', result: { summary: '', facts: { emptied: true } } },
  { type: 'node.succeeded', node: 'load users', result: { summary: '', facts: { lakeVersion: 7, rows: 12, replaced: true } } },
  { type: 'node.started', node: 'dbt', attempt: 1 },
  {
    type: 'dbt.result',
    node: 'dbt',
    result: {
      uniqueId: 'model.shop.users',
      kind: 'model',
      name: 'users',
      status: 'success',
      durationMs: 1500,
      startedAt: '2026-01-31T09:00:11.250Z',
      rows: 12,
      relation: 'analytics.users',
      reads: ['staging.users', 'staging.countries'],
      compiledSql: 'select * from staging.users',
    },
  },
  {
    type: 'dbt.result',
    node: 'dbt',
    result: { uniqueId: 'model.shop.bad', kind: 'model', name: 'bad', status: 'error', durationMs: 10, message: 'no such column' },
  },
  {
    type: 'dbt.result',
    node: 'dbt',
    result: { uniqueId: 'model.shop.after', kind: 'model', name: 'after', status: 'skipped', durationMs: 0 },
  },
  { type: 'dbt.result', node: 'dbt', result: { uniqueId: 'test.shop.t', kind: 'test', name: 't', status: 'warn', durationMs: 3 } },
  { type: 'node.failed', node: 'dbt', error: { ...error, message: '1 failed in dbt' } },
  { type: 'run.failed', error },
];

suite('a run as OpenLineage tells it', ({ test }) => {
  test('each job has one START and one end, and every event is what the specification says', async () => {
    const events = await lineageOf(fed(...everything));
    assert.equal(words(events), [
      'START shop',
      'START shop.extract users',
      'COMPLETE shop.extract users',
      'START shop.truncate users',
      'START shop.load users',
      'COMPLETE shop.truncate users',
      'COMPLETE shop.load users',
      'START shop.dbt',
      'START shop.dbt.model.shop.users',
      'COMPLETE shop.dbt.model.shop.users',
      'START shop.dbt.model.shop.bad',
      'FAIL shop.dbt.model.shop.bad',
      'FAIL shop.dbt',
      'FAIL shop',
    ]);
    assert.equal(lineageFindings(events), []);
    assert.equal(await lineageFindingsOfClient(events), []);
  });

  test('the validators find what is wrong', async () => {
    const [event] = await lineageOf(fed());
    if (event === undefined) throw new Error('no event');
    const broken: readonly (readonly [object, RegExp])[] = [
      [{ ...event, eventType: 'BEGIN' }, /eventType: must be equal to one of/],
      [{ ...event, eventTime: 'yesterday' }, /eventTime: must match format "date-time"/],
      [{ ...event, run: { ...event.run, runId: 'run-1' } }, /runId: must match format "uuid"/],
      [{ ...event, run: { ...event.run, facets: { x: { _producer: 'urn:a:b' } } } }, /_schemaURL/],
      [{ ...event, job: { name: 'shop', facets: {} } }, /namespace/],
    ];
    for (const [wrong, finding] of broken) assert.match(lineageFindings([wrong]).join('\n'), finding);
    const odd = { ...event.run.facets.processing_engine, edition: 'first' };
    const [found] = await lineageFindingsOfClient([{ ...event, run: { ...event.run, facets: { processing_engine: odd } } }]);
    assert.match(found ?? '', /edition/);
  });

  test('ids are computed from the run: a node belongs to its pipeline, a model to the node of dbt', async () => {
    const events = await lineageOf(fed(...everything));
    const of = (name: string): LineageEvent | undefined => events.find((e) => e.job.name === name);
    assert.is(of('shop')?.run.runId, runUuid);
    assert.is(uuidOf(runId), runUuid);
    assert.is(of('shop.dbt')?.run.runId, uuidWithin(runUuid, 'dbt'));
    const parents = (name: string): unknown => {
      const { run, job, root } = (of(name)?.run.facets.parent ?? {}) as Readonly<Record<string, object>>;
      return { run, job, root };
    };
    const shop = { run: { runId: runUuid }, job: { namespace: 'default', name: 'shop' } };
    assert.equal(parents('shop.load users'), { ...shop, root: shop });
    assert.equal(parents('shop.dbt.model.shop.users'), {
      run: { runId: uuidWithin(runUuid, 'dbt') },
      job: { namespace: 'default', name: 'shop.dbt' },
      root: shop,
    });
    assert.equal(of('shop')?.run.facets.nominalTime?.nominalStartTime, '2026-01-31T09:00:00.000Z');
  });

  test('a parent of another program is the root of all', async () => {
    const parent = { namespace: 'airflow', name: 'daily.load', runId: '0190a5e0-0000-7000-8000-000000000001' };
    const events = await lineageOf(fed(...everything), { parent });
    assert.equal(lineageFindings(events), []);
    const roots = new Set(events.map((e) => JSON.stringify(e.run.facets.parent?.root)));
    assert.equal([...roots], [JSON.stringify({ run: { runId: parent.runId }, job: { namespace: 'airflow', name: 'daily.load' } })]);
  });

  test('inputs and outputs are named by the rules, with columns, types, versions and counts', async () => {
    const events = await lineageOf(fed(...everything));
    const done = (name: string): LineageEvent => {
      const found = events.find((e) => e.eventType === 'COMPLETE' && e.job.name === name);
      if (found === undefined) throw new Error(`no end of ${name}`);
      return found;
    };
    const places = (name: string): unknown => {
      const { inputs, outputs } = done(name);
      return [inputs, outputs].map((list) => list.map((d) => `${d.namespace} ${d.name}`));
    };
    const columns = (event: LineageEvent, side: 'inputs' | 'outputs'): readonly string[] =>
      columnsIn(event[side][0]).map(({ name, type }) => `${name}: ${type ?? '?'}`);
    assert.equal(places('shop.extract users'), [['postgres://db.example.com:5432 shop.public.users'], ['s3://lake production/users']]);
    assert.equal(places('shop.load users'), [['s3://lake production/users'], ['postgres://[fd00::1]:5433 dw.staging.users']]);
    assert.equal(places('shop.dbt.model.shop.users'), [
      ['postgres://[fd00::1]:5433 dw.staging.users', 'postgres://[fd00::1]:5433 dw.staging.countries'],
      ['postgres://[fd00::1]:5433 dw.analytics.users'],
    ]);
    const extract = done('shop.extract users');
    assert.equal(columns(extract, 'inputs'), ['id: bigint', 'email: ?', 'mood: public.mood']);
    assert.equal(columns(extract, 'outputs'), ['id: long', 'e_mail: string', 'mood: string', '_extracted_at: timestamp']);
    const load = done('shop.load users');
    assert.equal(columns(load, 'outputs'), [
      'id: bigint',
      'e mail: text',
      'mood: ?',
      '_extracted_at: timestamp with time zone',
      '_loaded_at: timestamp with time zone',
    ]);
    const out = extract.outputs[0];
    assert.is(out?.facets?.version?.datasetVersion, '7');
    const { rowCount, size, fileCount } = out?.outputFacets?.outputStatistics ?? ({} as Readonly<Record<string, unknown>>);
    assert.equal([rowCount, size, fileCount], [12, 345, 2]);
    assert.is(load.outputs[0]?.facets?.lifecycleStateChange?.lifecycleStateChange, 'OVERWRITE');
    assert.is(done('shop.truncate users').outputs[0]?.facets?.lifecycleStateChange?.lifecycleStateChange, 'TRUNCATE');
  });

  test('column lineage follows renamed columns, and says which are masked', async () => {
    const [, , extract] = await lineageOf(fed(...everything));
    const lineage = extract?.outputs[0]?.facets?.columnLineage?.fields as Readonly<
      Record<string, { readonly inputFields: readonly object[] }>
    >;
    const at = { namespace: 'postgres://db.example.com:5432', name: 'shop.public.users' };
    assert.equal(lineage.e_mail?.inputFields, [
      {
        ...at,
        field: 'email',
        transformations: [{ type: 'DIRECT', subtype: 'TRANSFORMATION', description: 'hash', masking: true }],
      },
    ]);
    assert.equal(lineage.id?.inputFields, [
      { ...at, field: 'id', transformations: [{ type: 'DIRECT', subtype: 'IDENTITY', masking: false }] },
    ]);
    assert.equal(Object.keys(lineage), ['id', 'e_mail', 'mood']);
  });

  test('a model has the times that dbt gives, and fails with its message', async () => {
    const events = await lineageOf(fed(...everything));
    const model = events.filter((e) => e.job.name === 'shop.dbt.model.shop.users');
    assert.equal(
      model.map((e) => e.eventTime),
      ['2026-01-31T09:00:11.250Z', '2026-01-31T09:00:12.750Z'],
    );
    assert.is(model[1]?.job.facets.sql?.query, 'select * from staging.users');
    assert.is(
      events.find((e) => e.job.name.endsWith('.bad') && e.eventType === 'FAIL')?.run.facets.errorMessage?.message,
      'no such column',
    );
    const tests = events.find((e) => e.eventType === 'FAIL' && e.job.name === 'shop.dbt')?.run.facets.test?.tests;
    assert.equal(tests, [{ name: 't', status: 'fail', severity: 'warn' }]);
  });

  test('a secret that was learnt after the plan was made is not in the SQL that is sent', async () => {
    const [extract] = plan.nodes;
    const sql = ["SELECT 1 WHERE pass = 'learnt-in-the-run'", 'SELECT 2'];
    const planned = { nodes: [{ ...extract, plan: { sql } }] } as unknown as Plan;
    keepSecret('learnt-in-the-run');
    const events = await lineageOf(fed(...everything), { plan: planned });
    const told = events.filter((e) => e.job.name === 'shop.extract users').map((e) => e.job.facets.sql?.query);
    assert.equal(told, Array(2).fill("SELECT 1 WHERE pass = '***';\nSELECT 2"));
  });

  test('what began and was rolled back, cancelled or left by a killed process is aborted; what never began is not told', async () => {
    const began: readonly EventBody[] = [
      { type: 'node.started', node: 'truncate users', attempt: 1 },
      { type: 'node.started', node: 'load users', attempt: 1 },
    ];
    const rolledBack = await lineageOf(
      fed(
        ...began,
        { type: 'node.failed', node: 'load users', error },
        { type: 'node.skipped', node: 'truncate users', because: 'load users' },
        { type: 'node.skipped', node: 'dbt', because: 'load users' },
        { type: 'run.failed', error },
      ),
    );
    assert.equal(words(rolledBack).slice(3), ['FAIL shop.load users', 'ABORT shop.truncate users', 'FAIL shop']);
    const cancelled = await lineageOf(fed(...began, { type: 'node.cancelled', node: 'dbt' }, { type: 'run.cancelled', reason: 'stopped' }));
    assert.equal(words(cancelled).slice(3), ['ABORT shop.truncate users', 'ABORT shop.load users', 'ABORT shop']);
    assert.equal(lineageFindings([...rolledBack, ...cancelled]), []);
  });

  test('another process ends what a killed one began, and tells nothing twice', async () => {
    const all = eventsOf(runId, [
      shopStarted,
      { type: 'node.started', node: 'extract users', attempt: 1 },
      { type: 'node.succeeded', node: 'extract users', result: { summary: '', facts: {} } },
      { type: 'node.started', node: 'load users', attempt: 1 },
      { type: 'run.interrupted', reason: 'its process is gone' },
    ]);
    const events = await lineageOf(
      (exporter) => {
        exporter.catchUp(all.slice(0, 4));
        for (const event of all.slice(4)) exporter.event(event);
      },
      { plan: undefined, places: { node: () => ({}), warehouse: undefined } },
    );
    assert.equal(words(events), ['ABORT shop.load users', 'ABORT shop']);
    assert.equal(
      events.map((e) => e.run.runId),
      [uuidWithin(runUuid, 'load users'), runUuid],
    );
    // Whether another program's job is the root is known to the process that is gone.
    assert.equal(
      events.map((e) => e.run.facets.parent?.root),
      [undefined, undefined],
    );
    assert.equal(lineageFindings(events), []);
  });
});
