import type { DbtResult } from './event.ts';
import type { Plan } from './plan.ts';

/** Bodies of the API's answers about one run. Times are ISO 8601 UTC. */

/** `GET /runs/:run/plan`: what the run set out to do. */
export interface RunPlan {
  readonly plan: Plan;
  /** What the plan had and was not kept, in words. */
  readonly leftOut: readonly string[];
}

/** A page of another program about a run: its trace, its lineage. */
export interface RunLink {
  readonly name: string;
  /** http or https. */
  readonly url: string;
}

/** `GET /runs/:run/dbt?node=&id=`: models and tests of the newest attempt with the SQL that they were compiled to. */
export interface RunDbt {
  readonly results: readonly { readonly node: string; readonly result: DbtResult }[];
}
