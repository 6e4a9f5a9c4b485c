import * as assert from 'uvu/assert';
import { columnGroups, gridLines, gridStep } from '../../ui/grid-steps.ts';
import { briefText } from '../../ui/node-brief.ts';
import { askedWish, plainWish, wishBody, wishQuery, withTable } from '../../ui/plan-wish.ts';
import { suite } from '../support/suite.ts';

suite('keys in a grid', ({ test }) => {
  test('lead within one of runs, the head above the first line', () => {
    const whole = gridLines(Array.from({ length: 26 * 30 }, (_, at) => ({ line: Math.floor(at / 30) - 1, column: at % 30 })));
    const from = (line: number, column: number, key: string) => {
      const to = gridStep(whole, { line, column }, key);
      return to === undefined ? undefined : [to.line, to.column];
    };
    assert.equal(from(0, 29, 'ArrowUp'), [-1, 29]);
    assert.equal(from(-1, 29, 'ArrowUp'), undefined);
    assert.equal(from(0, 29, 'ArrowRight'), undefined);
    assert.equal(from(3, 29, 'ArrowLeft'), [3, 28]);
    assert.equal(from(24, 2, 'ArrowDown'), undefined);
    assert.equal(from(3, 2, 'End'), [3, 29]);
    assert.equal(from(3, 29, 'End'), undefined);
    assert.equal(from(3, 2, 'Home'), [3, 0]);
    assert.equal(from(20, 2, 'PageDown'), [24, 2]);
    assert.equal(from(5, 2, 'PageUp'), [-1, 2]);
    assert.equal(from(14, 2, 'PageUp'), [4, 2]);
    assert.equal(from(5, 2, 'Enter'), undefined);
  });

  test('lead, in one with gaps, to the next cell that has something, and nowhere beyond the last', () => {
    const gaps = gridLines([
      { line: 2, column: 4 },
      { line: 2, column: 0 },
      { line: 0, column: 2 },
      { line: 0, column: 5 },
      { line: 3, column: 9 },
    ]);
    const from = (line: number, column: number, key: string) => {
      const to = gridStep(gaps, { line, column }, key);
      return to === undefined ? undefined : [to.line, to.column];
    };
    assert.equal(from(0, 2, 'ArrowRight'), [0, 5]);
    assert.equal(from(0, 5, 'ArrowRight'), undefined);
    assert.equal(from(0, 5, 'ArrowLeft'), [0, 2]);
    assert.equal(from(0, 5, 'ArrowDown'), [2, 4]);
    assert.equal(from(0, 2, 'ArrowDown'), [2, 0]);
    assert.equal(from(2, 0, 'ArrowDown'), [3, 9]);
    assert.equal(from(3, 9, 'ArrowUp'), [2, 4]);
    assert.equal(from(0, 2, 'ArrowUp'), undefined);
    assert.equal(from(2, 4, 'Home'), [2, 0]);
    assert.equal(from(2, 0, 'End'), [2, 4]);
    assert.equal(from(0, 2, 'PageDown'), [3, 9]);
    assert.equal(from(0, 2, 'a'), undefined);
  });

  test('labels stand over groups of which the last is whole', () => {
    assert.equal(columnGroups(12, 5), [2, 5, 5]);
    assert.equal(columnGroups(10, 5), [5, 5]);
    assert.equal(columnGroups(0, 5), []);
  });

  test('a node says its state, how long it took and its rows, and of which run it was kept', () => {
    const brief = { state: 'succeeded', tookMs: 2_100, rows: 41_208, attempts: 2, keptFrom: undefined } as const;
    assert.is(briefText(brief), 'succeeded, 2.1 s, 41,208 rows, attempt 2');
    assert.is(briefText({ ...brief, tookMs: undefined, rows: undefined, attempts: 0, keptFrom: 'r1' }), 'done in run r1, not again');
    assert.is(briefText(undefined), 'not in this run');
  });
});

suite('what a run is asked for', ({ test }) => {
  test('all tables are the same as none named, the others stand in the address and in the body', () => {
    const all = ['a', 'b', 'c'];
    const some = withTable(plainWish, all, 'b', false);
    assert.equal(some.tables, ['a', 'c']);
    assert.equal(withTable(some, all, 'b', true), plainWish);
    assert.equal(withTable(withTable(some, all, 'a', false), all, 'c', false), plainWish);
    assert.is(wishQuery(plainWish), '');
    assert.is(wishQuery({ fullRefresh: true, tables: ['a&b', 'c'] }), 'tables=a%26b&tables=c&fullRefresh=true');
    const asked = (query: string) => askedWish(new URLSearchParams(query), all);
    assert.is(asked('tables=a'), undefined);
    assert.equal(asked('plan=now&tables=a&tables=gone'), { fullRefresh: false, tables: ['a'] });
    assert.equal(asked('plan=full&tables=a&tables=b&tables=c'), { fullRefresh: true, tables: [] });
    assert.equal(wishBody(plainWish), {});
    assert.equal(wishBody({ fullRefresh: true, tables: ['a'] }), { fullRefresh: true, tables: ['a'] });
  });
});
