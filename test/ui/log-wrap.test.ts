import * as assert from 'uvu/assert';
import type { ShownLine } from '../../ui/log-lines.ts';
import { wrapLines } from '../../ui/log-wrap.ts';
import { suite } from '../support/suite.ts';

suite('wrapping of the log', ({ test }) => {
  const line = (text: string): ShownLine => ({ key: '7.0', seq: 7, at: '2026-01-31T09:00:00Z', level: 'info', node: 'dbt', text });
  const further = (text: string): ShownLine => ({ ...line(text), at: undefined });
  const texts = (lines: readonly ShownLine[]): readonly string[] => lines.map(({ text }) => text);
  const beside = { columns: 10, apart: false };

  test('what fits stays as it is', () => {
    const lines = [line('1234567890'), further('')];
    assert.is(wrapLines(lines, beside), lines);
  });

  test('a long line is several, broken after a blank, and nothing of it is lost', () => {
    const wrapped = wrapLines([line('held back by pid 4411 of pg_dump')], beside);
    assert.equal(texts(wrapped), ['held back ', 'by pid ', '4411 of ', 'pg_dump']);
    assert.equal(
      wrapped.map(({ at }) => at !== undefined),
      [true, false, false, false],
    );
    assert.is(new Set(wrapped.map(({ key }) => key)).size, 4);
    assert.equal([...new Set(wrapped.map(({ seq }) => seq))], [7]);
  });

  test('a word that is longer than the screen is broken, a letter of two units is not', () => {
    assert.equal(texts(wrapLines([line('a'.repeat(25))], beside)), ['a'.repeat(10), 'a'.repeat(10), 'a'.repeat(5)]);
    const smile = '\u{1F600}';
    assert.equal(texts(wrapLines([line(`${'a'.repeat(9) + smile}b`)], beside)), ['a'.repeat(9), `${smile}b`]);
  });

  test('where there is no room beside them, time and node have a line of their own', () => {
    const wrapped = wrapLines([line('one two three'), further(''), line('')], { columns: 10, apart: true });
    assert.equal(
      wrapped.map(({ at, text }) => `${at === undefined ? '' : 'at '}${text}`),
      ['at ', 'one two ', 'three', '', 'at '],
    );
  });
});
