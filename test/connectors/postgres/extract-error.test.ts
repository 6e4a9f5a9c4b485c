import * as assert from 'uvu/assert';
import { extractError, withoutDetails } from '../../../connectors/postgres/extract-error.ts';
import { suite } from '../../support/suite.ts';

const value = 'ann@example.com';
const copying = 'IO Error: Unable to read binary COPY data from Postgres: ';

suite('errors of extracts', ({ test }) => {
  test('of a table with masks no word of Postgres is shown, whatever the kind of the error and wherever the value stands', () => {
    for (const [text, code, retryable] of [
      [`${copying}ERROR:  invalid input syntax for type integer: "${value}"`, 'postgres.error', false],
      [`${copying}ERROR:  invalid input syntax for type integer: "Connection refused, ${value}"`, 'postgres.error', false],
      [`${copying}ERROR:  invalid input syntax for type integer: "permission denied for ${value}"`, 'postgres.error', false],
      [`${copying}ERROR:  invalid input syntax for type integer: "the lake cannot hold ${value}"`, 'postgres.error', false],
      [`${copying}ERROR:  invalid input syntax for type integer: "no space left on device ${value}"`, 'postgres.error', false],
      [`${copying}ERROR:  could not serialize access due to ${value}`, 'postgres.serialization', true],
      [`${copying}ERROR:  permission denied for ${value}`, 'postgres.no-right', false],
      [`${copying}FATAL:  terminating connection due to administrator command ${value}`, 'postgres.session-ended', true],
      [`invalid input syntax for type integer: "Connection refused, ${value}"`, 'postgres.error', false],
      [`permission denied for ${value}`, 'postgres.no-right', false],
    ] as const) {
      const error = extractError(new Error(text), 'extracting public.people', true);
      assert.equal([error.code, error.retryable], [code, retryable], text);
      assert.not.match(JSON.stringify([error.message, error.hint, String(error.cause)]), value);
      assert.match(error.message, /^extracting public\.people: Postgres gave an error that is not shown/);
      assert.match(extractError(new Error(text), 'x', false).message, value, 'without a mask it is');
    }
    const coded = extractError(Object.assign(new Error(value), { code: '42501', detail: value }), 'x', true);
    assert.equal([coded.code, coded.cause], ['postgres.no-right', undefined]);
    assert.not.match(coded.message, value);
  });

  test("what is DuckDB's own is told by its beginning: a value that does not fit, memory, the disk", () => {
    const of = (text: string): readonly string[] => {
      const { code, message } = extractError(new Error(text), 'x', true);
      return [code, message];
    };
    assert.equal(of('Invalid Input Error: the lake cannot hold column "d" of the row with id = 3: infinity\nmore'), [
      'extract.misfit',
      'x: the lake cannot hold column "d" of the row with id = 3: infinity',
    ]);
    assert.is(of('Invalid Input Error: the lake cannot hold column "c": NULL, and nullCursor is error')[0], 'extract.null-cursor');
    assert.is(of('Out of Memory Error: failed to pin block')[0], 'extract.memory');
    assert.is(of('IO Error: Could not write file "/tmp/x": No space left on device')[0], 'lake.disk-full');
    assert.is(of('ENOSPC: no space left on device, write')[0], 'lake.disk-full');
    const servers = `${copying}ERROR:  could not write to file "base/pgsql_tmp/1": No space left on device`;
    assert.is(of(servers)[0], 'postgres.disk-full', "the server's disk is not the lake's");
  });

  test('of a statement that reads no rows the words are told where they cannot quote a value', () => {
    const unknown = Object.assign(new Error('column "emial" does not exist'), { code: '42703' });
    assert.is(withoutDetails(unknown, 'x').message, 'x: column "emial" does not exist');
    const constant = Object.assign(new Error(`invalid input syntax for type integer: "${value}"`), { code: '22P02' });
    assert.not.match(withoutDetails(constant, 'x').message, value);
  });
});
