/** Why a time of a schedule has no run; told apart again by its text. */
export const leftOut = {
  paused: (by: string, since: string): string => `paused by ${by} since ${since}`,
  pausedInFile: 'paused in pipelines.yaml',
  atWork: (runId: string): string => `run ${runId} was still at work`,
  waiting: 'a run of it was still waiting',
} as const;

/** `paused` and `waiting` need nobody: a person asked for it, or the run that waited begins after that time. `other`: nothing was done for it. */
export function whyLeftOut(reason: string | undefined): 'paused' | 'waiting' | 'at-work' | 'other' {
  if (reason === undefined) return 'other';
  if (reason.startsWith('paused ')) return 'paused';
  if (reason === leftOut.waiting) return 'waiting';
  return /^run \S+ was still at work$/.test(reason) ? 'at-work' : 'other';
}
