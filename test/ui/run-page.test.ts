import * as assert from 'uvu/assert';
import type { LogLine } from '../../engine/api.ts';
import type { Json } from '../../engine/base/json.ts';
import type { DbtResult } from '../../engine/event.ts';
import type { Attempt, NodeRun } from '../../engine/run.ts';
import { dbtGroups } from '../../ui/dbt-groups.ts';
import { filterLines, isFiltered, logFilter } from '../../ui/log-filter.ts';
import { type FactPart, nodeFacts } from '../../ui/node-facts.ts';
import { paceText } from '../../ui/pace.ts';
import { exactTime } from '../../ui/times.ts';
import { suite } from '../support/suite.ts';

function nodeOf(type: string, facts: { readonly [key: string]: Json }, more: Partial<NodeRun> = {}): NodeRun {
  return {
    id: `${type} users`,
    type: `postgres.${type}`,
    table: 'users',
    unit: 'u',
    needs: [],
    state: 'succeeded',
    attempt: 1,
    attempts: [],
    startedAt: undefined,
    endedAt: undefined,
    progress: undefined,
    result: { summary: '', rows: 41_208, bytes: 6_200_000, facts },
    error: undefined,
    keptFrom: undefined,
    because: undefined,
    dbt: [],
    ...more,
  };
}

const textOf = (part: FactPart): string =>
  part.kind === 'moment'
    ? `@${part.at}`
    : part.kind === 'version'
      ? `[${part.table} v${part.version}]`
      : part.kind === 'table'
        ? `[${part.text}]`
        : part.text;
const told = (node: NodeRun): Readonly<Record<string, string>> =>
  Object.fromEntries(nodeFacts(node).map(({ label, parts }) => [label, parts.map(textOf).join('')]));

suite('what a node says of itself', ({ test }) => {
  test('an extract says what it read from where, its fence and who held it, and what it left in the lake', () => {
    const facts = {
      ...{ relation: 'public.users', mode: 'incremental', cursor: 'updated_at', columns: 12, rows: 41_208, bytes: 6_200_000 },
      ...{ low: '2026-01-31T02:05:01.204118Z', lastFence: '2026-01-31T02:05:11.204118Z', fence: '2026-01-31T02:20:00.801992Z' },
      ...{ heldBy: 'pid 4411 (pg_dump)', heldSince: '2026-01-31T01:44:00Z', extractedAt: '2026-01-31T02:20:01Z' },
      ...{ version: 412, files: 3, paths: ['a/part-0.parquet', 'a/part-1.parquet'] },
    };
    assert.equal(told(nodeOf('extract', facts)), {
      read: 'public.users, what has updated_at from @2026-01-31T02:05:01.204118Z (the last fence @2026-01-31T02:05:11.204118Z less 10 s) upwards; 12 columns',
      snapshot: '@2026-01-31T02:20:01Z',
      fence: '@2026-01-31T02:20:00.801992Z, held back by pid 4411 (pg_dump), since @2026-01-31T01:44:00Z',
      lake: '[users v412], 3 files, 6.2 MB, 41,208 rows',
      files: 'a/part-0.parquet, a/part-1.parquet and 1 more',
    });
    const whole = told(
      nodeOf('extract', {
        relation: 'public.users',
        mode: 'full',
        low: null,
        fence: '2026-01-31T02:20:00Z',
        heldBy: null,
        heldSince: null,
      }),
    );
    assert.is(whole.read, 'public.users, everything');
    assert.is(whole.fence, '@2026-01-31T02:20:00Z, held back by nobody');
  });

  test('an extract by an integer says up to which value it came', () => {
    const facts = { relation: 'public.log', cursor: 'id', low: '90', lastValue: '100', fence: null, value: '250', heldBy: null };
    const found = told(nodeOf('extract', facts));
    assert.is(found.read, 'public.log, what has id from 90 (the highest seen before was 100) upwards');
    assert.equal([found['up to'], found.fence], ['250', undefined]);
  });

  test('a load says into which table which versions went, and what became of the rows', () => {
    const facts = {
      ...{ into: 'staging.users', versions: [411, 412], committed: [411, 412], lakeVersion: 412, files: 4 },
      ...{ rows: 41_208, inserted: 10_000, updated: 30_980, unchanged: 228, replaced: false, columnsAdded: ['nick'] },
    };
    assert.equal(told(nodeOf('load', facts)), {
      into: '[staging.users]',
      loaded: '[users v411], [users v412]: 4 files',
      rows: '10,000 inserted, 30,980 updated, 228 unchanged',
      'columns added': 'nick',
    });
    const none = told(nodeOf('load', { into: 'staging.users', versions: [], lakeVersion: 412, files: 0, rows: 0 }));
    assert.equal(none, { into: '[staging.users]', loaded: 'nothing new, the lake is at [users v412]' });
    const anew = told(
      nodeOf('load', { ...facts, replaced: true, rowsBefore: 900, because: 'staging is not there any more', created: true }),
    );
    assert.is(anew.into, '[staging.users], made by this load');
    assert.match(anew.rows ?? '', /, all that was there was replaced \(~900 rows\)$/);
    assert.match(anew.loaded ?? '', /: 4 files; anew, because staging is not there any more$/);
  });

  test('what this page does not know is told as it is', () => {
    assert.equal(told(nodeOf('extract', { relation: 'r', low: null, masked: 3, at: '2026-01-31T02:20:01Z' })), {
      read: 'r, everything',
      masked: '3',
      at: '@2026-01-31T02:20:01Z',
    });
    assert.equal(told(nodeOf('shuffle', { pace: 'slow', list: ['x'], none: null })), { pace: 'slow' });
  });

  test('a moment keeps its microseconds, in the reader zone, with its date on another day', () => {
    const day = '2026-01-31T12:00:00Z';
    assert.is(exactTime('2026-01-31T02:05:01.204118Z', day, 'UTC'), '02:05:01.204118');
    assert.is(exactTime('2026-01-31T02:05:01Z', day, 'America/New_York'), '30 Jan 21:05:01');
    assert.is(exactTime('2025-12-31T02:05:01.5Z', day, 'UTC'), '31 Dec 2025 02:05:01.5');
  });

  test('a node at work says how fast it is and how long it needs', () => {
    assert.is(paceText({ rows: 100 }, 500), '');
    assert.is(paceText({ rows: 10_000, rowsOf: 40_000, bytes: 2_000_000 }, 5_000), '2,000 rows/s, 400 kB/s, ~15.0 s left');
    assert.is(paceText({ doing: 'reading the fence' }, 5_000), '');
  });
});

