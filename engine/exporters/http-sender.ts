import type { Clock } from '../base/clock.ts';
import { redact } from '../base/secret.ts';
import { whyUnanswered } from '../base/unanswered.ts';

/** Posts JSON documents to one URL in the order in which they are given, one at a time. Never throws; what cannot be sent is dropped and said once. */
export interface Sender {
  /** The document is made when its turn comes; undefined: there is none after all. */
  send(make: () => Promise<object | undefined>): void;
  /** Waits until everything is sent, `withinMs` at most; what is left then is dropped. */
  close(withinMs: number): Promise<void>;
}

export interface SenderParts {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly clock: Clock;
  warn(text: string): void;
}

/** Documents that may wait. */
const mostWaiting = 2_000;
const timeoutMs = 5_000;
/** A server that fails for a moment is asked again after these; once a document was given up, the others are tried once until one gets through. */
const againAfterMs = [300, 1_000];
const retryable = new Set([408, 429, 500, 502, 503, 504]);

export function createSender({ url, headers, clock, warn }: SenderParts): Sender {
  const over = new AbortController();
  let waiting = 0;
  let lost = 0;
  let isDown = false;
  let turn: Promise<void> = Promise.resolve();

  const lose = (why: string): void => {
    lost += 1;
    if (lost === 1) warn(redact(`lineage is not sent: ${url.host} ${why}. The run goes on without it`));
  };
  /** Why it was not taken; undefined: it was. */
  const post = async (body: string): Promise<{ readonly why: string; readonly again: boolean } | undefined> => {
    try {
      const signal = AbortSignal.any([over.signal, AbortSignal.timeout(timeoutMs)]);
      // A key must not travel on to another host.
      const answer = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal });
      await answer.body?.cancel();
      return answer.ok ? undefined : { why: `answered ${answer.status}`, again: retryable.has(answer.status) };
    } catch (error) {
      return { why: whyUnanswered(error, timeoutMs), again: true };
    }
  };
  const deliver = async (make: () => Promise<object | undefined>): Promise<void> => {
    const document = over.signal.aborted ? undefined : await make();
    if (document === undefined) return;
    const body = JSON.stringify(document);
    for (const delayMs of [...(isDown ? [] : againAfterMs), undefined]) {
      const refused = await post(body);
      if (refused === undefined) {
        isDown = false;
        return;
      }
      if (over.signal.aborted) return;
      if (!refused.again || delayMs === undefined) {
        isDown = refused.again;
        return lose(refused.why);
      }
      await clock.sleep(delayMs, over.signal).catch(() => undefined);
    }
  };

  return {
    send(make) {
      if (over.signal.aborted) return;
      if (waiting >= mostWaiting) return lose(`is too slow: ${mostWaiting} events wait for it`);
      waiting += 1;
      turn = turn
        .then(() => deliver(make))
        .catch((error: unknown) => lose(`was not asked: ${String(error)}`))
        .then(() => {
          if (!over.signal.aborted) waiting -= 1;
        });
    },
    async close(withinMs) {
      const late = new AbortController();
      await Promise.race([turn, clock.sleep(withinMs, late.signal).catch(() => undefined)]);
      late.abort();
      over.abort();
      const left = lost + waiting;
      if (waiting > 0 || lost > 1)
        warn(redact(`${left} lineage event${left === 1 ? ' was' : 's were'} not taken by ${url.host}; nothing else is affected`));
    },
  };
}
