import type { JsonObject } from './base/json.ts';

/** One piece of work in a graph: a node type with its options. Ids read as words: `extract users`, `load users`, `dbt`. */
export interface GraphNode {
  readonly id: string;
  /** `postgres.extract`, `postgres.truncate`, `postgres.load`, `dbt.build`. */
  readonly type: string;
  readonly table: string | undefined;
  /** Nodes with the same unit land together or not at all. Every node has one; alone, it is its own id. */
  readonly unit: string;
  readonly needs: readonly string[];
  readonly options: JsonObject;
}
