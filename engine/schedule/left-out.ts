import { countText } from '../base/count.ts';

/** More missed times than this are not counted. */
export const mostCounted = 1_000;

/** Why a time of a schedule has no run; told apart again by its text. */
export const leftOut = {
  paused: (by: string, since: string): string => `paused by ${by} since ${since}`,
  pausedInFile: 'paused in pipelines.yaml',
  atWork: (runId: string): string => `run ${runId} was still at work`,
  waiting: 'a run of it was still waiting',
  /** Times that came while nobody looked; the row of the last of them tells of all. */
  missed: ({ count, firstMs, lastMs }: MissedSpan): string =>
    count === 1
      ? `the time ${iso(firstMs)} was missed`
      : `${countText(count)} times${count < mostCounted ? '' : ' or more'} were missed, from ${iso(firstMs)} to ${iso(lastMs)}`,
} as const;

/** Times of one pipeline that nobody ran for; `count` is not higher than `mostCounted`. */
export interface MissedSpan {
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

/** What a reason begins with that needs nobody: a person asked for it, or the run that waited begins after that time. */
export const needsNobody: readonly string[] = ['paused ', leftOut.waiting];
/** What stands in the reason of a row that tells of several times. */
export const tellsOfSeveral = ' were missed, from ';

/** `paused` and `waiting` need nobody. `other`: nothing was done for it. */
export function whyLeftOut(reason: string | undefined): 'paused' | 'waiting' | 'at-work' | 'other' {
  if (reason === undefined) return 'other';
  if (reason.startsWith('paused ')) return 'paused';
  if (reason === leftOut.waiting) return 'waiting';
  return /^run \S+ was still at work$/.test(reason) ? 'at-work' : 'other';
}

/** Whether a time that was left out for that reason counts as missed: somebody may have to look at it. */
export function isMissed(reason: string | undefined): boolean {
  return !needsNobody.some((beginning) => reason?.startsWith(beginning) === true);
}

/** The times that such a reason tells of, when it tells of several. */
export function missedSpan(reason: string | undefined): MissedSpan | undefined {
  const found = /^([\d,]+) times(?: or more)? were missed, from (\S+) to (\S+)(?= |$)/.exec(reason ?? '');
  if (found === null) return undefined;
  const [, count = '', first = '', last = ''] = found;
  const span = { count: Number(count.replaceAll(',', '')), firstMs: Date.parse(first), lastMs: Date.parse(last) };
  return Object.values(span).some(Number.isNaN) ? undefined : span;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
