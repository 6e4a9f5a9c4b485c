import type { JsonObject } from './base/json.ts';
import type { GraphNode } from './graph.ts';

/** What a run would do: plain data, the same list that a run walks. */
export interface Plan {
  readonly format_version: 1;
  readonly pipeline: string;
  readonly mode: 'full' | 'incremental';
  readonly createdAt: string;
  /** Changes when the configuration or what the survey found (lake versions, ledger, columns) changes; a saved plan with another one is refused. */
  readonly fingerprint: string;
  /** In an order in which they may run. */
  readonly nodes: readonly PlannedNode[];
  /** The schedules with their next fires, ISO 8601 with the zone's offset. */
  readonly schedules: readonly { readonly cron: string; readonly timezone: string; readonly next: readonly string[] }[];
  readonly request: JsonObject;
}

export type PlannedNode = GraphNode & { readonly plan: NodePlan };

/** What one node would do. Estimates are marked as such by their field names. */
export interface NodePlan {
  /** Glyphs: create `+`, replace `-/+`, merge `~`, read `>`, run `*`, nothing `=`, refused `!`. */
  readonly action: 'create' | 'replace' | 'merge' | 'read' | 'run' | 'nothing' | 'refused';
  /** One line. */
  readonly summary: string;
  /** Further lines: where it starts, what holds the fence, files, locks, what is destroyed. */
  readonly details: readonly string[];
  readonly warnings: readonly string[];
  readonly rowsEstimate?: number;
  readonly bytesEstimate?: number;
  /** False when a run would move no row or file as far as can be known. */
  readonly moves: boolean;
  /** Statements, in order, for `--sql`. */
  readonly sql: readonly string[];
  /** What a saved plan pins: lake version, ledger version, columns' fingerprint. */
  readonly pins: JsonObject;
}
