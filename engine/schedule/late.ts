/** A daemon that is this late is on time. */
export const onTimeMs = 60_000;

/** Whether what was put into the queue then, and ended (or has not ended by) then, took longer than `alerts.lateAfter` allows; undefined allows everything. */
export function tookTooLong(notedMs: number, untilMs: number, lateAfterMs: number | undefined): boolean {
  return lateAfterMs !== undefined && untilMs - notedMs > lateAfterMs;
}

/** Whether a run began later than a daemon that is on time begins it. */
export function beganLate(scheduledMs: number, startedMs: number): boolean {
  return startedMs - scheduledMs > onTimeMs;
}
