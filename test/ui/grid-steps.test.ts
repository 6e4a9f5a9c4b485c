import * as assert from 'uvu/assert';
import { columnGroups, gridStep } from '../../ui/grid-steps.ts';
import { briefText } from '../../ui/node-brief.ts';
import { plainWish, wishBody, wishQuery, withTable } from '../../ui/plan-wish.ts';
import { suite } from '../support/suite.ts';

suite('a grid of runs', ({ test }) => {
  test('keys lead within it, the head above the first row', () => {
    const from = (row: number, column: number, key: string) => {
      const to = gridStep({ row, column }, key, 25, 30);
      return to === undefined ? undefined : [to.row, to.column];
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
    assert.equal(from(5, 2, 'Enter'), undefined);
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
    assert.equal(wishBody(plainWish), {});
    assert.equal(wishBody({ fullRefresh: true, tables: ['a'] }), { fullRefresh: true, tables: ['a'] });
  });
});
