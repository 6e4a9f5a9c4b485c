import type { LoadPoint } from '../api-table.ts';
import type { TableLoad } from '../history.ts';

/** Loads in numbers, the oldest first; `loads` has the newest first. How many rows staging had after each follows from the last load before it that replaced all. Pure. */
export function loadPoints(loads: readonly TableLoad[]): readonly LoadPoint[] {
  let total: number | undefined;
  return [...loads].reverse().flatMap((load): LoadPoint[] => {
    const { runId, pipeline, node, endedAt, rows, facts, readAt } = load;
    if (endedAt === undefined) return [];
    const number = (name: string): number | undefined => {
      const value = facts[name];
      return typeof value === 'number' ? value : undefined;
    };
    const [inserted, updated, unchanged] = [number('inserted'), number('updated'), number('unchanged')];
    const replaced = facts.replaced === true;
    // Rows of a full version count as inserted.
    if (replaced) total = inserted;
    else if (total !== undefined) total = inserted === undefined ? undefined : total + inserted;
    return [
      {
        runId,
        pipeline,
        node,
        at: endedAt,
        rows,
        inserted,
        updated,
        unchanged,
        replaced,
        total,
        lagMs: readAt === undefined ? undefined : Math.max(0, Date.parse(endedAt) - Date.parse(readAt)),
        lakeVersion: number('lakeVersion'),
      },
    ];
  });
}
