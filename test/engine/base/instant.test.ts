import * as assert from 'uvu/assert';
import { instantToMicros, microsToInstant, plusMicros } from '../../../engine/base/instant.ts';
import { suite } from '../../support/suite.ts';

suite('instant', ({ test }) => {
  test('microseconds survive the way to a number and back', () => {
    for (const text of [
      '2026-11-23T04:05:06.123456Z',
      '1969-12-31T23:59:59.999999Z',
      '0001-01-01T00:00:00.000001Z',
      '9999-12-31T23:59:59.999999Z',
    ])
      assert.is(microsToInstant(instantToMicros(text)), text);
  });
  test('adding microseconds carries into the second and the year', () => {
    assert.is(plusMicros('2026-12-31T23:59:59.999999Z', 1n), '2027-01-01T00:00:00.000000Z');
    assert.is(plusMicros('1970-01-01T00:00:00.000000Z', -1n), '1969-12-31T23:59:59.999999Z');
  });
  test('another form is refused', () => {
    assert.throws(() => instantToMicros('2026-11-23T04:05:06Z'));
  });
});
