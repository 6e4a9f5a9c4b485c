import * as assert from 'uvu/assert';
import type { ErrorData } from '../../../engine/error.ts';
import { createPool } from '../../../engine/execute/pool.ts';
import { retryDelay } from '../../../engine/execute/retry.ts';
import { suite } from '../../support/suite.ts';

const retries = { attempts: 5, delayMs: 1000, factor: 3, maxDelayMs: 10_000 };
const error: ErrorData = { code: 'x', trouble: 'outside', message: 'x', retryable: true };

suite('retry', ({ test }) => {
  test('waits grow by the factor up to the longest', () => {
    assert.equal(
      [1, 2, 3, 4].map((n) => retryDelay(retries, n, error, 1)),
      [1000, 3000, 9000, 10_000],
    );
  });

  test('chance takes away up to a half', () => {
    assert.is(retryDelay(retries, 1, error, 0), 500);
    assert.is(retryDelay(retries, 1, error, 0.5), 750);
  });

  test('the last attempt and errors that cannot go away are not tried again', () => {
    assert.is(retryDelay(retries, 5, error, 1), undefined);
    assert.is(retryDelay(retries, 1, { ...error, retryable: false }, 1), undefined);
  });
});

/** Work that goes on until `end` is called. */
function held(): { readonly work: () => Promise<void>; readonly begun: Promise<void>; end(): void } {
  let begin: () => void = () => undefined;
  let end: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const over = new Promise<void>((resolve) => {
    end = resolve;
  });
  return {
    begun,
    end: () => end(),
    work() {
      begin();
      return over;
    },
  };
}

suite('pool', ({ test }) => {
  test('of those that wait, the lowest rank goes first', async () => {
    const pool = createPool(1);
    const never = new AbortController().signal;
    const order: string[] = [];
    const holder = held();
    const first = pool.run(9, never, holder.work);
    await holder.begun;
    const rest = [
      [3, 'c'],
      [1, 'a'],
      [2, 'b'],
    ].map(([rank, name]) =>
      pool.run(Number(rank), never, async () => {
        order.push(String(name));
      }),
    );
    holder.end();
    await Promise.all([first, ...rest]);
    assert.equal(order, ['a', 'b', 'c']);
  });

  test('one that stops waiting gives its place to nobody', async () => {
    const pool = createPool(1);
    const stop = new AbortController();
    const holder = held();
    const first = pool.run(1, stop.signal, holder.work);
    await holder.begun;
    const second = pool.run(2, stop.signal, async () => 'ran').catch(() => 'stopped');
    stop.abort();
    assert.is(await second, 'stopped');
    holder.end();
    await first;
    assert.is(await pool.run(3, new AbortController().signal, async () => 'ran'), 'ran');
  });

  test('work that fails frees its place', async () => {
    const pool = createPool(1);
    const never = new AbortController().signal;
    await pool.run(1, never, () => Promise.reject(new Error('no'))).catch(() => undefined);
    assert.is(await pool.run(1, never, async () => 'ran'), 'ran');
  });
});
