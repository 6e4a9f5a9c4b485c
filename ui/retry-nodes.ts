import type { Plan, PlannedNode } from '../engine/plan.ts';
import type { NodeRun, Run } from '../engine/run.ts';

/** What a retry does with each node of a run. */
export interface RetryNodes {
  readonly again: readonly NodeRun[];
  readonly kept: readonly NodeRun[];
  /** Done again because they share a snapshot, a unit or a need with what did not succeed. */
  readonly dragged: boolean;
  /** Extracts are done again because it was not kept what they meant. */
  readonly unplanned: boolean;
}

/** By the rules of `engine/execute/history.ts`, as long as the configuration is what it was; `plan`: what the run set out to do, undefined where nobody kept that. */
export function retryNodes({ nodes }: Pick<Run, 'nodes'>, plan: Pick<Plan, 'nodes'> | undefined): RetryNodes {
  const planned = new Map(plan?.nodes.map((node) => [node.id, node]));
  const isUnknown = ({ id, type, state }: NodeRun): boolean =>
    isExtract(type) && state === 'succeeded' && !saysWhatItMeans(planned.get(id));
  const unknown = nodes.filter(isUnknown);
  const again = new Set([...nodes.filter(({ state }) => state !== 'succeeded'), ...unknown].map(({ id }) => id));
  const first = again.size;
  const together = (a: NodeRun, b: NodeRun): boolean =>
    a.unit === b.unit || (isExtract(a.type) && a.type === b.type && isOneSource(planned.get(a.id), planned.get(b.id)));
  for (let size = -1; size !== again.size; ) {
    size = again.size;
    for (const node of nodes)
      if (node.needs.some((need) => again.has(need)) || nodes.some((other) => again.has(other.id) && together(node, other)))
        again.add(node.id);
  }
  return {
    again: nodes.filter(({ id }) => again.has(id)),
    kept: nodes.filter(({ id }) => !again.has(id)),
    dragged: again.size > first,
    unplanned: unknown.length > 0,
  };
}

const isExtract = (type: string): boolean => type.endsWith('.extract');

/** Of a very large plan less is kept. */
function saysWhatItMeans(node: PlannedNode | undefined): boolean {
  return node !== undefined && (node.options.source !== undefined || node.plan.pins.fingerprint !== undefined);
}

/** Whether two extracts share a snapshot, as far as the plan says which source they have. */
function isOneSource(a: PlannedNode | undefined, b: PlannedNode | undefined): boolean {
  const [one, other] = [a?.options.source, b?.options.source];
  return one === undefined || other === undefined || one === other;
}

/** What dbt builds again of a node that failed in it: `1 test that failed and 2 that were skipped`; undefined: all of it. */
export function dbtAgainText({ type, dbt, result }: NodeRun): string | undefined {
  const ids = (name: 'failed' | 'skipped'): readonly string[] => {
    const list = result?.facts?.[name];
    return Array.isArray(list) ? list.map(String) : [];
  };
  const [failed, skipped] = [ids('failed'), ids('skipped')];
  if (!type.startsWith('dbt.') || failed.length + skipped.length === 0) return undefined;
  const kinds = new Map(dbt.map(({ uniqueId, kind }) => [uniqueId, kind.replaceAll('_', ' ')]));
  const counted = new Map<string, number>();
  for (const id of failed) {
    const kind = kinds.get(id) ?? 'node';
    counted.set(kind, (counted.get(kind) ?? 0) + 1);
  }
  const words = [...counted].map(([kind, count]) => `${count} ${kind}${count === 1 ? '' : 's'} that failed`);
  if (skipped.length > 0) words.push(`${skipped.length} that ${skipped.length === 1 ? 'was' : 'were'} skipped`);
  return words.join(' and ');
}
