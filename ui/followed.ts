import type { QueueEntry } from '../engine/queue.ts';
import { watched } from './watched.ts';

/** A run that was asked for on this page, and the address where that was. */
export interface Followed {
  readonly entry: QueueEntry;
  readonly path: string;
}

/** The newest run that was asked for here, until it is opened or let go. */
export const followed = watched<Followed | undefined>(undefined);

/** Follows what was asked for to its run. */
export function follow(entry: QueueEntry): void {
  followed.set({ entry, path: window.location.pathname });
}
