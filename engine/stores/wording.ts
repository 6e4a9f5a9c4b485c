import { EngineError } from '../error.ts';
import type { LeaseHolder } from '../store.ts';

/** Why a run is marked as interrupted. */
export const processGone = 'its process is gone, or has stood still for too long';

/** `lease.held`: who holds it, where, since when. */
export function leaseHeld(name: string, by: LeaseHolder & { readonly since: string }): EngineError {
  return new EngineError('refused', 'lease.held', `${name} is held by run ${by.runId} (pid ${by.pid} on ${by.host}) since ${by.since}`, {
    hint: `Wait for that run to end, or stop it with engine cancel ${by.runId}.`,
  });
}

/** `lease.lost`: somebody else has taken it since. */
export function leaseLost(name: string): EngineError {
  return new EngineError('refused', 'lease.lost', `${name} was taken over by another run`, {
    hint: 'Nothing was committed. Look at engine runs for the run that took it.',
  });
}
