import type { Knex } from 'knex';
import type { EntryRecord, EntryState, FireCount, Queue } from '../queue.ts';
import type { RunState } from '../run.ts';
import { entryOf, type QueueRow } from './queue-row.ts';
import { type RunRow, runRecord } from './run-row.ts';

/** The part of `Queue` that tells what entries came to, most of all times of schedules. Each statement goes by an index. */
export function createPostgresFires(
  db: Knex,
  schema: string,
  known: <T>(work: () => Promise<T>) => Promise<T>,
): Pick<Queue, 'fireCounts' | 'fires' | 'leftOutSaying' | 'records'> {
  return {
    fireCounts: ({ pipelines, edges, nowMs, onTimeMs, needsNobody }) =>
      known(async () => {
        if (pipelines.length === 0 || edges.length < 2) return [];
        const { rows }: { readonly rows: readonly CountRow[] } = await db.raw(counts, {
          s: schema,
          names: pipelines.map(({ name }) => name),
          limits: pipelines.map(({ lateAfterMs }) => (lateAfterMs === undefined ? null : lateAfterMs / 1000)),
          edges: edges.map(iso),
          from: iso(edges[0] ?? 0),
          until: iso(edges.at(-1) ?? 0),
          now: iso(nowMs),
          onTime: onTimeMs / 1000,
          needsNobody: [...needsNobody],
        });
        return rows.map(({ run, count, ...row }): FireCount => ({ ...row, run: run ?? undefined, count: Number(count) }));
      }),
    fires: ({ pipeline, fromMs, untilMs, limit }) =>
      known(async () => {
        const entries: readonly QueueRow[] = await db
          .withSchema(schema)
          .table('queue')
          .where({ pipeline, kind: 'fire' })
          .where('scheduled_at', '>=', iso(fromMs))
          .where('scheduled_at', '<', iso(untilMs))
          .orderBy('scheduled_at')
          .limit(limit);
        return withRuns(entries);
      }),
    records: (ids) =>
      known(async () =>
        ids.length === 0
          ? []
          : withRuns(
              await db
                .withSchema(schema)
                .table('queue')
                .whereIn('id', [...ids]),
            ),
      ),
    leftOutSaying: ({ pipelines, text, fromMs, limit }) =>
      known(async () => {
        const values = { s: schema, names: [...pipelines], text, from: iso(fromMs), limit };
        const { rows }: { readonly rows: readonly QueueRow[] } = await db.raw(saying, values);
        return rows.map(entryOf);
      }),
  };

  async function withRuns(entries: readonly QueueRow[]): Promise<readonly EntryRecord[]> {
    const ids = entries.flatMap((entry) => entry.run_id ?? []);
    const runs: readonly RunRow[] = ids.length === 0 ? [] : await db.withSchema(schema).table('runs').whereIn('run_id', ids);
    const byId = new Map(runs.map((row) => [row.run_id, runRecord(row)]));
    return entries.map((row) => ({ entry: entryOf(row), run: row.run_id === null ? undefined : byId.get(row.run_id) }));
  }
}

interface CountRow {
  readonly pipeline: string;
  readonly index: number;
  readonly state: EntryState;
  readonly run: RunState | null;
  readonly missed: boolean;
  readonly late: boolean;
  readonly count: string;
}

/** What counts as late is what `engine/schedule/late.ts` says of one. */
const counts = `
SELECT q.pipeline, width_bucket(q.scheduled_at, CAST(:edges AS timestamptz[])) - 1 AS index, q.state, r.state AS run,
  q.state = 'skipped' AND NOT EXISTS (SELECT FROM unnest(CAST(:needsNobody AS text[])) AS beginning WHERE starts_with(q.reason, beginning)) AS missed,
  coalesce(r.started_at - q.scheduled_at > make_interval(secs => :onTime), false) OR coalesce(
    CASE WHEN r.run_id IS NOT NULL THEN coalesce(r.ended_at, :now) WHEN q.state = 'queued' THEN :now END - q.noted_at > make_interval(secs => asked.late_after),
    false
  ) AS late,
  count(*) AS count
FROM unnest(CAST(:names AS text[]), CAST(:limits AS double precision[])) AS asked (name, late_after)
JOIN :s:.queue q ON q.pipeline = asked.name AND q.kind = 'fire' AND q.scheduled_at >= :from AND q.scheduled_at < :until
LEFT JOIN :s:.runs r ON r.run_id = q.run_id
GROUP BY 1, 2, 3, 4, 5, 6
ORDER BY 1, 2`;

const saying = `
SELECT found.* FROM unnest(CAST(:names AS text[])) AS asked (name),
LATERAL (
  SELECT * FROM :s:.queue q
  WHERE q.pipeline = asked.name AND q.kind = 'fire' AND q.scheduled_at >= :from AND q.state = 'skipped' AND strpos(q.reason, :text) > 0
  ORDER BY q.scheduled_at LIMIT :limit
) found`;

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
