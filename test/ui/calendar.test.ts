import * as assert from 'uvu/assert';
import { bucketParts, bucketText, calendarPath, calendarRange, edgeText, needsLook, nowIn, stretchText } from '../../ui/calendar.ts';
import { lookOf } from '../../ui/states.ts';
import { suite } from '../support/suite.ts';

const range = (query: string) => calendarRange(new URLSearchParams(query), '2026-11-25');

suite('the range of a calendar', ({ test }) => {
  test('is today, or what the address says; a week begins on Monday', () => {
    assert.equal(range(''), { view: 'day', from: '2026-11-25', days: 1, step: 'hour', before: '2026-11-24', after: '2026-11-26' });
    assert.equal(range('view=week'), { view: 'week', from: '2026-11-23', days: 7, step: 'day', before: '2026-11-16', after: '2026-11-30' });
    assert.is(range('view=week&from=2026-11-29').from, '2026-11-23');
    assert.is(range('view=week&from=2026-11-30').from, '2026-11-30');
    assert.equal([range('from=2026-12-31').after, range('from=2028-03-01').before], ['2027-01-01', '2028-02-29']);
  });

  test('is today for what is no date', () => {
    for (const from of ['2026-02-30', 'yesterday', '2026-1-1', '9999-12-31', '2026-11-25T00:00'])
      assert.is(range(`from=${from}`).from, '2026-11-25');
    assert.is(range('view=month').view, 'day');
  });

  test('has an address that means the same', () => {
    assert.is(calendarPath('day'), '/schedule');
    assert.is(range(calendarPath('week', '2026-03-04').slice('/schedule?'.length)).from, '2026-03-02');
  });
});

suite('cells of a calendar', ({ test }) => {
  test('say the worst first, and late beside what became of them', () => {
    const bucket = { counts: { succeeded: 54, missed: 1, failed: 2, next: 3 }, late: 2 };
    assert.equal(
      bucketParts(bucket).map(({ state }) => state),
      ['failed', 'missed', 'succeeded', 'next'],
    );
    assert.is(bucketText(bucket), '2 failed, 1 missed, 54 succeeded, 3 to come, 2 late');
  });

  test('need a look when something failed, was missed, was not decided or came late, and for nothing else', () => {
    for (const state of ['failed', 'missed', 'interrupted', 'undecided']) assert.ok(needsLook({ counts: { [state]: 1 }, late: 0 }), state);
    assert.ok(needsLook({ counts: { succeeded: 1 }, late: 1 }));
    assert.not.ok(needsLook({ counts: { succeeded: 4, skipped: 1, cancelled: 1, running: 1, queued: 1, ran: 1, next: 1 }, late: 0 }));
  });

  test('have a shape of their own for each state that a time can have', () => {
    const states = [
      'succeeded',
      'failed',
      'running',
      'queued',
      'missed',
      'skipped',
      'cancelled',
      'interrupted',
      'undecided',
      'next',
      'late',
      'clocks',
    ];
    assert.is(new Set(states.map((state) => lookOf(state).shape)).size, states.length);
  });

  test('are named by the clock of the zone, on days on which it is set too', () => {
    const edges = ['2026-10-25T00:00:00.000Z', '2026-10-25T01:00:00.000Z', '2026-10-25T02:00:00.000Z'];
    const zone = 'Europe/Berlin';
    assert.equal(
      edges.map((edge) => edgeText(edge, 'hour', zone)),
      ['02', '02', '03'],
    );
    assert.is(edgeText('2026-10-25T00:00:00.000Z', 'hour', 'Asia/Kolkata'), '05:30');
    assert.is(edgeText('2026-10-24T22:00:00.000Z', 'day', zone), 'Sun 25 Oct');
    assert.is(stretchText({ edges, step: 'hour', zone }, 1), 'Sun 25 Oct 02:00 to 03:00');
    assert.equal(nowIn(edges, Date.parse('2026-10-25T01:15:00Z')), { index: 1, share: 0.25 });
    assert.is(nowIn(edges, Date.parse('2026-10-25T02:00:00Z')), undefined);
    assert.is(nowIn(edges, Date.parse('2026-10-24T23:59:59Z')), undefined);
  });
});
