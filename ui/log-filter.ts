import type { LogLine } from '../engine/api.ts';
import type { LogLevel } from '../engine/event.ts';
import type { NodeRun } from '../engine/run.ts';

/** Which lines of a log are shown, as the address says. */
export interface LogFilter {
  readonly node: string | undefined;
  /** Of that node. */
  readonly attempt: number | undefined;
  /** These and what is graver. */
  readonly level: LogLevel;
  readonly search: string;
}

export const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** The filter that stands in an address. */
export function logFilter(query: URLSearchParams): LogFilter {
  const attempt = Number(query.get('attempt'));
  const node = query.get('node') ?? undefined;
  return {
    node,
    attempt: node !== undefined && Number.isInteger(attempt) && attempt > 0 ? attempt : undefined,
    level: levels.find((level) => level === query.get('level')) ?? 'debug',
    search: query.get('search') ?? '',
  };
}

/** True when it leaves something out. */
export function isFiltered({ node, level, search }: LogFilter): boolean {
  return node !== undefined || level !== 'debug' || search !== '';
}

/** The lines that it lets through. An attempt's are those of its node between its beginning and the next one's, by `nodes`. */
export function filterLines(lines: readonly LogLine[], filter: LogFilter, nodes: readonly NodeRun[]): readonly LogLine[] {
  if (!isFiltered(filter)) return lines;
  const wanted = filter.search.toLowerCase();
  const least = levels.indexOf(filter.level);
  const attempts = filter.attempt === undefined ? [] : (nodes.find(({ id }) => id === filter.node)?.attempts ?? []);
  const at = attempts.findIndex(({ attempt }) => attempt === filter.attempt);
  // One that is not there has no lines.
  if (filter.attempt !== undefined && at < 0) return [];
  const from = attempts[at]?.startedAt ?? '';
  const to = at < 0 ? undefined : attempts[at + 1]?.startedAt;
  return lines.filter(
    (line) =>
      (filter.node === undefined || line.node === filter.node) &&
      levels.indexOf(line.level) >= least &&
      (from === '' || line.at >= from) &&
      (to === undefined || line.at < to) &&
      (wanted === '' || line.text.toLowerCase().includes(wanted)),
  );
}
