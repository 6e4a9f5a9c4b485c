import type { GraphNodeView, NodeBrief, PipelineGraph } from '../api-pipeline.ts';
import type { Config, PipelineConfig } from '../config.ts';
import { buildGraph, type GraphNode } from '../graph.ts';
import type { RunNode } from '../history.ts';
import { expandTables } from '../load/expand.ts';
import { mergeOrder } from './node-order.ts';
import type { ServerParts } from './parts.ts';
import { plannedNodes } from './run-nodes.ts';

/** What a pipeline's runs walk by the configuration alone. */
export interface DeclaredNodes {
  /** Tables that only the catalog of a source can name: nothing else is known then. */
  readonly patterns: readonly string[];
  readonly nodes: readonly GraphNode[];
  /** Of the nodes, and of those that a full refresh has beside them. */
  readonly ids: ReadonlySet<string>;
}

/** By the pipeline as a configuration in force has it. */
const known = new WeakMap<PipelineConfig, DeclaredNodes>();

/** The nodes of a pipeline, without asking a source. */
export function declaredNodes(config: Config, pipeline: PipelineConfig): DeclaredNodes {
  const found = known.get(pipeline) ?? findNodes(config, pipeline);
  known.set(pipeline, found);
  return found;
}

function findNodes(config: Config, pipeline: PipelineConfig): DeclaredNodes {
  const patterns = pipeline.tables.filter((item) => !Object.hasOwn(config.tables, item));
  if (patterns.length > 0) return { patterns, nodes: [], ids: new Set() };
  const { tables } = expandTables(config, pipeline, new Map());
  const { nodes } = buildGraph(config, pipeline, tables, false);
  const all = [...nodes, ...buildGraph(config, pipeline, tables, true).nodes];
  return { patterns, nodes, ids: new Set(all.map(({ id }) => id)) };
}

/** The graph of a pipeline with what became of its nodes in its newest run. */
export async function pipelineGraph({ history }: ServerParts, config: Config, pipeline: PipelineConfig): Promise<PipelineGraph> {
  const declared = declaredNodes(config, pipeline);
  const [run] = await history.runs({ pipeline: pipeline.name, limit: 1 });
  const [planned, records] =
    run === undefined ? [[], []] : await Promise.all([plannedNodes(history, run.runId), history.runNodes([run.runId])]);
  const byRun = new Map(planned.map((node) => [node.id, node]));
  const byConfig = new Map(declared.nodes.map((node) => [node.id, node]));
  const last = new Map(records.map((record) => [record.node, nodeBrief(record)]));
  const ran = planned.map(({ id }) => id).filter((id) => declared.patterns.length > 0 || declared.ids.has(id));
  const nodes = mergeOrder([[...byConfig.keys()], ran]).flatMap((id): GraphNodeView[] => {
    const ofRun = byRun.get(id);
    const node = byConfig.get(id) ?? ofRun;
    if (node === undefined) return [];
    // A full refresh has nodes in between; a run of some tables lacks some.
    const needs = ofRun === undefined || ofRun.needs.every((need) => node.needs.includes(need)) ? node.needs : ofRun.needs;
    return [{ id, type: node.type, table: node.table, needs, last: last.get(id) }];
  });
  return { nodes, run, patterns: declared.patterns };
}

/** A node of a run at a glance. */
export function nodeBrief({ state, startedAt, endedAt, attempts, rows, keptFrom }: RunNode): NodeBrief {
  const tookMs = startedAt === undefined || endedAt === undefined ? undefined : Date.parse(endedAt) - Date.parse(startedAt);
  return { state, startedAt, tookMs, attempts, rows, keptFrom };
}
