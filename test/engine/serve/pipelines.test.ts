import * as assert from 'uvu/assert';
import type { PipelineGraph, PipelineGrid, PipelineYaml } from '../../../engine/api-pipeline.ts';
import type { EventBody } from '../../../engine/event.ts';
import { mergeOrder } from '../../../engine/serve/node-order.ts';
import { configOf, pipelineOf, tableOf } from '../../support/config.ts';
import { suite } from '../../support/suite.ts';
import { createStage, type Stage } from './stage.ts';

const began = (node: string): EventBody => ({ type: 'node.started', node, attempt: 1 });
const ended = (node: string, rows: number): EventBody => ({
  type: 'node.succeeded',
  node,
  result: { summary: `${rows} rows`, rows, facts: {} },
});
const error = { code: 'x', trouble: 'failed', message: 'it broke', retryable: false } as const;
const node = (verb: string, table: string, ...needs: string[]) => ({
  id: `${verb} ${table}`,
  type: `postgres.${verb}`,
  table,
  unit: `${verb} ${table}`,
  needs,
});
const dbt = (...needs: string[]) => ({ id: 'dbt', type: 'dbt.build', unit: 'dbt', needs });

const config = configOf(
  [tableOf('users'), tableOf('orders')],
  [pipelineOf('sync', ['users', 'orders'], { dbt: ['all'] }), pipelineOf('wide', ['public.*']), pipelineOf('fresh', ['users'])],
);

suite('the order of nodes that several runs have', ({ test }) => {
  test('is that of the first, with what only later ones have behind what it follows there', () => {
    assert.equal(
      mergeOrder([
        ['a', 'c'],
        ['a', 'b', 'c', 'd'],
      ]),
      ['a', 'b', 'c', 'd'],
    );
    assert.equal(
      mergeOrder([
        ['b', 'c'],
        ['a', 'b'],
        ['x', 'y'],
      ]),
      ['a', 'b', 'c', 'x', 'y'],
    );
    assert.equal(mergeOrder([[], ['b', 'b', 'a']]), ['b', 'a']);
    assert.equal(mergeOrder([]), []);
  });
});

