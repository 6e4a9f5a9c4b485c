import * as assert from 'uvu/assert';
import { parseRelation } from '../../../engine/load/relation.ts';
import { suite } from '../../support/suite.ts';

suite('SQL names', (s) => {
  const read = (text: string): unknown => {
    const parsed = parseRelation(text, 'public');
    return 'relation' in parsed ? [parsed.relation.schema, parsed.relation.name] : undefined;
  };

  s.test('a bare name is in the default schema', () => {
    assert.equal(read('users'), ['public', 'users']);
  });

  s.test('double quotes take anything, doubled quotes are one', () => {
    assert.equal(read('"Sales"."Order Line"'), ['Sales', 'Order Line']);
    assert.equal(read('sales."a.b"'), ['sales', 'a.b']);
    assert.equal(read('"a""b"'), ['public', 'a"b']);
  });

  s.test('what SQL would fold, cut or not read is refused', () => {
    for (const text of [
      'Users',
      'public.Users',
      'a b',
      'a.',
      '.a',
      'a..b',
      '""',
      '"a',
      'a"b',
      'a.b.c',
      '1a',
      'a;drop',
      ' a',
      'a\n',
      `"${'x'.repeat(64)}"`,
      'é',
    ])
      assert.is(read(text), undefined, text);
    assert.equal(read('x'.repeat(63)), ['public', 'x'.repeat(63)]);
  });

  s.test('the hint says how to write it', () => {
    const parsed = parseRelation('Sales.Order Line', 'public');
    assert.ok('hint' in parsed);
    assert.match(parsed.hint, `'"Sales"."Order Line"'`);
  });
});
