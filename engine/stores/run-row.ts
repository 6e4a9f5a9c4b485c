import type { RunRecord, RunState } from '../run.ts';

/** A row of `runs`, as the driver gives it; `T`: how times come, ISO texts of UTC if not as dates. */
export interface RunRow<T extends Date | string = Date> {
  readonly run_id: string;
  readonly pipeline: string;
  readonly mode: 'full' | 'incremental';
  readonly state: RunState;
  readonly started_at: T;
  readonly ended_at: T | null;
  readonly host: string;
  readonly pid: number;
  readonly retry_of: string | null;
  readonly trigger: string | null;
  readonly scheduled_at: T | null;
}

/** A row of `runs` as the contract has it. */
export function runRecord(row: RunRow<Date | string>): RunRecord {
  const iso = (at: Date | string): string => (typeof at === 'string' ? at : at.toISOString());
  return {
    runId: row.run_id,
    pipeline: row.pipeline,
    mode: row.mode,
    state: row.state,
    startedAt: iso(row.started_at),
    endedAt: row.ended_at === null ? undefined : iso(row.ended_at),
    host: row.host,
    pid: row.pid,
    retryOf: row.retry_of ?? undefined,
    trigger: row.trigger ?? undefined,
    scheduledAt: row.scheduled_at === null ? undefined : iso(row.scheduled_at),
  };
}