suite('nodes of a pipeline, by run', ({ test, before, after }) => {
  let stage: Stage;
  before(async () => {
    stage = await createStage({ config: async () => config });
  });
  after(() => stage?.close());
  const graph = async (pipeline: string): Promise<PipelineGraph> => {
    const { status, body } = await stage.ask<PipelineGraph>(`/api/v1/pipelines/${pipeline}/graph`);
    assert.is(status, 200);
    return body;
  };
  const grid = async (pipeline: string, query = ''): Promise<PipelineGrid> => {
    const { status, body } = await stage.ask<PipelineGrid>(`/api/v1/pipelines/${pipeline}/grid${query}`);
    assert.is(status, 200);
    return body;
  };
  /** A line for each node: what it needs, what became of it. */
  const lines = ({ nodes }: PipelineGraph): readonly string[] =>
    nodes.map(({ id, needs, last }) => `${id} <- ${needs.join(', ')}: ${last === undefined ? 'no' : `${last.state} ${last.rows}`}`);
  /** A line for each node: its cells from the newest run on. */
  const rows = ({ nodes, cells }: PipelineGrid): readonly string[] =>
    nodes.map(({ id, gone }, i) => `${id}${gone ? ' (gone)' : ''}: ${cells.map((run) => run[i]?.state ?? '-').join(' ')}`);

  test('without a run it is what the configuration says; patterns are named, for only a run answers them', async () => {
    const fresh = await graph('fresh');
    assert.equal(lines(fresh), ['extract users <- : no', 'load users <- extract users: no']);
    assert.equal([fresh.run, fresh.patterns], [undefined, []]);
    assert.equal(await graph('wide'), { nodes: [], patterns: ['public.*'] });
    assert.equal(await grid('fresh'), {
      runs: [],
      nodes: [
        { id: 'extract users', table: 'users', gone: false },
        { id: 'load users', table: 'users', gone: false },
      ],
      cells: [],
    });
    assert.is((await stage.ask('/api/v1/pipelines/frseh/graph')).error?.hint, 'Did you mean fresh?');
    assert.is((await stage.ask('/api/v1/pipelines/frseh/grid')).status, 404);
    assert.is((await stage.ask('/api/v1/pipelines/fresh/grid?limit=0')).status, 400);
    assert.is((await stage.ask('/api/v1/pipelines/fresh/grid?limit=101')).status, 400);
  });

  test('nodes of a pattern are those of its newest run', async () => {
    await stage.keepRun('wide-1', 'wide', [began('extract users'), ended('extract users', 4)]);
    const wide = await graph('wide');
    assert.equal(lines(wide), ['extract users <- : succeeded 4', 'load users <- extract users: queued undefined']);
    assert.is(wide.run?.runId, 'wide-1');
    assert.equal(rows(await grid('wide')), ['extract users: succeeded', 'load users: queued']);
  });

  test('runs that differ share one order: a table that is gone, a full refresh, a run of one table', async () => {
    const first = [
      node('extract', 'gone'),
      node('load', 'gone', 'extract gone'),
      node('extract', 'users'),
      node('load', 'users', 'extract users'),
    ];
    await stage.keepRun('sync-1', 'sync', [began('extract gone'), ended('extract gone', 1), { type: 'run.failed', error }], {
      nodes: first,
    });
    const full = ['users', 'orders'].flatMap((t) => [
      node('extract', t),
      node('truncate', t, `extract ${t}`),
      node('load', t, `truncate ${t}`),
    ]);
    await stage.keepRun(
      'sync-2',
      'sync',
      [
        began('extract orders'),
        ended('extract orders', 7),
        began('truncate orders'),
        { type: 'node.failed', node: 'truncate orders', error },
        { type: 'node.skipped', node: 'load orders', because: 'truncate orders' },
        { type: 'node.kept', node: 'extract users', fromRun: 'sync-1' },
        { type: 'run.failed', error },
      ],
      { nodes: [...full, dbt('load users', 'load orders')] },
    );
    assert.equal(lines(await graph('sync')), [
      'extract users <- : succeeded undefined',
      'truncate users <- extract users: queued undefined',
      'load users <- truncate users: queued undefined',
      'extract orders <- : succeeded 7',
      'truncate orders <- extract orders: failed undefined',
      'load orders <- truncate orders: skipped undefined',
      'dbt <- load users, load orders: queued undefined',
    ]);
    await stage.keepRun('sync-3', 'sync', [began('extract users')], {
      nodes: [node('extract', 'users'), node('load', 'users', 'extract users'), dbt('load users')],
    });
    assert.equal(lines(await graph('sync')), [
      'extract users <- : running undefined',
      'load users <- extract users: queued undefined',
      'extract orders <- : no',
      'load orders <- extract orders: no',
      'dbt <- load users, load orders: queued undefined',
    ]);
    const all = await grid('sync');
    assert.equal(rows(all), [
      'extract gone (gone): - - succeeded',
      'load gone (gone): - - queued',
      'extract users: running succeeded queued',
      'truncate users: - queued -',
      'load users: queued queued queued',
      'extract orders: - succeeded -',
      'truncate orders: - failed -',
      'load orders: - skipped -',
      'dbt: queued queued -',
    ]);
    assert.equal(
      all.runs.map(({ runId }) => runId),
      ['sync-3', 'sync-2', 'sync-1'],
    );
    const kept = all.cells[1]?.[all.nodes.findIndex(({ id }) => id === 'extract users')];
    assert.equal(kept, { state: 'succeeded', keptFrom: 'sync-1' });
    assert.type(all.cells[1]?.[all.nodes.findIndex(({ id }) => id === 'extract orders')]?.tookMs, 'number');

    const newest = await grid('sync', '?limit=2');
    assert.is(newest.next, 'sync-2');
    const older = await grid('sync', `?limit=2&before=${newest.next}`);
    assert.equal([older.runs.map(({ runId }) => runId), older.next], [['sync-1'], undefined]);
  });
});

suite('what declares a pipeline, asked for', ({ test }) => {
  test('is what is in force, with its lines, and says when the file is another one', async () => {
    const text =
      'version: 1\ntables:\n  users: {}\n  orders: {}\npipelines:\n  fresh: { mode: incremental, tables: [users] } # password: hunter22\n';
    let newer = false;
    const stage = await createStage({ config: async () => config, configText: () => ({ yaml: text, newer }) });
    try {
      const found = (await stage.ask('/api/v1/pipelines/fresh/yaml')).body;
      assert.equal(found, {
        file: '/project/pipelines.yaml',
        lines: [
          { line: 2, text: 'tables:' },
          { line: 3, text: '  users: {}' },
          { line: 5, text: 'pipelines:' },
          { line: 6, text: '  fresh: { mode: incremental, tables: [users] } # password: ***' },
        ],
        parts: [
          { kind: 'table', name: 'users', line: 3 },
          { kind: 'pipeline', name: 'fresh', line: 6 },
        ],
        newer: false,
      });
      newer = true;
      assert.is((await stage.ask<PipelineYaml>('/api/v1/pipelines/fresh/yaml')).body.newer, true);
      assert.is((await stage.ask('/api/v1/pipelines/nobody/yaml')).status, 404);
    } finally {
      await stage.close();
    }
  });
});
