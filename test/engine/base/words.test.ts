import * as assert from 'uvu/assert';
import { countText } from '../../../engine/base/count.ts';
import { parseDuration, showDuration } from '../../../engine/base/duration.ts';
import { lakeFolder } from '../../../engine/base/lake-folder.ts';
import { parseSize } from '../../../engine/base/size.ts';
import { suggest } from '../../../engine/base/suggest.ts';
import { suite } from '../../support/suite.ts';

suite('durations, sizes, suggestions, folders', (s) => {
  s.test('durations are read, and shown as they would be read again', () => {
    assert.is(parseDuration('500ms'), 500);
    assert.is(parseDuration('90m'), 5_400_000);
    assert.is(parseDuration('3651d'), undefined);
    for (const text of ['500ms', '5s', '90m', '2h', '1d', '0s'])
      assert.is(parseDuration(showDuration(parseDuration(text) ?? -1)), parseDuration(text));
    assert.is(showDuration(90_000), '90s');
  });

  s.test('one of a thing is told in the singular, and thousands are parted', () => {
    assert.equal(
      [0, 1, 2, 1_234_567].map((count) => countText(count, 'row')),
      ['0 rows', '1 row', '2 rows', '1,234,567 rows'],
    );
    assert.is(countText(1000), '1,000');
  });

  s.test('sizes count by 1000 or by 1024, as they say', () => {
    assert.is(parseSize('64MB'), 64_000_000);
    assert.is(parseSize('64MiB'), 67_108_864);
    assert.is(parseSize('999999999999TB'), undefined);
  });

  s.test('a suggestion is near, and nothing is better than something far', () => {
    assert.is(suggest('cursr', ['cursor', 'columns']), 'cursor');
    assert.is(suggest('tabels', ['tables', 'table']), 'tables');
    assert.is(suggest('USERS', ['users']), 'users');
    assert.is(suggest('orders', ['users', 'transactions']), undefined);
    assert.is(suggest('a', ['b']), undefined);
  });

  s.test('a folder of the lake is one safe path segment, another one for each name', () => {
    assert.is(lakeFolder('users'), 'users');
    assert.is(lakeFolder('Sales.Order-Line_2'), 'Sales.Order-Line_2');
    assert.is(lakeFolder('_hidden'), '~5Fhidden');
    assert.is(lakeFolder('..'), '~2E.');
    assert.is(lakeFolder('../a b/ü%'), '~2E.~2Fa~20b~2F~C3~BC~25');
    const names = ['a/b', 'a~2Fb', '.a', '~2Ea', '_a', 'a_', '.', '..', '...'];
    const folders = names.map(lakeFolder);
    assert.is(new Set(folders).size, names.length);
    for (const folder of folders) {
      assert.match(folder, /^[A-Za-z0-9~-][A-Za-z0-9_.~-]*$/);
      assert.is.not(folder, '..');
    }
  });
});
