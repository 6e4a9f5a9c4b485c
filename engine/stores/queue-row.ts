import type { JsonObject } from '../base/json.ts';
import type { EntryKind, EntryState, QueueEntry } from '../queue.ts';

/** A row of `queue`. */
export interface QueueRow {
  readonly id: string;
  readonly pipeline: string;
  readonly kind: EntryKind;
  readonly scheduled_at: Date | null;
  readonly retry_of: string | null;
  readonly request: JsonObject;
  readonly asked_by: string;
  readonly state: EntryState;
  readonly reason: string | null;
  readonly run_id: string | null;
  readonly noted_at: Date;
}

/** An entry as everybody else knows it. */
export function entryOf(row: QueueRow): QueueEntry {
  return {
    id: Number(row.id),
    pipeline: row.pipeline,
    kind: row.kind,
    scheduledAt: row.scheduled_at?.toISOString(),
    retryOf: row.retry_of ?? undefined,
    request: row.request,
    askedBy: row.asked_by,
    state: row.state,
    reason: row.reason ?? undefined,
    runId: row.run_id ?? undefined,
    notedAt: row.noted_at.toISOString(),
  };
}
