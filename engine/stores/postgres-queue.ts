import type { Knex } from 'knex';
import type { Clock } from '../base/clock.ts';
import type { JsonObject } from '../base/json.ts';
import type { Lease } from '../connector.ts';
import { EngineError } from '../error.ts';
import type { Asked, Decision, Queue, QueueEntry, ScheduleMark } from '../queue.ts';
import { createPostgresFires } from './postgres-fires.ts';
import { refuseUnled } from './postgres-leader.ts';
import { entryOf, type QueueRow } from './queue-row.ts';
import { type RunRow, runRecord } from './run-row.ts';

/** The contract of `Queue` on the store's schema (`queue`, `schedules`, `pauses`). `known` turns the database's errors into the engine's. */
export function createPostgresQueue(db: Knex, schema: string, clock: Clock, known: <T>(work: () => Promise<T>) => Promise<T>): Queue {
  const table = (name: 'queue' | 'schedules' | 'pauses', on: Knex = db): Knex.QueryBuilder => on.withSchema(schema).table(name);
  const now = (): string => new Date(clock.now()).toISOString();
  return {
    ...createPostgresFires(db, schema, known),
    marks: () =>
      known(async () => {
        const rows: readonly { pipeline: string; schedules: JsonObject; seen_until: Date }[] = await table('schedules').select();
        return new Map(
          rows.map((row): [string, ScheduleMark] => [row.pipeline, { schedules: row.schedules, seenUntilMs: row.seen_until.getTime() }]),
        );
      }),
    decide: (leader, decision) => known(() => db.transaction((trx) => decide(trx, leader, decision))),
    seen: (leader, pipelines, untilMs) =>
      known(() =>
        db.transaction(async (trx) => {
          await refuseUnled(trx, schema, leader);
          const until = new Date(untilMs).toISOString();
          await table('schedules', trx)
            .whereIn('pipeline', [...pipelines])
            .where('seen_until', '<', until)
            .update({ seen_until: until });
        }),
      ),
    add: (asked) =>
      known(async () => {
        const [made]: readonly QueueRow[] = await table('queue').insert(rowOf(asked, now())).onConflict().ignore().returning('*');
        if (made !== undefined) return entryOf(made);
        const there: QueueRow | undefined = await table('queue').where({ kind: asked.kind, retry_of: asked.retryOf }).first();
        if (there === undefined) throw new Error(`the queue took nothing of ${asked.pipeline}`);
        return entryOf(there);
      }),
    abandoned: (sinceMs) =>
      known(async () => {
        const runs = (): Knex.QueryBuilder => db.withSchema(schema).table('runs');
        const rows: readonly RunRow[] = await runs()
          .where({ state: 'interrupted' })
          .where('ended_at', '>=', new Date(sinceMs).toISOString())
          .whereIn('trigger', ['schedule', 'resume', 'api'])
          .whereNotIn('run_id', table('queue').where({ kind: 'resume' }).whereNotNull('retry_of').select('retry_of'))
          .whereNotIn('run_id', runs().whereNotNull('retry_of').select('retry_of'))
          .orderBy('run_id');
        return rows.map(runRecord);
      }),
    waiting: () =>
      known(async () => {
        const rows: readonly QueueRow[] = await table('queue').where({ state: 'queued' }).orderBy('id').select();
        return rows.map(entryOf);
      }),
    entry: (id) =>
      known(async () => {
        const row: QueueRow | undefined = await table('queue').where({ id }).first();
        return row === undefined ? undefined : entryOf(row);
      }),
    entries: ({ pipeline, limit }) =>
      known(async () => {
        const found = table('queue').orderBy('id', 'desc').limit(limit);
        if (pipeline !== undefined) found.where({ pipeline });
        return ((await found) as readonly QueueRow[]).map(entryOf);
      }),
    concerning: (pipelines, runIds) =>
      known(async () => {
        const values = { s: schema, pipelines: [...pipelines], runs: [...runIds], few: fewLeftOut };
        const { rows }: { readonly rows: readonly QueueRow[] } = await db.raw(concerning, values);
        return rows.map(entryOf);
      }),
    end: (id, state, reason) =>
      known(async () => (await table('queue').where({ id, state: 'queued' }).update({ state, reason, noted_at: now() })) === 1),
    explain: (id, reason) =>
      known(async () => {
        await table('queue').where({ id, state: 'queued' }).update({ reason });
      }),
    pause: (pipeline, by) =>
      known(async () => {
        await table('pauses').insert({ pipeline, paused_by: by, paused_at: now() }).onConflict('pipeline').ignore();
      }),
    unpause: (pipeline) =>
      known(async () => {
        await table('pauses').where({ pipeline }).delete();
      }),
    pauses: () =>
      known(async () => {
        const rows: readonly { pipeline: string; paused_by: string; paused_at: Date }[] = await table('pauses').select();
        return new Map(rows.map((row) => [row.pipeline, { by: row.paused_by, at: row.paused_at.toISOString() }]));
      }),
  };

  async function decide(trx: Knex, leader: Lease, { pipeline, mark, fires }: Decision): Promise<readonly QueueEntry[]> {
    await refuseUnled(trx, schema, leader);
    const at = now();
    const rows = fires.map(({ scheduledAtMs, state, reason }) => ({
      pipeline,
      kind: 'fire',
      scheduled_at: new Date(scheduledAtMs).toISOString(),
      request: '{}',
      asked_by: 'schedule',
      state,
      reason: reason ?? null,
      noted_at: at,
    }));
    const made: readonly QueueRow[] = rows.length === 0 ? [] : await table('queue', trx).insert(rows).onConflict().ignore().returning('*');
    await table('schedules', trx)
      .insert({ pipeline, schedules: JSON.stringify(mark.schedules), seen_until: new Date(mark.seenUntilMs).toISOString() })
      .onConflict('pipeline')
      .merge();
    return made.map(entryOf);
  }
}

