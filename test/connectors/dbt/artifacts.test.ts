import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { mostSql, readRunResults } from '../../../connectors/dbt/artifacts.ts';
import type { DbtResult } from '../../../engine/event.ts';
import { suite } from '../../support/suite.ts';

suite('what dbt leaves behind', ({ test, before, after }) => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'engine-dbt-artifacts-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const write = (name: string, document: object): void => writeFileSync(join(folder, name), JSON.stringify(document));
  const metadata = { invocation_id: 'this one' };
  const result = (id: string, more: object = {}): object => ({ unique_id: id, status: 'success', execution_time: 1.5, ...more });
  const read = async (): Promise<{ readonly results: readonly DbtResult[]; readonly withoutManifest: string | undefined }> => {
    const found = await readRunResults(folder, 'this one');
    if (!found.believed) throw new Error(found.why);
    return found;
  };
  const model = (name: string, parents: readonly string[], ephemeral = false): object => ({
    resource_type: 'model',
    schema: 'analytics',
    alias: name,
    original_file_path: `models/${name}.sql`,
    relation_name: ephemeral ? null : `"warehouse"."analytics"."${name}"`,
    depends_on: { nodes: parents },
  });

  test('a model began when the first of its parts did, also where dbt leaves the zone out', async () => {
    const timing = [
      { name: 'compile', started_at: '2026-01-31T09:00:01.250000', completed_at: '2026-01-31T09:00:01.3' },
      { name: 'execute', started_at: '2026-01-31T09:00:01.300000Z', completed_at: '2026-01-31T09:00:02.0Z' },
    ];
    write('run_results.json', { metadata, results: [result('model.shop.sales', { timing }), result('model.shop.odd', { timing: [{}] })] });
    const { results } = await read();
    assert.equal(
      results.map(({ startedAt }) => startedAt),
      ['2026-01-31T09:00:01.250Z', undefined],
    );
  });

  test('a model has its relation, its file, its parents, and what it reads through those that are nothing in the warehouse', async () => {
    write('run_results.json', {
      metadata,
      results: [
        result('model.shop.sales', { compiled_code: '\n select 1 \n', adapter_response: { rows_affected: 7 } }),
        result('test.shop.unique_sales_id.0123456789', { status: 'fail', failures: 3, adapter_response: { rows_affected: 1 } }),
      ],
    });
    write('manifest.json', {
      metadata,
      nodes: {
        'model.shop.sales': { ...model('sales', ['model.shop.stg_sales', 'seed.shop.rates']), alias: 'sales_by_day' },
        'model.shop.stg_sales': model('stg_sales', ['model.shop.stg_deeper'], true),
        'model.shop.stg_deeper': model('stg_deeper', ['source.shop.staging.sales'], true),
        'seed.shop.rates': { ...model('rates', []), resource_type: 'seed' },
        'test.shop.unique_sales_id.0123456789': {
          resource_type: 'test',
          schema: 'dbt_test__audit',
          alias: 'unique_sales_id',
          relation_name: '"warehouse"."dbt_test__audit"."unique_sales_id"',
          original_file_path: 'models/sales.yml',
          depends_on: { nodes: ['model.shop.sales'] },
        },
      },
      sources: {
        'source.shop.staging.sales': {
          resource_type: 'source',
          schema: 'staging',
          name: 'sales',
          identifier: 'Sales 2',
          relation_name: '-',
        },
      },
    });
    const { results, withoutManifest } = await read();
    assert.is(withoutManifest, undefined);
    assert.equal(results, [
      {
        uniqueId: 'model.shop.sales',
        kind: 'model',
        name: 'sales',
        status: 'success',
        durationMs: 1500,
        rows: 7,
        relation: 'analytics.sales_by_day',
        dependsOn: ['model.shop.stg_sales', 'seed.shop.rates'],
        reads: ['analytics.rates', 'staging.Sales 2'],
        path: 'models/sales.sql',
        compiledSql: 'select 1',
      },
      {
        uniqueId: 'test.shop.unique_sales_id.0123456789',
        kind: 'test',
        name: 'unique_sales_id',
        status: 'fail',
        durationMs: 1500,
        failures: 3,
        dependsOn: ['model.shop.sales'],
        reads: ['analytics.sales_by_day'],
        path: 'models/sales.yml',
      },
    ]);
  });

  test('models that name each other in a circle are read once', async () => {
    write('run_results.json', { metadata, results: [result('model.shop.a')] });
    write('manifest.json', {
      metadata,
      nodes: { 'model.shop.a': model('a', ['model.shop.b'], true), 'model.shop.b': model('b', ['model.shop.a'], true) },
    });
    const [a] = (await read()).results;
    assert.is(a?.reads, undefined);
    assert.equal(a?.dependsOn, ['model.shop.b']);
  });

  test('long SQL is cut and says so, and what failed has its own before others use up what all may have', async () => {
    const long = 'x'.repeat(mostSql.each + 1);
    const passed = Array.from({ length: mostSql.together / mostSql.each + 1 }, (_, i) =>
      result(`model.shop.m${i}`, { compiled_code: long }),
    );
    write('run_results.json', {
      metadata,
      results: [...passed, result('model.shop.broken', { status: 'error', message: 'no', compiled_code: long })],
    });
    const { results } = await read();
    const sql = new Map(results.map(({ uniqueId, compiledSql }) => [uniqueId, compiledSql]));
    const end = `\n-- cut here: ${long.length} characters in all; dbt compile shows the rest`;
    assert.is(sql.get('model.shop.broken'), `${long.slice(0, mostSql.each)}${end}`);
    assert.is(sql.get('model.shop.m0'), `${long.slice(0, mostSql.each)}${end}`);
    assert.is(sql.get(`model.shop.m${passed.length - 1}`), end.trim());
  });

  test('results without their manifest are results still, and it says what is missing', async () => {
    write('run_results.json', { metadata, results: [result('model.shop.a')] });
    for (const [content, why] of [
      ['{"metadata": {"invocation_id": "this one"}, "nodes"', 'manifest.json is torn'],
      ['{"metadata": {"invocation_id": "another"}}', 'manifest.json is of another invocation'],
      [undefined, 'dbt left no manifest.json'],
    ] as const) {
      if (content === undefined) rmSync(join(folder, 'manifest.json'));
      else writeFileSync(join(folder, 'manifest.json'), content);
      const { results, withoutManifest } = await read();
      assert.is(withoutManifest, why);
      assert.equal(results, [{ uniqueId: 'model.shop.a', kind: 'model', name: 'a', status: 'success', durationMs: 1500 }]);
    }
  });
});
