import type { FastifyInstance } from 'fastify';
import type { FiresPage, SchedulePage, ScheduleRow } from '../api-schedule.ts';
import type { PipelineConfig } from '../config.ts';
import { cronWords } from '../schedule/words.ts';
import { dayMs, zoneOf } from '../schedule/zone.ts';
import { Refusal } from './errors.ts';
import { knownPipeline } from './known.ts';
import type { ServerParts } from './parts.ts';
import { createRemembering } from './remembering.ts';
import { answers, fields, limitParam, nameParam, ref } from './schemas.ts';

/** Whoever asks while a calendar is counted gets that one: there may be many readers, and many times to count. */
const freshMs = 0;
const mostDays = 31;
/** By the hour; more would be columns that nobody reads. */
const mostDaysByHour = 7;
const usualFires = 200;
const mostFires = 1_000;

const dateParam = { type: 'string', pattern: '^(19|20|21)\\d\\d-\\d\\d-\\d\\d$', description: 'A local date: 2026-11-23' } as const;
const momentParam = {
  type: 'string',
  pattern: '^(19|20|21)\\d\\d-\\d\\d-\\d\\dT\\d\\d:\\d\\d(:\\d\\d(\\.\\d{1,6})?)?Z$',
  description: 'ISO 8601, UTC',
} as const;

interface CalendarQuery {
  readonly from: string;
  readonly days: number;
  readonly step: 'hour' | 'day';
  readonly zone: string;
}

/** Times of schedules, past and to come: counted, and one by one. */
export function scheduleRoutes(app: FastifyInstance, parts: ServerParts): void {
  const calendars = createRemembering<SchedulePage>(parts.clock, { freshMs, atOnce: 1, most: 50 });
  app.get<{ Querystring: CalendarQuery }>(
    '/schedule',
    {
      schema: {
        summary: 'What became of the times of schedules, and which are to come, counted by days or hours',
        querystring: fields(
          {
            from: dateParam,
            days: { type: 'integer', minimum: 1, maximum: mostDays, default: 7 },
            step: { enum: ['hour', 'day'], default: 'day', description: `By the hour at most ${mostDaysByHour} days` },
            zone: { ...nameParam, default: 'UTC', description: 'The IANA zone whose days and hours they are' },
          },
          ['from'],
        ),
        response: answers(ref('SchedulePage')),
      },
    },
    async ({ query: { from, days, step, zone: name } }): Promise<SchedulePage> => {
      const { clocksSetIn, edgesOf } = await import('../schedule/days.ts');
      const { readCalendar } = await import('../schedule/calendar.ts');
      if (step === 'hour' && days > mostDaysByHour)
        throw new Refusal(
          400,
          'schedule.too-long',
          `${days} days by the hour are too many`,
          `Ask for at most ${mostDaysByHour}, or by the day.`,
        );
      const zone = canonicalZone(name);
      const edges = edgesOf(zoneOf(zone), midnightOf(from), days, step);
      const read = async (): Promise<SchedulePage> => {
        const { clock, config, queue } = parts;
        const [{ pipelines }, pauses, nowMs] = [await config(), await queue.pauses(), clock.now()];
        const scheduled = Object.values(pipelines).filter(({ schedules }) => schedules.length > 0);
        const buckets = await readCalendar(queue, scheduled, edges, nowMs);
        const setIn = new Map<string, readonly number[]>();
        const rowOf = (pipeline: PipelineConfig): ScheduleRow => {
          for (const { timezone } of pipeline.schedules)
            if (!setIn.has(timezone)) setIn.set(timezone, clocksSetIn(zoneOf(timezone), edges));
          return {
            pipeline: pipeline.name,
            schedules: pipeline.schedules.map(({ cron, timezone }) => ({ cron, timezone, words: cronWords(cron) })),
            paused: pauses.get(pipeline.name) ?? (pipeline.paused ? { by: 'pipelines.yaml' } : undefined),
            clocksSet: [...new Set(pipeline.schedules.flatMap(({ timezone }) => setIn.get(timezone) ?? []))].sort((a, b) => a - b),
            buckets: buckets.get(pipeline.name) ?? [],
          };
        };
        return {
          at: iso(nowMs),
          zone,
          step,
          edges: edges.map(iso),
          clocksSet: clocksSetIn(zoneOf(zone), edges),
          pipelines: scheduled.map(rowOf),
        };
      };
      return (await calendars.get(JSON.stringify([zone, from, days, step]), read)).value;
    },
  );

  app.get<{ Querystring: { readonly pipeline: string; readonly from: string; readonly to: string; readonly limit: number } }>(
    '/schedule/fires',
    {
      schema: {
        summary: 'The times of a pipeline one by one, past and to come',
        querystring: fields({ pipeline: nameParam, from: momentParam, to: momentParam, limit: limitParam(mostFires, usualFires) }, [
          'pipeline',
          'from',
          'to',
        ]),
        response: answers(ref('FiresPage')),
      },
    },
    async ({ query }): Promise<FiresPage> => {
      const { readFires } = await import('../schedule/fires.ts');
      const [fromMs, untilMs, nowMs] = [momentOf(query.from), momentOf(query.to), parts.clock.now()];
      if (untilMs <= fromMs || untilMs - fromMs > (mostDays + 1) * dayMs)
        throw new Refusal(400, 'schedule.too-long', `to is not after from, or more than ${mostDays} days after it`);
      const pipeline = await knownPipeline(parts, query.pipeline);
      const { fires, nextMs } = await readFires(parts.queue, pipeline, { fromMs, untilMs, limit: query.limit, nowMs });
      return { at: iso(nowMs), fires, next: nextMs === undefined ? undefined : iso(nextMs) };
    },
  );
}

/** One of the names that Node.js has for it: what is kept of a zone is kept once, however it is written. */
function canonicalZone(name: string): string {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
  } catch (error) {
    if (error instanceof RangeError)
      throw new Refusal(400, 'schedule.zone', `there is no time zone ${name}`, 'Write one as Europe/Berlin.');
    throw error;
  }
}

function midnightOf(date: string): number {
  const midnight = Date.parse(`${date}T00:00:00Z`);
  if (Number.isNaN(midnight) || iso(midnight).slice(0, 10) !== date) throw new Refusal(400, 'schedule.date', `${date} is no date`);
  return midnight;
}

function momentOf(text: string): number {
  const moment = Date.parse(text);
  if (Number.isNaN(moment)) throw new Refusal(400, 'schedule.date', `${text} is no moment`);
  return moment;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
