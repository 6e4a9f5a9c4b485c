import type { Event } from '../event.ts';
import type { History } from '../history.ts';

/** A node of a run as it was planned. */
export type PlannedRunNode = (Event & { readonly type: 'run.started' })['nodes'][number];

const mostKept = 500;
/** Of runs that were asked about, by the store that has them. */
const ofRuns = new WeakMap<History, Map<string, readonly PlannedRunNode[]>>();

/** The nodes of a run in its plan's order; none for a run that is not there. They never change, so the store is asked once. */
export async function plannedNodes(history: History, runId: string): Promise<readonly PlannedRunNode[]> {
  const known = ofRuns.get(history) ?? new Map<string, readonly PlannedRunNode[]>();
  ofRuns.set(history, known);
  const before = known.get(runId);
  if (before !== undefined) return before;
  const [started] = await history.events({ runId, types: ['run.started'], limit: 1 });
  if (started?.type !== 'run.started') return [];
  if (known.size >= mostKept) known.clear();
  known.set(runId, started.nodes);
  return started.nodes;
}
