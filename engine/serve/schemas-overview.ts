import { integer, list, number, object, ref, runStates, text, texts, time } from './schema-words.ts';

/** Schemas of what `engine/api-overview.ts` says. */
export const overviewSchemas: Readonly<Record<string, object>> = {
  RunBrief: object({ runId: text, state: { enum: runStates }, startedAt: time, tookMs: number }, ['runId', 'state', 'startedAt']),
  LoadBrief: object({ runId: text, node: text, at: time, rows: number, lakeVersion: integer }, ['runId', 'node']),
  PipelineBrief: object(
    {
      pipeline: text,
      mode: { enum: ['full', 'incremental'] },
      tables: texts,
      tags: texts,
      schedules: list(object({ cron: text, timezone: text, words: text })),
      next: time,
      paused: object({ by: text, at: time }, ['by']),
      live: ref('RunBrief'),
      runs: list(ref('RunBrief')),
      rowsLoaded: number,
      medianMs: number,
    },
    ['pipeline', 'mode', 'tables', 'tags', 'schedules', 'runs', 'rowsLoaded'],
  ),
  TableBrief: object(
    {
      table: text,
      pipelines: texts,
      lakeAsOf: time,
      asOf: time,
      analyticsAsOf: time,
      limitMs: number,
      heldBy: text,
      loaded: ref('LoadBrief'),
    },
    ['table', 'pipelines'],
  ),
  Overview: object(
    {
      at: time,
      engine: text,
      daemon: ref('Leadership'),
      problems: list(ref('Problem')),
      pipelines: list(ref('PipelineBrief')),
      tables: list(ref('TableBrief')),
      queue: list(ref('QueueEntry')),
      storeDown: object({ since: time, message: text }),
    },
    ['at', 'engine', 'daemon', 'problems', 'pipelines', 'tables', 'queue'],
  ),
};
