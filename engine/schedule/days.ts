import { dayMs, type LocalMs, type Zone } from './zone.ts';

/** The first instant of a local day, given by its midnight as `Zone.local` has it, also where clocks are set at midnight. */
export function dayStart(zone: Zone, midnight: LocalMs): number {
  const candidates = [zone.offsetAt(midnight - dayMs), zone.offsetAt(midnight + dayMs)]
    .map((offset) => midnight - offset)
    .sort((a, b) => a - b);
  const found = candidates.find((at) => zone.local(at) >= midnight && zone.local(at) < midnight + dayMs);
  return found ?? candidates[1] ?? midnight;
}

/** Where so many local days, or their hours, begin, and where the last one ends; rising. A day on which clocks are set has 23 or 25 hours. */
export function edgesOf(zone: Zone, midnight: LocalMs, days: number, step: 'hour' | 'day'): readonly number[] {
  const starts = Array.from({ length: days + 1 }, (_, n) => dayStart(zone, midnight + n * dayMs));
  if (step === 'day') return starts;
  const hours: number[] = [];
  for (const [n, start] of starts.slice(0, -1).entries())
    for (let at = start; at < (starts[n + 1] ?? start); at += 3_600_000) hours.push(at);
  return [...hours, starts.at(-1) ?? midnight];
}

/** In which stretches the clocks of a zone are set. */
export function clocksSetIn(zone: Zone, edges: readonly number[]): readonly number[] {
  const [first] = edges;
  const last = edges.at(-1);
  if (first === undefined || last === undefined) return [];
  // A change at the very first instant of a stretch is its own.
  const changes = zone.changesBetween(first - 1, last).filter(({ atMs }) => atMs >= first && atMs < last);
  return [...new Set(changes.map(({ atMs }) => stretchOf(edges, atMs)))];
}

/** The stretch that a moment lies in; -1 before the first. */
export function stretchOf(edges: readonly number[], atMs: number): number {
  return edges.findLastIndex((edge) => edge <= atMs);
}
