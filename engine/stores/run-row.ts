import type { RunRecord, RunState } from '../run.ts';

/** A row of `runs`, as the driver gives it. */
export interface RunRow {
  readonly run_id: string;
  readonly pipeline: string;
  readonly mode: 'full' | 'incremental';
  readonly state: RunState;
  readonly started_at: Date;
  readonly ended_at: Date | null;
  readonly host: string;
  readonly pid: number;
  readonly retry_of: string | null;
  readonly trigger: string | null;
  readonly scheduled_at: Date | null;
}

/** A row of `runs` as the contract has it. */
export function runRecord(row: RunRow): RunRecord {
  return {
    runId: row.run_id,
    pipeline: row.pipeline,
    mode: row.mode,
    state: row.state,
    startedAt: row.started_at.toISOString(),
    endedAt: row.ended_at?.toISOString(),
    host: row.host,
    pid: row.pid,
    retryOf: row.retry_of ?? undefined,
    trigger: row.trigger ?? undefined,
    scheduledAt: row.scheduled_at?.toISOString(),
  };
}
