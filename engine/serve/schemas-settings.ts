import { integer, list, number, object, ref, text, texts, time } from './schema-words.ts';

const yes = { type: 'boolean' } as const;
const place = { name: text, type: text, place: text };
const refused = object({ at: time, why: text });
const check = { part: text, subject: text, outcome: { enum: ['ok', 'warn', 'fail'] }, message: text, hint: text };
const delivery = {
  incident: text,
  event: { enum: ['opened', 'closed'] },
  channel: text,
  state: { enum: ['due', 'sent', 'given-up'] },
  attempts: integer,
  nextAt: time,
  sentAt: time,
  error: text,
};

/** Schemas of what `engine/api-settings.ts` says. */
export const settingsSchemas: Readonly<Record<string, object>> = {
  SettingsPage: object(
    {
      at: time,
      engine: text,
      daemon: ref('Leadership'),
      config: object({ file: text, takenAt: time, refused }, ['file', 'takenAt']),
      state: object(
        {
          type: { enum: ['postgres', 'sink', 'memory'] },
          place: text,
          schema: text,
          bytes: number,
          retention: object({ olderThanMs: number, keepRuns: integer }),
        },
        ['type', 'place'],
      ),
      sources: list(object(place)),
      lake: object(place),
      sinks: list(object({ ...place, schema: text })),
      dbt: object({ project: text, sink: text, command: text }, ['project', 'sink']),
      channels: list(
        object({ name: text, type: { enum: ['webhook', 'slack', 'email'] }, off: yes, pipelines: texts }, ['name', 'off', 'pipelines']),
      ),
      heartbeat: object({ everyMs: number }),
      tokens: list(object({ name: text, createdAt: time, usedAt: time }, ['name', 'createdAt'])),
      access: object({ listen: text, tls: yes, requireToken: yes, hosts: texts }),
      limits: object({ maxConcurrentRuns: integer, shutdownTimeoutMs: number }),
    },
    ['at', 'engine', 'daemon', 'config', 'state', 'sources', 'lake', 'sinks', 'channels', 'tokens', 'access', 'limits'],
  ),
  ConfigFinding: object(
    {
      severity: { enum: ['error', 'warning'] },
      code: text,
      message: text,
      hint: text,
      file: text,
      line: integer,
      column: integer,
      length: integer,
    },
    ['severity', 'code', 'message', 'file', 'line'],
  ),
  ConfigPage: object(
    { at: time, file: text, inForce: yes, takenAt: time, refused, lines: texts, findings: list(ref('ConfigFinding')), unreadable: text },
    ['at', 'file', 'inForce', 'takenAt', 'lines', 'findings'],
  ),
  DoctorPage: object(
    {
      last: object({
        at: time,
        by: text,
        tookMs: number,
        checks: list(object(check, ['part', 'subject', 'outcome', 'message'])),
      }),
      runningSince: time,
    },
    [],
  ),
  Incident: object(
    {
      id: text,
      problem: ref('Problem'),
      openedAt: time,
      closedAt: time,
      deliveries: list(object(delivery, ['incident', 'event', 'channel', 'state', 'attempts', 'nextAt'])),
    },
    ['id', 'problem', 'openedAt', 'deliveries'],
  ),
  IncidentsPage: object({ incidents: list(ref('Incident')), next: text }, ['incidents']),
};
