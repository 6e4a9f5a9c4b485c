import * as assert from 'uvu/assert';
import type { PipelineBrief, TableBrief } from '../../engine/api-overview.ts';
import type { Problem } from '../../engine/problem.ts';
import { shownPipelines, shownTables, standingOf, standings } from '../../ui/overview-order.ts';
import { scaleOf, stagesOf, stageWords } from '../../ui/stages.ts';
import { suite } from '../support/suite.ts';

const at = '2026-01-31T09:00:00.000Z';
const nowMs = Date.parse(at);
const ago = (minutes: number): string => new Date(nowMs - minutes * 60_000).toISOString();
const pipeline = (name: string, over: Partial<PipelineBrief> = {}): PipelineBrief => ({
  pipeline: name,
  mode: 'incremental',
  tables: [`${name}_table`],
  tags: [],
  schedules: [],
  next: undefined,
  paused: undefined,
  live: undefined,
  runs: [],
  rowsLoaded: 0,
  medianMs: undefined,
  ...over,
});
const run = (state: 'failed' | 'succeeded' | 'running') => ({ runId: '1', state, startedAt: at, tookMs: 1 });
const problem = (name: string): Problem => ({
  key: name,
  kind: 'failed',
  severity: 'error',
  pipeline: name,
  since: at,
  text: '',
  hint: '',
});
const all = { search: '', tag: undefined, state: undefined };

suite('the lines of the overview', ({ test }) => {
  const views = [
    pipeline('a', { tags: ['shop'], runs: [run('succeeded')] }),
    pipeline('b', { runs: [run('failed')], paused: { by: 'x' } }),
    pipeline('c', { live: run('running'), runs: [run('failed')] }),
    pipeline('d', { tags: ['Shop', 'eu'] }),
  ];
  const names = (filter: Partial<typeof all> | { tag: string } | { state: string }, problems: readonly Problem[] = []): string =>
    shownPipelines(views, problems, { ...all, ...filter })
      .map((view) => view.pipeline)
      .join('');

  test('have those with problems first, as the problems are ordered, and the rest as the file has them', () => {
    assert.is(names({}), 'abcd');
    assert.is(names({}, [problem('d'), problem('b'), problem('d'), problem('gone')]), 'dbac');
  });

  test('are narrowed by every word in any name, by one tag, by one state', () => {
    assert.is(names({ search: 'B_TABLE' }), 'b');
    assert.is(names({ search: 'shop' }), 'ad');
    assert.is(names({ search: '  eu shop ' }), 'd');
    assert.is(names({ search: 'nothing' }), '');
    assert.is(names({ tag: 'shop' }), 'a');
    assert.is(names({ state: 'paused' }), 'b');
    assert.is(names({ state: 'running', tag: 'shop' }), '');
  });

  test('are counted by what they are known by: at work before paused before how the newest run ended', () => {
    assert.equal(views.map(standingOf), ['succeeded', 'paused', 'running', 'never']);
    assert.equal(
      standings(views).map(({ state, count }) => `${state} ${count}`),
      ['running 1', 'paused 1', 'succeeded 1', 'never 1'],
    );
    assert.equal(standings([pipeline('x', { runs: [run('failed')] })]), [{ state: 'failed', count: 1 }]);
  });

  test('of tables have those furthest over their limit first, and only those of the pipelines that are left', () => {
    const table = (name: string, over: Partial<TableBrief>): TableBrief => ({
      table: name,
      pipelines: ['a'],
      lakeAsOf: undefined,
      asOf: undefined,
      analyticsAsOf: undefined,
      limitMs: undefined,
      heldBy: undefined,
      loaded: undefined,
      ...over,
    });
    const tables = [
      table('within', { asOf: ago(10), limitMs: 900_000 }),
      table('twice', { asOf: ago(30), limitMs: 900_000 }),
      table('old', { asOf: ago(9_000), pipelines: ['d'] }),
      table('thrice', { asOf: ago(45), limitMs: 900_000, pipelines: ['b', 'd'] }),
    ];
    const shown = (filter: object): string =>
      shownTables(tables, views, { ...all, ...filter }, nowMs)
        .map((view) => view.table)
        .join(' ');
    assert.is(shown({}), 'thrice twice within old');
    assert.is(shown({ tag: 'eu' }), 'thrice old');
    assert.is(shown({ state: 'paused' }), 'thrice');
    assert.is(shown({ search: 'twi' }), 'twice');
  });
});

suite('the places that rows pass', ({ test }) => {
  const stages = stagesOf({ lakeAsOf: ago(2), asOf: ago(17), analyticsAsOf: undefined }, nowMs + 500);

  test('each say how far they are behind, in whole seconds, and whole minutes beyond one', () => {
    assert.equal(
      stages.map(({ name, lagMs }) => [name, lagMs]),
      [
        ['lake', 120_000],
        ['staging', 1_020_000],
        ['analytics', undefined],
      ],
    );
    // A source whose clock is ahead.
    assert.is(stagesOf({ lakeAsOf: ago(-1), asOf: undefined, analyticsAsOf: undefined }, nowMs)[0]?.lagMs, 0);
  });

  test('are drawn on a scale that has the limit in its middle, or a round one', () => {
    assert.is(scaleOf(stages, 900_000), 1_800_000);
    assert.is(scaleOf(stages, undefined), 3_600_000);
    assert.is(scaleOf([], undefined), 60_000);
    assert.is(scaleOf([{ name: 'lake', lagMs: 9e12 }], undefined), 9e12);
  });

  test('are told in words', () => {
    assert.is(stageWords(stages, 900_000), 'lake 2 m behind, staging 17 m behind, nothing in analytics; limit 15 m');
    assert.match(stageWords(stages, undefined), /; no limit$/);
  });
});
