import type { Clock } from '../base/clock.ts';
import { redact } from '../base/secret.ts';
import { whyUnanswered } from '../base/unanswered.ts';

/** Posts JSON documents to one URL. Never throws; what cannot be sent is dropped and said once. */
export interface Sender {
  /** The documents of one lane arrive in the order in which they are given; lanes go side by side. A document is made when its turn comes; undefined: there is none after all. */
  send(lane: string, make: () => Promise<object | undefined>): void;
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
const mostWaiting = 10_000;
/** Requests under way: an endpoint at some distance would take minutes for the models of a large project one by one. */
const mostAtOnce = 8;
const timeoutMs = 5_000;
/** A server that fails for a moment is asked again after these; once a document was given up, the others are tried once until one gets through. */
const againAfterMs = [300, 1_000];
const retryable = new Set([408, 429, 500, 502, 503, 504]);

interface Waiting {
  readonly lane: string;
  make(): Promise<object | undefined>;
}

export function createSender({ url, headers, clock, warn }: SenderParts): Sender {
  const over = new AbortController();
  const waiting: Waiting[] = [];
  const busy = new Set<string>();
  let lost = 0;
  let isDown = false;
  let idle: (() => void) | undefined;

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
  const deliver = async (make: Waiting['make']): Promise<void> => {
    const document = await make();
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
  const go = (): void => {
    while (busy.size < mostAtOnce && !over.signal.aborted) {
      const next = waiting.findIndex(({ lane }) => !busy.has(lane));
      const [taken] = next === -1 ? [] : waiting.splice(next, 1);
      if (taken === undefined) break;
      busy.add(taken.lane);
      void deliver(taken.make)
        .catch((error: unknown) => lose(`was not asked: ${String(error)}`))
        .then(() => {
          if (over.signal.aborted) return;
          busy.delete(taken.lane);
          go();
        });
    }
    if (busy.size === 0 && waiting.length === 0) idle?.();
  };

  return {
    send(lane, make) {
      if (over.signal.aborted) return;
      if (waiting.length >= mostWaiting) return lose(`is too slow: ${mostWaiting} events wait for it`);
      waiting.push({ lane, make });
      go();
    },
    async close(withinMs) {
      const late = new AbortController();
      const done = new Promise<void>((resolve) => {
        idle = resolve;
        go();
      });
      await Promise.race([done, clock.sleep(withinMs, late.signal).catch(() => undefined)]);
      late.abort();
      over.abort();
      const unsent = waiting.length + busy.size;
      const left = lost + unsent;
      if (unsent > 0 || lost > 1)
        warn(redact(`${left} lineage event${left === 1 ? ' was' : 's were'} not taken by ${url.host}; nothing else is affected`));
    },
  };
}