const fewLeftOut = 3;

const concerning = `
SELECT * FROM :s:.queue WHERE id IN (
  SELECT id FROM :s:.queue WHERE run_id = ANY (CAST(:runs AS text[]))
  UNION
  SELECT id FROM :s:.queue WHERE kind = 'resume' AND retry_of = ANY (CAST(:runs AS text[]))
  UNION
  SELECT q.id FROM unnest(CAST(:pipelines AS text[])) AS asked (name),
  LATERAL (SELECT id FROM :s:.queue WHERE queue.pipeline = asked.name AND state IN ('skipped', 'failed') ORDER BY id DESC LIMIT :few) q
) ORDER BY id DESC`;

/** In the transaction of a run's first event: the entry becomes this run's, or the run must not be. */
export async function takeEntry(trx: Knex, schema: string, id: number, runId: string): Promise<QueueEntry> {
  const [row]: readonly QueueRow[] = await trx
    .withSchema(schema)
    .table('queue')
    .where({ id })
    .andWhere((either) => void either.where({ state: 'queued' }).whereNull('run_id').orWhere({ run_id: runId }))
    .update({ state: 'started', run_id: runId, reason: null })
    .returning('*');
  if (row === undefined)
    throw new EngineError('refused', 'queue.taken', `what is queued under ${id} has been started, or was taken off the queue`, {
      hint: 'Nothing to do: see engine runs.',
    });
  return entryOf(row);
}

/** In the same transaction: a run goes on from `retryOf`, so what waits to do that has nothing to do any more. */
export async function endResume(trx: Knex, schema: string, retryOf: string, runId: string): Promise<void> {
  await trx
    .withSchema(schema)
    .table('queue')
    .where({ kind: 'resume', retry_of: retryOf, state: 'queued' })
    .update({ state: 'cancelled', reason: `run ${runId} goes on from it` });
}

function rowOf(asked: Asked, at: string): object {
  return {
    pipeline: asked.pipeline,
    kind: asked.kind,
    retry_of: asked.retryOf ?? null,
    request: JSON.stringify(asked.request),
    asked_by: asked.askedBy,
    state: 'queued',
    noted_at: at,
  };
}
