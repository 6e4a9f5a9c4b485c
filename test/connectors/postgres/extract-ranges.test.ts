import * as assert from 'uvu/assert';
import {
  createRangeQueue,
  everything,
  halve,
  placesOf,
  planRanges,
  rangeSql,
  type TidRange,
} from '../../../connectors/postgres/extract-ranges.ts';
import { suite } from '../../support/suite.ts';

const files = (pages: number, oids: readonly string[] = ['1']) => ({ pages, oids, bytes: pages * 8192 * oids.length, pageBytes: 8192 });

/** Where a range ends, and the next begins; ranges of one file only. */
function edges(ranges: readonly TidRange[]): readonly string[] {
  const text = (tid: TidRange['to']): string => (tid === undefined ? 'end' : `${tid.page},${tid.tuple}`);
  return ranges.flatMap((r) => [text(r.from), text(r.to)]);
}

/** Throws unless each range begins where the one before ended, from the first row to the open end. */
function assertWhole(ranges: readonly TidRange[]): void {
  const all = edges(ranges);
  assert.is(all[0], '0,0');
  assert.is(all.at(-1), 'end');
  for (let i = 1; i + 1 < all.length; i += 2) assert.is(all[i], all[i + 1]);
}

suite('ranges of an extract', ({ test }) => {
  test('a table that is not bigger than one range is read whole', () => {
    assert.equal(planRanges(files(0), 1000, 2), [everything]);
    assert.equal(planRanges(files(10), 10 * 8192, 2), [everything]);
    assert.is(rangeSql(everything), undefined);
  });

  test('a bigger one is cut so that the connections are equally busy, without a gap, open at the end', () => {
    for (const [pages, rangePages, connections, count] of [
      [11, 10, 2, 2],
      [100, 30, 2, 4],
      [100, 30, 1, 4],
      [100, 30, 3, 6],
      [3, 1, 2, 3],
      [1, 0.1, 2, 1],
    ] as const) {
      const ranges = planRanges(files(pages), rangePages * 8192, connections);
      assert.is(ranges.length, count, `${pages} pages by ${rangePages} on ${connections}`);
      assertWhole(ranges);
    }
  });

  test('what is kept aside counts: the ranges of a table of big values are shorter', () => {
    const ranges = planRanges({ ...files(100), bytes: 100 * 8192 * 10 }, 100 * 8192, 1);
    assert.is(ranges.length, 10);
  });

  test('a range is halved down to every single place, and the pieces are the range', () => {
    const table = files(3);
    let ranges: readonly TidRange[] = [everything];
    for (let round = 0; round < 40; round += 1) ranges = ranges.flatMap((r) => halve(r, table) ?? [r]);
    assertWhole(ranges);
    const closed = ranges.slice(0, -1);
    assert.ok(closed.every((r) => placesOf(r, table) === 1));
    // 291 tuples at the most in a page of 8 kB, and the place before the first.
    assert.is(closed.length, 3 * 292);
  });

  test('the last place of several files is cut into the files', () => {
    const table = files(1, ['7', '8']);
    const place: TidRange = { from: { page: 0, tuple: 5 }, to: { page: 0, tuple: 6 } };
    const pieces = halve(place, table) ?? [];
    assert.equal(pieces.map(rangeSql), [
      "ctid >= '(0,5)' AND ctid < '(0,6)' AND tableoid = 7",
      "ctid >= '(0,5)' AND ctid < '(0,6)' AND tableoid = 8",
    ]);
    for (const piece of pieces) assert.is(halve(piece, table), undefined);
  });

  test('after a range that did not fit the next ones are as short, and grow again when they fit', () => {
    const table = files(64);
    const queue = createRangeQueue(planRanges(table, 32 * 8192, 1), table);
    const lengths: number[] = [];
    const taken: TidRange[] = [];
    let tries = 0;
    for (let range = queue.take(); range !== undefined; range = queue.take()) {
      tries += 1;
      assert.ok(tries < 100);
      const pages = placesOf(range, table) / 292;
      if (pages > 2 && range.from.page < 32) {
        assert.ok(queue.cut(range));
        continue;
      }
      lengths.push(pages);
      taken.push(range);
      queue.fitted(range);
    }
    assertWhole(taken);
    assert.is(lengths[0], 2);
    assert.ok(Math.max(...lengths) > 2);
  });
});
