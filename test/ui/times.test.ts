import * as assert from 'uvu/assert';
import { clockTime, isoInZone, relativeText, sameClock, shortTime, wholeTime } from '../../ui/times.ts';
import { suite } from '../support/suite.ts';

const at = (text: string): number => Date.parse(text);

suite('times on the page', ({ test }) => {
  test('a moment is as short as it can be and still clear', () => {
    const now = at('2026-11-25T12:00:00Z');
    assert.is(shortTime(at('2026-11-25T02:35:59Z'), now, 'UTC'), '02:35');
    assert.is(shortTime(at('2026-11-24T23:59:59Z'), now, 'UTC'), '24 Nov 23:59');
    assert.is(shortTime(at('2025-01-02T00:00:00Z'), now, 'UTC'), '2 Jan 2025 00:00');
  });

  test('today is a day of the reader, not of UTC', () => {
    const now = at('2026-11-25T01:00:00Z');
    assert.is(shortTime(at('2026-11-24T23:30:00Z'), now, 'Europe/Berlin'), '00:30');
    assert.is(shortTime(at('2026-11-24T23:30:00Z'), now, 'America/New_York'), '18:30');
    assert.is(shortTime(at('2026-11-25T06:30:00Z'), now, 'America/New_York'), '25 Nov 01:30');
  });

  test('the hover has the whole moment with the offset of that day and the zone', () => {
    assert.is(isoInZone(at('2026-03-08T06:30:00Z'), 'America/New_York'), '2026-03-08T01:30:00-05:00 America/New_York');
    assert.is(isoInZone(at('2026-03-08T07:30:00Z'), 'America/New_York'), '2026-03-08T03:30:00-04:00 America/New_York');
    assert.is(isoInZone(at('2026-11-25T02:35:07.999Z'), 'UTC'), '2026-11-25T02:35:07Z UTC');
    assert.is(isoInZone(at('2026-01-01T00:00:00Z'), 'Asia/Kathmandu'), '2026-01-01T05:45:00+05:45 Asia/Kathmandu');
    assert.is(isoInZone(at('1969-12-31T23:59:59.500Z'), 'UTC'), '1969-12-31T23:59:59Z UTC');
  });

  test('the hover has UTC as well where the clock there is another one', () => {
    assert.is(
      wholeTime(at('2026-03-08T06:30:00Z'), 'America/New_York'),
      '2026-03-08T01:30:00-05:00 America/New_York, 2026-03-08T06:30:00Z',
    );
    assert.is(wholeTime(at('2026-03-08T22:30:00Z'), 'Asia/Kathmandu'), '2026-03-09T04:15:00+05:45 Asia/Kathmandu, 2026-03-08T22:30:00Z');
    assert.is(wholeTime(at('2026-01-01T00:00:00Z'), 'Europe/London'), '2026-01-01T00:00:00Z Europe/London');
    assert.is(wholeTime(at('2026-01-01T00:00:00Z'), 'UTC'), '2026-01-01T00:00:00Z UTC');
  });

  test('how far away a moment is, before and after', () => {
    assert.equal(
      [-90_000, -999, 0, 999, 1_000, 240_000].map((away) => relativeText(away, 0)),
      ['1 m ago', 'now', 'now', 'now', 'in 1 s', 'in 4 m'],
    );
  });

  test('lines of a log have milliseconds', () => {
    assert.is(clockTime(at('2026-11-25T02:35:07.005Z'), 'Europe/Berlin'), '03:35:07.005');
  });

  test('a zone of its own is shown only where its clock is another one', () => {
    assert.ok(sameClock(at('2026-01-01T00:00:00Z'), 'UTC', 'Europe/London'));
    assert.not(sameClock(at('2026-07-01T00:00:00Z'), 'UTC', 'Europe/London'));
  });
});
