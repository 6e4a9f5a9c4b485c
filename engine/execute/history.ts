import type { PlannedNode } from '../plan.ts';
import type { NodeRun } from '../run.ts';
import type { EarlierRun } from './earlier.ts';

/**
 * Nodes that are not done again when a run goes on from an earlier one: those that succeeded there, with all that they need. Three rules on top:
 * - what was extracted with another meaning (a mask was added since) is taken again, for its rows must go no further;
 * - all extracts of one source were read under one snapshot, so when one of them has to run again, all of them run again (and what needs them);
 * - a unit is kept as a whole or not at all.
 * Pure.
 */
export function keptNodes(nodes: readonly PlannedNode[], earlier: EarlierRun): ReadonlySet<string> {
  const before = new Map<string, NodeRun>(earlier.run.nodes.map((n) => [n.id, n]));
  const planned = new Map(earlier.plan?.nodes.map((n) => [n.id, n]));
  const kept = new Set<string>();
  for (const node of nodes) {
    const was = before.get(node.id);
    if (was?.state === 'succeeded' && was.type === node.type && was.unit === node.unit && meansTheSame(node, planned.get(node.id)))
      kept.add(node.id);
  }
  const dropped = (members: readonly PlannedNode[]): boolean => {
    if (members.every((n) => kept.has(n.id)) || !members.some((n) => kept.has(n.id))) return false;
    for (const member of members) kept.delete(member.id);
    return true;
  };
  const together = [...groups(nodes, snapshotOf), ...groups(nodes, (n) => n.unit)];
  for (let changed = true; changed; ) {
    changed = together.filter(dropped).length > 0;
    for (const node of nodes)
      if (kept.has(node.id) && node.needs.some((need) => !kept.has(need))) {
        kept.delete(node.id);
        changed = true;
      }
  }
  return kept;
}

/** Plans of extracts pin a fingerprint of what they mean; null: it could not be asked for. One that nobody kept may have been any. */
function meansTheSame(node: PlannedNode, before: PlannedNode | undefined): boolean {
  const { fingerprint } = node.plan.pins;
  if (fingerprint === undefined) return true;
  if (before === undefined) return false;
  if (fingerprint !== null && before.plan.pins.fingerprint !== null) return fingerprint === before.plan.pins.fingerprint;
  return JSON.stringify(node.options) === JSON.stringify(before.options);
}

/** Names the snapshot that an extract shares: node types `<system>.extract` with the option `source`. */
function snapshotOf(node: PlannedNode): string | undefined {
  return node.type.endsWith('.extract') && typeof node.options.source === 'string' ? node.options.source : undefined;
}

function groups(nodes: readonly PlannedNode[], key: (node: PlannedNode) => string | undefined): readonly (readonly PlannedNode[])[] {
  const found = new Map<string, PlannedNode[]>();
  for (const node of nodes) {
    const name = key(node);
    if (name === undefined) continue;
    const group = found.get(name);
    if (group === undefined) found.set(name, [node]);
    else group.push(node);
  }
  return [...found.values()];
}
