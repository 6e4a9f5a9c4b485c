import type { Channel, Ringing } from '../alarm.ts';
import type { Clock } from '../base/clock.ts';
import { durationText } from '../base/duration.ts';
import type { Lease } from '../connector.ts';
import { EngineError, errorData } from '../error.ts';
import type { Incidents, Outcome, UnsentDelivery } from '../incidents.ts';
import type { Tell } from './tell.ts';

/** Takes alarms to their channels. */
export interface Courier {
  /** Begins to send what is due, each channel by itself; resolves when it has begun. */
  send(lead: Lease, ringing: Ringing): Promise<void>;
  /** A sign of life, when the last one is so long ago; undefined: none is wanted. */
  beat(ringing: Ringing, everyMs: number | undefined): void;
  /** Resolves when nothing is on its way. */
  idle(): Promise<void>;
}

/** After the first try that failed, the second, and so on; then as after the last. */
const againAfterMs = [10_000, 30_000, 60_000, 120_000, 300_000, 600_000] as const;
/** What could not be told for so long is not told any more. */
const giveUpAfterMs = 86_400_000;
/** A try that nobody reports about (its daemon died) counts as failed after this. */
const claimForMs = 60_000;

/**
 * Sends each delivery until it was taken, or a day has gone by. A try is claimed under the leader's lease before it is made, so that two daemons do not send the same; what
 * was sent by a daemon that died before it could say so is sent again.
 */
export function createCourier({
  incidents,
  clock,
  tell,
}: {
  readonly incidents: Incidents;
  readonly clock: Clock;
  readonly tell: Tell;
}): Courier {
  const underway = new Map<string, Promise<void>>();
  /** Channels that did not take the last message: how often in a row, and for how long they are left alone since then. */
  const pauses = new Map<string, { readonly times: number; readonly fromMs: number; readonly forMs: number }>();
  let beating: Promise<void> | undefined;
  let beatMs = Number.NEGATIVE_INFINITY;
  let beatTrouble = '';

  const isPaused = (channel: string, nowMs: number): boolean => {
    const pause = pauses.get(channel);
    return pause !== undefined && Math.abs(nowMs - pause.fromMs) < pause.forMs;
  };

  const deliver = async (lead: Lease, channel: Channel, due: readonly UnsentDelivery[]): Promise<void> => {
    for (let i = 0; i < due.length; i += channel.atOnce) {
      const batch = due.slice(i, i + channel.atOnce);
      const nowMs = clock.now();
      const dueMs = Math.max(nowMs, ...batch.map((one) => Date.parse(one.nextAt)));
      const claimed = await incidents.claim(lead, batch, dueMs, nowMs + claimForMs);
      const taken = batch.filter((one) => claimed.some((other) => other.incident === one.incident && other.event === one.event));
      if (taken.length === 0) continue;
      const error = await channel.send(taken.map(({ alarm }) => alarm)).then(
        () => undefined,
        (thrown: unknown) => errorData(thrown).message,
      );
      for (const one of taken) await incidents.settle(one, outcomeOf(one, error, clock.now()));
      if (error === undefined) {
        if (pauses.delete(channel.name)) tell('info', `channel ${channel.name} takes alarms again`);
        continue;
      }
      const times = (pauses.get(channel.name)?.times ?? 0) + 1;
      const pauseMs = pauseAfter(times);
      pauses.set(channel.name, { times, fromMs: clock.now(), forMs: pauseMs });
      tell('warn', `an alarm could not be sent to channel ${channel.name}, tried again in ${durationText(pauseMs)}: ${error}`, {
        channel: channel.name,
      });
      return;
    }
  };

  return {
    async send(lead, ringing) {
      const channels = ringing.channels();
      const unsent = await incidents.unsent();
      const nowMs = clock.now();
      for (const name of new Set(unsent.map((one) => one.channel))) {
        const own = unsent.filter((one) => one.channel === name);
        const channel = channels.get(name);
        if (channel === undefined) {
          for (const one of own) await incidents.settle(one, { state: 'given-up', error: `there is no channel ${name} any more` });
          continue;
        }
        if (underway.has(name) || isPaused(name, nowMs)) continue;
        // What was never tried goes before what was refused.
        const due = own.filter((one) => isDue(one, nowMs)).sort((a, b) => Date.parse(a.nextAt) - Date.parse(b.nextAt));
        if (due.length === 0) continue;
        const work = deliver(lead, channel, due)
          .catch((error: unknown) => {
            if (!(error instanceof EngineError && error.code === 'lease.lost'))
              tell('warn', `channel ${name}: ${errorData(error).message}`);
          })
          .finally(() => underway.delete(name));
        underway.set(name, work);
      }
    },
    beat(ringing, everyMs) {
      if (everyMs === undefined || beating !== undefined || Math.abs(clock.now() - beatMs) < everyMs) return;
      beatMs = clock.now();
      beating = ringing
        .beat()
        .then(
          () => {
            if (beatTrouble !== '') tell('info', 'the heartbeat is taken again');
            beatTrouble = '';
          },
          (error: unknown) => {
            const { message } = errorData(error);
            if (message !== beatTrouble) tell('warn', `the heartbeat: ${message}`);
            beatTrouble = message;
          },
        )
        .finally(() => {
          beating = undefined;
        });
    },
    async idle() {
      await Promise.all([...underway.values(), beating]);
    },
  };
}

/** Nothing is put off for longer than the longest pause: what is due later than that was put off before the clock was set back. */
function isDue({ nextAt }: UnsentDelivery, nowMs: number): boolean {
  const inMs = Date.parse(nextAt) - nowMs;
  return inMs <= 0 || inMs > Math.max(...againAfterMs);
}

function pauseAfter(times: number): number {
  return againAfterMs[Math.min(times, againAfterMs.length) - 1] ?? againAfterMs[0];
}

function outcomeOf(one: UnsentDelivery, error: string | undefined, nowMs: number): Outcome {
  if (error === undefined) return { state: 'sent', at: new Date(nowMs).toISOString() };
  if (nowMs - Date.parse(one.alarm.at) >= giveUpAfterMs) return { state: 'given-up', error };
  return { state: 'due', error, nextAt: new Date(nowMs + pauseAfter(one.attempts + 1)).toISOString() };
}
