import type { RunState } from './run.ts';

/** `GET /search?q=&limit=`: runs that a text leads to, the newest first. Names of pipelines and tables are in the overview. */
export interface SearchPage {
  readonly runs: readonly FoundRun[];
}

export interface FoundRun {
  readonly runId: string;
  readonly pipeline: string;
  readonly state: RunState;
  readonly startedAt: string;
  /** Why it failed, where that is what the text was found in. */
  readonly cause: string | undefined;
}
