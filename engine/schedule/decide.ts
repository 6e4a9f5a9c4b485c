import type { Clock } from '../base/clock.ts';
import { showDuration } from '../base/duration.ts';
import type { CatchupConfig, Config } from '../config.ts';
import type { Lease } from '../connector.ts';
import type { Queue, QueueEntry } from '../queue.ts';
import { dueFires, markWithout, schedulesIn } from './due.ts';
import { entryText } from './entry-text.ts';
import { leftOut } from './left-out.ts';
import type { LiveRun } from './startable.ts';
import type { Tell } from './tell.ts';

export interface DecideParts {
  readonly queue: Queue;
  readonly clock: Clock;
  readonly tell: Tell;
}

/** What waits and what is at work. */
export interface Work {
  readonly waiting: readonly QueueEntry[];
  readonly live: readonly LiveRun[];
}

/** Marks that only moved on are written when they are so old. */
const seenEveryMs = 60_000;

/** Writes down what is due, pipeline by pipeline, and up to when the others were looked at. Throws `lease.lost` once another daemon leads. */
export async function decideAll({ queue, clock, tell }: DecideParts, lead: Lease, config: Config, { waiting, live }: Work): Promise<void> {
  const marks = await queue.marks();
  const pauses = await queue.pauses();
  const beganMs = clock.now();
  const quiet: string[] = [];
  for (const [pipeline, mark] of marks)
    if ((config.pipelines[pipeline]?.schedules ?? []).length === 0 && schedulesIn(mark).length > 0)
      await queue.decide(lead, { pipeline, mark: markWithout(beganMs), fires: [] });
  for (const pipeline of Object.values(config.pipelines)) {
    if (pipeline.schedules.length === 0) continue;
    const nowMs = clock.now();
    const mark = marks.get(pipeline.name);
    const due = dueFires({ schedules: pipeline.schedules, catchup: pipeline.catchup, mark, nowMs });
    // Marks that only moved on are written now and then, all at once: without fires in between they say the same.
    const moved = mark === undefined || JSON.stringify(mark.schedules) !== JSON.stringify(due.mark.schedules) || nowMs < mark.seenUntilMs;
    if (due.fires.length === 0 && due.missed === undefined && !moved) {
      if (beganMs - mark.seenUntilMs >= seenEveryMs) quiet.push(pipeline.name);
      continue;
    }
    const paused = pauses.get(pipeline.name);
    const atWork =
      live.find((run) => run.pipeline === pipeline.name)?.runId ?? waiting.find((entry) => entry.pipeline === pipeline.name)?.id;
    const skip =
      paused !== undefined
        ? leftOut.paused(paused.by, paused.at)
        : pipeline.paused
          ? leftOut.pausedInFile
          : pipeline.overlap === 'skip' && due.fires.length === 1 && atWork !== undefined
            ? typeof atWork === 'string'
              ? leftOut.atWork(atWork)
              : leftOut.waiting
            : undefined;
    const stopped = paused !== undefined || pipeline.paused;
    const missed = due.missed === undefined ? undefined : `${leftOut.missed(due.missed)} (catchup: ${catchupText(pipeline.catchup)})`;
    const made = await queue.decide(lead, {
      pipeline: pipeline.name,
      mark: due.mark,
      fires: [
        // One row tells of all that were missed: the last of them.
        ...(due.missed === undefined || missed === undefined
          ? []
          : [{ scheduledAtMs: due.missed.lastMs, state: 'skipped' as const, reason: stopped ? (skip ?? missed) : missed }]),
        ...due.fires.map((scheduledAtMs) => ({
          scheduledAtMs,
          state: skip === undefined ? ('queued' as const) : ('skipped' as const),
          ...(skip === undefined ? {} : { reason: skip }),
        })),
      ],
    });
    for (const entry of made)
      if (entry.state === 'queued') tell('info', `${entryText(entry)} is due`, { pipeline: pipeline.name });
      else if (entry.reason !== missed) tell('warn', `${entryText(entry)} is left out: ${entry.reason}`, { pipeline: pipeline.name });
    if (missed !== undefined) tell('warn', `${pipeline.name}: ${missed}`, { pipeline: pipeline.name });
  }
  if (quiet.length > 0) await queue.seen(lead, quiet, beganMs);
}

function catchupText(catchup: CatchupConfig): string {
  return typeof catchup === 'string' ? catchup : `{ window: ${showDuration(catchup.windowMs)}, max: ${catchup.max} }`;
}
