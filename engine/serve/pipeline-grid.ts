import type { GridCell, GridNode, PipelineGrid } from '../api-pipeline.ts';
import type { Config, PipelineConfig } from '../config.ts';
import type { RunNode } from '../history.ts';
import { mergeOrder } from './node-order.ts';
import type { ServerParts } from './parts.ts';
import { declaredNodes, nodeBrief } from './pipeline-graph.ts';
import { plannedNodes } from './run-nodes.ts';

/** What became of each node of a pipeline in each of some runs. */
export async function pipelineGrid(
  { history }: ServerParts,
  config: Config,
  pipeline: PipelineConfig,
  { limit, before }: { readonly limit: number; readonly before?: string },
): Promise<PipelineGrid> {
  const found = await history.runs({
    pipeline: pipeline.name,
    limit: limit + 1,
    ...(before === undefined ? {} : { beforeRunId: before }),
  });
  const runs = found.slice(0, limit);
  const declared = declaredNodes(config, pipeline);
  const byRun = new Map(runs.map(({ runId }) => [runId, new Map<string, RunNode>()]));
  const tables = new Map(declared.nodes.map(({ id, table }) => [id, table]));
  for (const record of await history.runNodes(runs.map(({ runId }) => runId))) {
    byRun.get(record.runId)?.set(record.node, record);
    if (!tables.has(record.node)) tables.set(record.node, record.table);
  }
  const orders: (readonly string[])[] = [declared.nodes.map(({ id }) => id)];
  const ordered = new Set(orders[0]);
  for (const [runId, nodes] of byRun) {
    // Most runs have the nodes that others have: only of those with another one the order is asked for.
    if ([...nodes.keys()].every((id) => ordered.has(id))) continue;
    const order = (await plannedNodes(history, runId)).map(({ id }) => id).filter((id) => nodes.has(id));
    orders.push(order, [...nodes.keys()]);
    for (const id of nodes.keys()) ordered.add(id);
  }
  const nodes = mergeOrder(orders).map(
    (id): GridNode => ({ id, table: tables.get(id), gone: declared.patterns.length === 0 && !declared.ids.has(id) }),
  );
  return {
    runs,
    nodes,
    cells: runs.map(({ runId }) =>
      nodes.map(({ id }): GridCell | null => {
        const record = byRun.get(runId)?.get(id);
        return record === undefined ? null : gridCell(record);
      }),
    ),
    next: found.length > limit ? runs.at(-1)?.runId : undefined,
  };
}

function gridCell(record: RunNode): GridCell {
  const { state, tookMs, rows, attempts, keptFrom } = nodeBrief(record);
  return { state, tookMs, rows, attempts: attempts < 2 ? undefined : attempts, keptFrom };
}
