import type { QueueEntry } from '../queue.ts';

/** What is queued, in words: `users of 2026-05-04T12:00:00.000Z`. */
export function entryText(entry: QueueEntry): string {
  if (entry.kind === 'fire') return `${entry.pipeline} of ${entry.scheduledAt}`;
  return entry.kind === 'resume'
    ? `${entry.pipeline}, going on from run ${entry.retryOf}`
    : `${entry.pipeline}, asked for by ${entry.askedBy}`;
}
