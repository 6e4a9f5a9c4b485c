import type { DbtResult } from '../engine/event.ts';

/** What dbt did, kind by kind: what it built, then what it tested. */
export interface DbtGroup {
  /** `models`, `seeds`, `snapshots`, `tests`. */
  readonly title: string;
  /** `1 failed, 9 passed`. */
  readonly tally: string;
  /** The worst first. */
  readonly results: readonly DbtResult[];
}

const worst: readonly DbtResult['status'][] = ['error', 'fail', 'partial success', 'warn', 'skipped', 'no-op'];
const titles = new Map([
  ['seed', 'seeds'],
  ['snapshot', 'snapshots'],
  ['model', 'models'],
  ['unit_test', 'unit tests'],
  ['test', 'tests'],
]);

/** The results of one node in groups, those that went wrong first in each. */
export function dbtGroups(results: readonly DbtResult[]): readonly DbtGroup[] {
  const kinds = [...new Set([...titles.keys(), ...results.map(({ kind }) => kind)])];
  return kinds.flatMap((kind) => {
    const own = results.filter((result) => result.kind === kind).sort((a, b) => rank(a.status) - rank(b.status));
    return own.length === 0 ? [] : [{ title: titles.get(kind) ?? kind, tally: tallyOf(own), results: own }];
  });
}

function rank(status: DbtResult['status']): number {
  const at = worst.indexOf(status);
  return at < 0 ? worst.length : at;
}

function tallyOf(results: readonly DbtResult[]): string {
  const counts = new Map<string, number>();
  for (const { status } of results) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts].map(([status, count]) => `${count} ${status}`).join(', ');
}
