import * as assert from 'uvu/assert';
import { buildGraph, type GraphNode, orderNodes } from '../../engine/graph.ts';
import { configOf, pipelineOf, tableOf } from '../support/config.ts';
import { suite } from '../support/suite.ts';

const node = (id: string, needs: readonly string[] = []): GraphNode => ({
  id,
  type: 'test.do',
  table: undefined,
  unit: id,
  needs,
  options: {},
});
const ids = (nodes: readonly GraphNode[]): string[] => nodes.map((n) => n.id);

suite('graph', ({ test }) => {
  const tables = [tableOf('users'), tableOf('order lines', { relation: { schema: 'sales', name: 'lines' } })];

  test('a full pipeline extracts, truncates and loads each table, and truncate and load are one unit', () => {
    const pipeline = pipelineOf('p', ['users', 'order lines'], { mode: 'full', dbt: ['users'] });
    const { nodes, findings } = buildGraph(configOf(tables, [pipeline]), pipeline, tables, false);
    assert.equal(findings, []);
    assert.equal(ids(nodes), [
      'extract users',
      'truncate users',
      'load users',
      'extract order lines',
      'truncate order lines',
      'load order lines',
      'dbt',
    ]);
    const [extract, truncate, load] = nodes;
    assert.is(extract?.type, 'postgres.extract');
    assert.is(truncate?.type, 'postgres.truncate');
    assert.is(load?.type, 'postgres.load');
    assert.is(truncate?.unit, 'load users');
    assert.is(load?.unit, 'load users');
    assert.equal(truncate?.needs, ['extract users']);
    assert.equal(load?.needs, ['truncate users']);
  });

  test('an incremental pipeline has no truncate, and its dbt node waits for every load', () => {
    const pipeline = pipelineOf('p', ['users', 'order lines'], { dbt: ['users', 'orders'] });
    const { nodes } = buildGraph(configOf(tables, [pipeline]), pipeline, tables, false);
    assert.equal(ids(nodes), ['extract users', 'load users', 'extract order lines', 'load order lines', 'dbt']);
    const dbt = nodes.at(-1);
    assert.equal(dbt?.needs, ['load users', 'load order lines']);
    assert.equal(dbt?.options, { sink: 'warehouse', select: ['users', 'orders'], fullRefresh: false });
  });

  test('an incremental pipeline with a full refresh is a full one, dbt included', () => {
    const pipeline = pipelineOf('p', ['users'], { dbt: ['users'] });
    const { nodes } = buildGraph(configOf(tables, [pipeline]), pipeline, tables.slice(0, 1), true);
    assert.equal(ids(nodes), ['extract users', 'truncate users', 'load users', 'dbt']);
    assert.is(nodes[0]?.options.mode, 'full');
    assert.is(nodes.at(-1)?.options.fullRefresh, true);
  });

  test('options are plain JSON: safe folders, and in the group just the tables of the same source', () => {
    const other = tableOf('elsewhere', { source: 'other' });
    const config = configOf([...tables, other], [], {
      sources: {
        production: { name: 'production', type: 'postgres', url: 'embedded' },
        other: { name: 'other', type: 'postgres', url: 'embedded' },
      },
    });
    const pipeline = pipelineOf('p', ['users', 'order lines', 'elsewhere']);
    const { nodes } = buildGraph(config, pipeline, [...tables, other], false);
    const extract = nodes.find((n) => n.id === 'extract order lines');
    assert.is(extract?.options.folder, 'order~20lines');
    assert.equal(extract?.options.group, ['users', 'order~20lines']);
    assert.equal(nodes.find((n) => n.id === 'extract elsewhere')?.options.group, ['elsewhere']);
    assert.equal(JSON.parse(JSON.stringify(nodes)), nodes);
  });

  test('nodes come after what they need, and as declared otherwise', () => {
    const { nodes } = orderNodes([node('d', ['c']), node('a'), node('c', ['b', 'a']), node('b')]);
    assert.equal(ids(nodes), ['b', 'a', 'c', 'd']);
  });

  test('a circle is a finding that names its members, and nothing is ordered', () => {
    const { nodes, findings } = orderNodes([node('x'), node('a', ['c', 'x']), node('b', ['a']), node('c', ['b'])]);
    assert.equal(nodes, []);
    assert.equal(
      findings.map((f) => [f.code, f.message]),
      [['graph.cycle', 'nodes wait for each other in a circle: `a` needs `c` needs `b` needs `a`']],
    );
  });

  test('a node that needs itself is a circle', () => {
    assert.is(orderNodes([node('a', ['a'])]).findings[0]?.code, 'graph.cycle');
  });

  test('unknown needs and ids used twice are findings, all at once', () => {
    const { findings } = orderNodes([node('a', ['nowhere']), node('a')]);
    assert.equal(
      findings.map((f) => f.message),
      ['two nodes are named `a`', '`a` needs `nowhere`, which is not there'],
    );
  });
});
