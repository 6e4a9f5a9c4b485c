import { anything, integer, list, nodeStates, number, object, ref, runStates, text, texts, time } from './schema-words.ts';
import { connectionSchemas } from './schemas-connections.ts';
import { overviewSchemas } from './schemas-overview.ts';
import { pipelineSchemas } from './schemas-pipeline.ts';
import { runSchemas } from './schemas-run.ts';
import { scheduleSchemas } from './schemas-schedule.ts';
import { searchSchemas } from './schemas-search.ts';
import { settingsSchemas } from './schemas-settings.ts';
import { tableSchemas } from './schemas-table.ts';

/** JSON Schemas of what `engine/api*.ts` say; each becomes a component of `/openapi.json` under its `$id`. */

const pipelineView = {
  pipeline: text,
  mode: { enum: ['full', 'incremental'] },
  tables: texts,
  tags: texts,
  schedules: list(ref('ScheduleView')),
  next: time,
  paused: object({ by: text, at: time }, ['by']),
  live: ref('RunRecord'),
  history: object({ runs: list(ref('RunRecord')), rowsLoaded: number, medianMs: number }, ['runs', 'rowsLoaded']),
};
const pipelineRequired = ['pipeline', 'mode', 'tables', 'tags', 'schedules', 'history'];

const components: Readonly<Record<string, object>> = {
  ApiError: object({ error: object({ code: text, message: text, hint: text }, ['code', 'message']) }),
  RunRecord: object(
    {
      runId: text,
      pipeline: text,
      mode: { enum: ['full', 'incremental'] },
      state: { enum: runStates },
      startedAt: time,
      endedAt: time,
      host: text,
      pid: integer,
      retryOf: text,
      trigger: text,
      scheduledAt: time,
    },
    ['runId', 'pipeline', 'mode', 'state', 'startedAt', 'host', 'pid'],
  ),
  NodeRecord: object(
    {
      runId: text,
      pipeline: text,
      node: text,
      type: text,
      table: text,
      state: { enum: nodeStates },
      startedAt: time,
      endedAt: time,
      attempts: integer,
      rows: number,
      bytes: number,
      summary: text,
      facts: anything,
    },
    ['runId', 'pipeline', 'node', 'type', 'state', 'attempts', 'facts'],
  ),
  QueueEntry: object(
    {
      id: integer,
      pipeline: text,
      kind: { enum: ['fire', 'resume', 'trigger'] },
      scheduledAt: time,
      retryOf: text,
      request: anything,
      askedBy: text,
      state: { enum: ['queued', 'started', 'skipped', 'failed', 'cancelled'] },
      reason: text,
      runId: text,
      notedAt: time,
    },
    ['id', 'pipeline', 'kind', 'request', 'askedBy', 'state', 'notedAt'],
  ),
  Problem: object(
    {
      key: text,
      kind: text,
      severity: { enum: ['error', 'warning'] },
      pipeline: text,
      table: text,
      runId: text,
      since: time,
      text,
      hint: text,
    },
    ['key', 'kind', 'severity', 'since', 'text', 'hint'],
  ),
  ScheduleView: object({ cron: text, timezone: text, words: text, fires: list(object({ at: time, clocksSet: { type: 'boolean' } })) }),
  PipelineView: object(pipelineView, pipelineRequired),
  PipelinePage: object({ ...pipelineView, waiting: list(ref('QueueEntry')), entries: list(ref('QueueEntry')) }, [
    ...pipelineRequired,
    'waiting',
    'entries',
  ]),
  Leadership: object(
    {
      leader: object({ host: text, pid: integer, since: time }),
      self: object({ host: text, pid: integer, since: time, leads: { type: 'boolean' } }),
    },
    ['self'],
  ),
  Event: {
    type: 'object',
    properties: { seq: integer, at: time, runId: text, type: text },
    required: ['seq', 'at', 'runId', 'type'],
    additionalProperties: true,
  },
  Run: {
    type: 'object',
    properties: {
      runId: text,
      pipeline: text,
      state: { enum: runStates },
      startedAt: time,
      endedAt: time,
      nodes: list(anything),
    },
    required: ['runId', 'pipeline', 'state', 'startedAt', 'nodes'],
    additionalProperties: true,
  },
  RunPage: object({ run: ref('Run'), seq: integer, askedBy: text, retriedBy: text, traceId: text, links: list(ref('RunLink')) }, [
    'run',
    'seq',
    'links',
  ]),
  RunsPage: object({ runs: list(ref('RunRecord')), next: text }, ['runs']),
  EventsPage: object({ events: list(ref('Event')), next: integer }, ['events']),
  LogLine: object({ seq: integer, at: time, level: { enum: ['debug', 'info', 'warn', 'error'] }, node: text, text }, [
    'seq',
    'at',
    'level',
    'text',
  ]),
  LogPage: object({ lines: list(ref('LogLine')), next: integer }, ['lines']),
  Plan: {
    type: 'object',
    properties: { format_version: { const: 1 }, pipeline: text, nodes: list(anything) },
    required: ['format_version', 'pipeline', 'nodes'],
    additionalProperties: true,
  },
  Queued: object({ entry: ref('QueueEntry') }),
  Action: object({ id: integer, at: time, who: text, from: text, action: text, subject: text, outcome: text, asked: ref('AskedRun') }, [
    'id',
    'at',
    'who',
    'from',
    'action',
    'subject',
    'outcome',
  ]),
  AskedRun: object({ queued: integer, state: text, runId: text, reason: text }, ['queued', 'state']),
  ActionsPage: object({ actions: list(ref('Action')), next: integer }, ['actions']),
  Session: object({ who: text, tokenNeeded: { type: 'boolean' } }, ['tokenNeeded']),
  ...overviewSchemas,
  ...connectionSchemas,
  ...tableSchemas,
  ...searchSchemas,
  ...pipelineSchemas,
  ...scheduleSchemas,
  ...settingsSchemas,
  ...runSchemas,
};

/** All of them, with their `$id`. */
export const schemas: readonly { readonly $id: string }[] = Object.entries(components).map(([id, schema]) => ({
  $id: id,
  title: id,
  ...schema,
}));

export { ref } from './schema-words.ts';

/** A name as a caller may write it: Postgres takes no NUL in a text. */
export const nameParam = { type: 'string', minLength: 1, maxLength: 400, pattern: '^[^\\u0000]*$' } as const;
export const runParam = { type: 'string', pattern: '^[A-Za-z0-9_.-]{1,100}$' } as const;
export const idParam = { type: 'integer', minimum: 1, maximum: 999_999_999_999_999 } as const;
export const seqParam = { type: 'integer', minimum: 0, maximum: 999_999_999_999_999 } as const;
/** How many at most. */
export const limitParam = (most: number, usual: number): object => ({ type: 'integer', minimum: 1, maximum: most, default: usual });
/** An object of exactly these; those of `needed` must be there. */
export const fields = (properties: object, needed: readonly string[] = []): object => ({
  type: 'object',
  properties,
  required: needed,
  additionalProperties: false,
});
/** The answers of a route: one that is meant, and errors. */
export const answers = (meant: object, status = 200): object => ({ [status]: meant, '4xx': ref('ApiError'), '5xx': ref('ApiError') });
