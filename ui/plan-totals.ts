import type { NodePlan, Plan } from '../engine/plan.ts';

/** What the extracts of a plan are estimated at, together; undefined where none is. */
export function planTotals({ nodes }: Pick<Plan, 'nodes'>): { readonly rows: number | undefined; readonly bytes: number | undefined } {
  const sum = (of: 'rowsEstimate' | 'bytesEstimate'): number | undefined => {
    const known = nodes.flatMap(({ type, plan }) => (type.endsWith('.extract') ? (plan[of] ?? []) : []));
    return known.length === 0 ? undefined : known.reduce((a, b) => a + b, 0);
  };
  return { rows: sum('rowsEstimate'), bytes: sum('bytesEstimate') };
}

const words: Readonly<Record<NodePlan['action'], string>> = {
  read: 'to read',
  create: 'to create',
  replace: 'to replace',
  merge: 'to merge',
  run: 'to run',
  nothing: 'with nothing to do',
  refused: 'refused',
};

/** `1 to read, 1 to create`: in the words of the terminal. */
export function planCounts({ nodes }: Pick<Plan, 'nodes'>): string {
  const counts = Object.entries(words)
    .map(([action, word]) => [nodes.filter(({ plan }) => plan.action === action).length, word] as const)
    .filter(([count]) => count > 0);
  return counts.length === 0 ? 'nothing' : counts.map(([count, word]) => `${count} ${word}`).join(', ');
}
