import * as assert from 'uvu/assert';
import type { CatalogTable } from '../../../engine/connector.ts';
import { expandTables, parsePattern, wildcardSource } from '../../../engine/load/expand.ts';
import { configOf, pipelineOf, relationOf, tableOf } from '../../support/config.ts';
import { suite } from '../../support/suite.ts';

const catalogs = (...tables: readonly CatalogTable[]): ReadonlyMap<string, readonly CatalogTable[]> => new Map([['production', tables]]);
const columnsWithout: CatalogTable['columns'] = [{ name: 'id', type: 'bigint', notNull: true }];

suite('expand', ({ test }) => {
  test('a wildcard takes ordinary tables and partitioned parents, no views and no foreign tables', () => {
    const pipeline = pipelineOf('p', ['public.*']);
    const found = expandTables(
      configOf([], [pipeline]),
      pipeline,
      catalogs(
        relationOf('public', 'film'),
        relationOf('public', 'payment', { kind: 'partitioned' }),
        relationOf('public', 'film_list', { kind: 'view' }),
        relationOf('public', 'totals', { kind: 'materialized view' }),
        relationOf('public', 'remote', { kind: 'foreign table' }),
        relationOf('sales', 'orders'),
      ),
    );
    assert.equal(found.findings, []);
    assert.equal(
      found.tables.map((t) => [t.name, t.relation, t.into]),
      [
        ['film', { schema: 'public', name: 'film' }, { schema: 'staging', name: 'film' }],
        ['payment', { schema: 'public', name: 'payment' }, { schema: 'staging', name: 'payment' }],
      ],
    );
  });

  test('a declared table keeps its name and settings, and is taken once', () => {
    const people = tableOf('people', { relation: { schema: 'public', name: 'users' }, cursor: 'changed' });
    const pipeline = pipelineOf('p', ['people', 'public.*']);
    const users = relationOf('public', 'users', { columns: [...columnsWithout, { name: 'changed', type: 'timestamptz', notNull: true }] });
    const found = expandTables(configOf([people], [pipeline]), pipeline, catalogs(users, relationOf('public', 'film')));
    assert.equal(found.findings, []);
    assert.equal(
      found.tables.map((t) => [t.name, t.cursor]),
      [
        ['people', 'changed'],
        ['film', 'updated_at'],
      ],
    );
  });

  test('exclude leaves out by bare name, by schema and name, by pattern and by a declared name', () => {
    const users = tableOf('people', { relation: { schema: 'public', name: 'users' } });
    const pipeline = pipelineOf('p', ['public.*'], { exclude: ['film', 'public.store', 'public.tmp_*', 'people'] });
    const names = ['actor', 'film', 'store', 'tmp_1', 'tmp_2', 'users'];
    const found = expandTables(configOf([users], [pipeline]), pipeline, catalogs(...names.map((n) => relationOf('public', n))));
    assert.equal(found.findings, []);
    assert.equal(
      found.tables.map((t) => t.name),
      ['actor'],
    );
  });

  test('an exclude that leaves out nothing is a warning, because it may be a slip', () => {
    const pipeline = pipelineOf('p', ['public.*'], { exclude: ['public.flim'] });
    const found = expandTables(configOf([], [pipeline]), pipeline, catalogs(relationOf('public', 'film')));
    assert.equal(
      found.findings.map((f) => [f.severity, f.code, f.at]),
      [['warning', 'tables.idle-exclude', ['pipelines', 'p', 'exclude', 0]]],
    );
  });

  test('a wildcard that matches nothing, or views only, or excluded tables only, is a finding', () => {
    const pipeline = pipelineOf('p', ['sales.*', 'public.v*', 'public.f*'], { exclude: ['film'] });
    const found = expandTables(
      configOf([], [pipeline]),
      pipeline,
      catalogs(relationOf('public', 'v1', { kind: 'view' }), relationOf('public', 'film')),
    );
    assert.equal(
      found.findings.map((f) => [f.at.at(-1), f.message]),
      [
        [0, '`sales.*` matches no table of source `production`'],
        [1, '`public.v*` matches no table of source `production` (1 views or foreign tables match; a wildcard takes none of those)'],
        [2, '`public.f*` matches no table of source `production`: all 1 tables are excluded'],
      ],
    );
  });

  test('in an incremental pipeline each table without the cursor or a key is named, with the ways out', () => {
    const tables = catalogs(
      relationOf('public', 'country', { columns: columnsWithout }),
      relationOf('public', 'log', { primaryKey: [] }),
      relationOf('public', 'ok'),
    );
    const pipeline = pipelineOf('p', ['public.*']);
    const { findings } = expandTables(configOf([], [pipeline]), pipeline, tables);
    assert.equal(
      findings.map((f) => f.message),
      [
        '`public.country`, which an incremental pipeline takes by a wildcard, has no column `updated_at` for its cursor',
        '`public.log` has no primary key, so that changed rows cannot be merged',
      ],
    );
    assert.match(findings[0]?.hint ?? '', /exclude: \[public\.country\].*cursor.*full pipeline/);
    const full = pipelineOf('p', ['public.*'], { mode: 'full' });
    assert.equal(expandTables(configOf([], [full]), full, tables).findings, []);
  });

  test('two tables with one lake folder or one target are findings, also across schemas, case and pipelines', () => {
    const pipeline = pipelineOf('p', ['*.*']);
    const two = catalogs(relationOf('a', 'users'), relationOf('b', 'users'), relationOf('b', 'Users'));
    const codes = expandTables(configOf([], [pipeline]), pipeline, two).findings.map((f) => f.code);
    assert.equal(codes, ['tables.same-folder', 'tables.same-folder', 'tables.same-target']);

    const declared = tableOf('users');
    const sales = pipelineOf('sales', ['sales.*']);
    const { findings } = expandTables(configOf([declared], [sales]), sales, catalogs(relationOf('sales', 'users')));
    assert.match(
      findings[0]?.message ?? '',
      /`public\.users` of production and `sales\.users` of production would share the lake folder `users`/,
    );

    const [one, other] = [pipelineOf('one', ['a.*']), pipelineOf('other', ['b.u*'])];
    const across = expandTables(configOf([], [one, other]), one, catalogs(relationOf('a', 'users'), relationOf('b', 'users')));
    assert.equal(
      across.findings.map((f) => f.code),
      ['tables.same-folder', 'tables.same-target'],
    );
  });

  test('one table in two pipelines is no collision', () => {
    const [one, other] = [pipelineOf('one', ['public.*']), pipelineOf('other', ['public.film'], { mode: 'full' })];
    const config = configOf([], [one, { ...other, tables: ['public.fil*'] }]);
    assert.equal(expandTables(config, one, catalogs(relationOf('public', 'film'))).findings, []);
  });

  test('a wildcard without a default source or sink is a finding that says so', () => {
    const pipeline = pipelineOf('p', ['public.*']);
    const config = configOf([], [pipeline]);
    const without = { ...config, tableDefaults: { ...config.tableDefaults, source: undefined } };
    assert.is(expandTables(without, pipeline, catalogs()).findings[0]?.code, 'tables.which-source');
    assert.is(wildcardSource(without, pipeline), undefined);
    assert.is(wildcardSource(config, pipeline), 'production');
    assert.is(wildcardSource(config, pipelineOf('p', ['users'])), undefined);
  });

  test('patterns are schema.name as in SQL: stars outside quotes, quoted parts as they are', () => {
    const matches = (pattern: string, schema: string, name: string): boolean | undefined => parsePattern(pattern)?.({ schema, name });
    assert.is(matches('public.*', 'public', 'anything at all\n'), true);
    assert.is(matches('film*', 'public', 'film_actor'), true);
    assert.is(matches('film*', 'sales', 'film_actor'), false);
    assert.is(matches('"Sales".*', 'Sales', 'x'), true);
    assert.is(matches('"Sales".*', 'sales', 'x'), false);
    assert.is(matches('public."a*b"', 'public', 'aXb'), false);
    assert.is(matches('public."a*b"', 'public', 'a*b'), true);
    assert.is(matches('"a.b"."c""d"', 'a.b', 'c"d'), true);
    assert.is(matches('public.a.b*', 'public', 'a.bc'), undefined);
    assert.is(matches('public.f.lm*', 'public', 'film'), undefined);
    assert.is(matches('public.(*', 'public', '(x'), true);
  });
});