suite('what dbt did', ({ test }) => {
  test('models stand before tests, each with what went wrong first', () => {
    const result = (kind: string, name: string, status: DbtResult['status']): DbtResult => ({
      uniqueId: name,
      kind,
      name,
      status,
      durationMs: 1,
    });
    const groups = dbtGroups([
      result('test', 't1', 'pass'),
      result('model', 'm1', 'success'),
      result('test', 't2', 'fail'),
      result('seed', 's1', 'success'),
      result('test', 't3', 'pass'),
    ]);
    assert.equal(
      groups.map(({ title, tally, results }) => [title, tally, results.map(({ name }) => name).join(' ')]),
      [
        ['seeds', '1 success', 's1'],
        ['models', '1 success', 'm1'],
        ['tests', '1 fail, 2 pass', 't2 t1 t3'],
      ],
    );
  });
});

suite('the filter of a log', ({ test }) => {
  const at = (second: number): string => `2026-01-31T09:00:0${second}.000Z`;
  const line = (seq: number, text: string, node?: string, level: LogLine['level'] = 'info'): LogLine => ({
    seq,
    at: at(seq),
    level,
    node,
    text,
  });
  const lines = [
    line(1, 'Fence', 'a'),
    line(2, 'fence', 'b', 'warn'),
    line(3, 'rows', 'a', 'debug'),
    line(4, 'the run', undefined, 'error'),
  ];
  const attempt = (number: number, from: number): Attempt => ({
    attempt: number,
    startedAt: at(from),
    endedAt: undefined,
    error: undefined,
    retryAt: undefined,
  });
  const nodes = [nodeOf('extract', {}, { id: 'a', attempts: [attempt(1, 1), attempt(2, 3)] })];
  const found = (query: string): number[] => filterLines(lines, logFilter(new URLSearchParams(query)), nodes).map(({ seq }) => seq);

  test('goes by node, text whatever its case, level and attempt', () => {
    assert.equal(found(''), [1, 2, 3, 4]);
    assert.equal(found('node=a'), [1, 3]);
    assert.equal(found('search=FENCE'), [1, 2]);
    assert.equal(found('node=a&search=fence'), [1]);
    assert.equal(found('search=.*'), []);
    assert.equal(found('level=warn'), [2, 4]);
    assert.equal(found('level=info&node=a'), [1]);
    assert.equal(found('node=a&attempt=1'), [1]);
    assert.equal(found('node=a&attempt=2'), [3]);
    assert.equal(found('node=a&attempt=9'), [], 'one that is not there has no lines');
  });

  test('nonsense in the address filters nothing', () => {
    for (const query of ['level=loud', 'attempt=2', 'attempt=x', 'line=9', '']) {
      assert.is(isFiltered(logFilter(new URLSearchParams(query))), false, query);
      assert.equal(found(query), [1, 2, 3, 4]);
    }
  });
});
