import { integer, list, number, object, ref, runStates, text, time } from './schema-words.ts';

const fireStates = [
  'succeeded',
  'failed',
  'running',
  'cancelled',
  'interrupted',
  'ran',
  'queued',
  'missed',
  'skipped',
  'undecided',
  'next',
];

/** Schemas of what `engine/api-schedule.ts` says. */
export const scheduleSchemas: Readonly<Record<string, object>> = {
  FireBucket: object({
    index: integer,
    counts: object(Object.fromEntries(fireStates.map((state) => [state, integer])), []),
    late: integer,
  }),
  ScheduleRow: object(
    {
      pipeline: text,
      schedules: list(object({ cron: text, timezone: text, words: text })),
      paused: object({ by: text, at: time }, ['by']),
      clocksSet: list(integer),
      buckets: list(ref('FireBucket')),
    },
    ['pipeline', 'schedules', 'clocksSet', 'buckets'],
  ),
  SchedulePage: object({
    at: time,
    zone: text,
    step: { enum: ['hour', 'day'] },
    edges: list(time),
    clocksSet: list(integer),
    pipelines: list(ref('ScheduleRow')),
  }),
  Fire: object(
    {
      at: time,
      state: { enum: fireStates },
      reason: text,
      run: object({ runId: text, state: { enum: runStates }, startedAt: time, endedAt: time }, ['runId', 'state', 'startedAt']),
      afterMs: number,
      late: text,
      local: list(object({ timezone: text, at: text, clocksSet: { type: 'boolean' } })),
    },
    ['at', 'state', 'local'],
  ),
  FiresPage: object({ at: time, fires: list(ref('Fire')), next: time }, ['at', 'fires']),
};
