import type { PlannedNode } from '../plan.ts';
import type { NodeRun, Run } from '../run.ts';

/**
 * Nodes that are not done again when a run goes on from an earlier one: those that succeeded there, with all that they need. Two rules on top:
 * - all extracts of one source were read under one snapshot, so when one of them has to run again, all of them run again (and what needs them);
 * - a unit is kept as a whole or not at all.
 * Pure.
 */
export function keptNodes(nodes: readonly PlannedNode[], earlier: Run): ReadonlySet<string> {
  const before = new Map<string, NodeRun>(earlier.nodes.map((n) => [n.id, n]));
  const kept = new Set<string>();
  for (const node of nodes) {
    const was = before.get(node.id);
    if (was?.state === 'succeeded' && was.type === node.type && was.unit === node.unit) kept.add(node.id);
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
