import * as assert from 'uvu/assert';
import type { EventBody } from '../../engine/event.ts';
import { type Run, runOf } from '../../engine/run.ts';
import { tickStep, timeAxis } from '../../ui/time-axis.ts';
import { eventsOf } from '../conformance/store.ts';
import { suite } from '../support/suite.ts';

const error = { code: 'x', trouble: 'outside', message: 'locked', retryable: true } as const;

/** One event a second from 09:00:00 on. */
function run(...after: EventBody[]): Run {
  const start: EventBody = {
    type: 'run.started',
    pipeline: 'p',
    mode: 'full',
    trigger: 'cli',
    nodes: ['a', 'b'].map((id) => ({ id, type: 't', unit: id, needs: [] })),
    engine: '0',
    host: 'h',
    pid: 1,
    request: {},
  };
  const made = runOf(eventsOf('r', 0, start, ...after));
  if (made === undefined) throw new Error('no run');
  return made;
}

const nine = Date.parse('2026-01-31T09:00:00Z');
const shape = (r: Run, node: string, now = nine): string[] =>
  (timeAxis(r, now).bars.get(node) ?? []).map(
    ({ kind, attempt, state, left, width }) => `${kind} ${attempt} ${state} ${left.toFixed(2)}+${width.toFixed(2)}`,
  );

suite('the time axis', ({ test }) => {
  test('attempts are bars of their own, with the wait between them', () => {
    const r = run(
      { type: 'node.started', node: 'a', attempt: 1 },
      { type: 'node.retrying', node: 'a', attempt: 1, delayMs: 1_000, error },
      { type: 'node.started', node: 'a', attempt: 2 },
      { type: 'node.succeeded', node: 'a', result: { summary: '', facts: {} } },
      { type: 'run.succeeded' },
    );
    assert.equal(shape(r, 'a'), ['attempt 1 failed 0.20+0.20', 'wait 1 retrying 0.40+0.20', 'attempt 2 succeeded 0.60+0.20']);
    assert.equal(shape(r, 'b'), []);
  });

  test('what is at work, or waits for its next attempt, goes on to now', () => {
    const working = run({ type: 'node.started', node: 'a', attempt: 1 });
    assert.equal(shape(working, 'a', nine + 4_000), ['attempt 1 running 0.25+0.75']);
    const waiting = run(
      { type: 'node.started', node: 'a', attempt: 1 },
      { type: 'node.retrying', node: 'a', attempt: 1, delayMs: 60_000, error },
    );
    assert.equal(shape(waiting, 'a', nine + 4_000), ['attempt 1 failed 0.25+0.25', 'wait 1 retrying 0.50+0.50']);
  });

  test('a clock behind the run does not turn a bar around', () => {
    const working = run({ type: 'node.started', node: 'a', attempt: 1 });
    assert.equal(shape(working, 'a', nine - 60_000), ['attempt 1 running 1.00+0.00']);
  });

  test('ticks are round and few, whatever the span', () => {
    const spans = [1, 85, 4_100, 59_000, 61_000, 200_000, 3_700_000, 40_000_000, 900_000_000];
    assert.equal(spans.map(tickStep), [1, 20, 1_000, 10_000, 15_000, 60_000, 900_000, 7_200_000, 172_800_000]);
    for (const span of spans) assert.ok(span / tickStep(span) <= 6, String(span));
  });
});
