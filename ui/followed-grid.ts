import type { PipelineGrid } from '../engine/api-pipeline.ts';
import type { Run } from '../engine/run.ts';
import { briefOf } from './node-brief.ts';
import { isLive } from './states.ts';

/** The grid with the column of a run as that is now, where the grid has it and does not know its end yet. */
export function withRun(grid: PipelineGrid, run: Run): PipelineGrid {
  const at = grid.runs.findIndex(({ runId }) => runId === run.runId);
  const record = grid.runs[at];
  if (record === undefined || !isLive(record.state)) return grid;
  const now = new Map(run.nodes.map((node) => [node.id, briefOf(node)]));
  const column = grid.nodes.map(({ id }, row) => now.get(id) ?? grid.cells[at]?.[row] ?? null);
  return {
    ...grid,
    runs: grid.runs.with(at, { ...record, state: run.state, endedAt: run.endedAt }),
    cells: grid.cells.with(at, column),
  };
}
