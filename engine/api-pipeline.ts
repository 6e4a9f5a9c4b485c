import type { NodeState, RunRecord } from './run.ts';

/** Bodies of the answers about one pipeline, as in `api.ts`. */

/** `GET /pipelines/:pipeline/graph`: what a run walks, and what became of it in the newest run. */
export interface PipelineGraph {
  /** In an order in which they may run. */
  readonly nodes: readonly GraphNodeView[];
  /** The newest run, whose states these are; undefined: it never ran. */
  readonly run: RunRecord | undefined;
  /** Patterns among its tables, which only a run answers: then the nodes are those of the newest run. */
  readonly patterns: readonly string[];
}

export interface GraphNodeView {
  readonly id: string;
  readonly type: string;
  readonly table: string | undefined;
  readonly needs: readonly string[];
  /** undefined: the newest run has no such node. */
  readonly last: NodeBrief | undefined;
}

/** What became of a node in a run, at a glance. */
export interface NodeBrief {
  readonly state: NodeState;
  readonly startedAt: string | undefined;
  /** From its first start to its end; undefined while it is at work, and for one that never began. */
  readonly tookMs: number | undefined;
  readonly attempts: number;
  readonly rows: number | undefined;
  /** The run in which it was done, when this one did not do it again. */
  readonly keptFrom: string | undefined;
}

/** `GET /pipelines/:pipeline/grid?limit=&before=`: what became of each node in each of some runs. `next`: give it as `before`. */
export interface PipelineGrid {
  /** The newest first. */
  readonly runs: readonly RunRecord[];
  /** Every node that one of the runs or the configuration has, in the order of the newest that has it. */
  readonly nodes: readonly GridNode[];
  /** For each run, in the order of `nodes`; null: that run has no such node. */
  readonly cells: readonly (readonly (GridCell | null)[])[];
  readonly next: string | undefined;
}

/** As short as it can be: there may be thousands. */
export interface GridCell {
  readonly state: NodeState;
  readonly tookMs: number | undefined;
  readonly rows: number | undefined;
  /** Left out: fewer than two. */
  readonly attempts: number | undefined;
  readonly keptFrom: string | undefined;
}

export interface GridNode {
  readonly id: string;
  readonly table: string | undefined;
  /** True when no run by the configuration in force would have it. */
  readonly gone: boolean;
}

/** `GET /pipelines/:pipeline/yaml`: the lines of the configuration in force that declare it, with what it is made from. Secrets are `***`. */
export interface PipelineYaml {
  /** Absolute path of the file. */
  readonly file: string;
  /** In the order of the file; what stands between them is about something else. */
  readonly lines: readonly YamlLine[];
  /** What is declared, each with the number of its first line. */
  readonly parts: readonly YamlPart[];
  /** The file was changed since, and what it is now is not in force: it has findings. */
  readonly newer: boolean;
}

export interface YamlLine {
  /** From 1. */
  readonly line: number;
  readonly text: string;
}

export interface YamlPart {
  readonly kind: 'pipeline' | 'table' | 'defaults' | 'source' | 'sink' | 'lake' | 'dbt';
  /** Empty for those of which there is one only. */
  readonly name: string;
  readonly line: number;
}
