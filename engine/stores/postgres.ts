import knex, { type Knex } from 'knex';
import type { Client } from 'pg';
import type { Clock } from '../base/clock.ts';
import type { Lease } from '../connector.ts';
import { EngineError } from '../error.ts';
import type { Event } from '../event.ts';
import { stateAfter } from '../run.ts';
import type { LeaseHolder, LeaseRecord, RunQuery, Store } from '../store.ts';
import { aliveAmong, createLiveness, deadAfterMs } from './liveness.ts';
import { migratedTo, migrateSchema, refuseNewer, shippedMigrations } from './migrate.ts';
import { createPostgresAccess } from './postgres-access.ts';
import { createPostgresHistory } from './postgres-history.ts';
import { createPostgresIncidents } from './postgres-incidents.ts';
import { recordNodes } from './postgres-nodes.ts';
import { createPostgresQueue, endResume, takeEntry } from './postgres-queue.ts';
import { type RunRow, runRecord } from './run-row.ts';
import { leaseHeld, leaseLost, processGone } from './wording.ts';

export interface PostgresStoreOptions {
  /** A new session; `label` names it for people. The store ends it. */
  readonly connect: (label: string) => Promise<Client>;
  readonly schema: string;
  readonly clock: Clock;
  /** A statement that takes longer is given up; undefined: none is. */
  readonly statementTimeoutMs?: number;
}

interface LeaseRow {
  readonly name: string;
  readonly token: string;
  readonly run_id: string | null;
  readonly host: string | null;
  readonly pid: number | null;
  readonly since: Date | null;
}

const rowsAtOnce = 500;

/** The contract of `Store` on a Postgres schema of its own (`runs`, `nodes`, `events`, `leases`, `heartbeats`, `store`, `queue`, `schedules`, `pauses`, `incidents`, `deliveries`, `tokens`, `sessions`, `actions`, `migrations`). Opens its first session on first use. */
export function createPostgresStore(options: PostgresStoreOptions): Store {
  const { schema, clock } = options;
  const db = openKnex(async () => {
    const session = await options.connect('state');
    // A process that stands still in the middle of a transaction would hold its rows, and with them everybody who takes over, for as long as it sleeps.
    // What a database or a role may have set otherwise: how moments are written, which the driver reads in one way only, and how transactions see each other.
    await session.query(
      `SET idle_in_transaction_session_timeout = ${deadAfterMs}; SET DateStyle = 'ISO'; SET default_transaction_isolation = 'read committed'`,
    );
    if (options.statementTimeoutMs !== undefined) await session.query(`SET statement_timeout = ${options.statementTimeoutMs}`);
    return session;
  });
  const liveness = createLiveness(schema, () => options.connect('liveness'));
  const runsTable = (on: Knex = db): Knex.QueryBuilder => on.withSchema(schema).table('runs');
  const eventsTable = (on: Knex = db): Knex.QueryBuilder => on.withSchema(schema).table('events');
  const leasesTable = (on: Knex = db): Knex.QueryBuilder => on.withSchema(schema).table('leases');
  const heartbeatsTable = (on: Knex): Knex.QueryBuilder => on.withSchema(schema).table('heartbeats');
  let id: string | undefined;
  const storeId = async (): Promise<string> => {
    if (id !== undefined) return id;
    const row: { readonly id: string } | undefined = await db.withSchema(schema).table('store').first('id');
    if (row === undefined) throw new Error(`the store in schema ${schema} has no id`);
    id = row.id;
    return id;
  };
  const known = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw storeError(schema, error);
    }
  };

  const insertEvents = async (trx: Knex, events: readonly Event[]): Promise<void> => {
    for (let i = 0; i < events.length; i += rowsAtOnce) {
      const rows = events
        .slice(i, i + rowsAtOnce)
        .map((event) => ({ run_id: event.runId, seq: event.seq, at: event.at, type: event.type, event: JSON.stringify(event) }));
      await eventsTable(trx).insert(rows).onConflict(['run_id', 'seq']).ignore();
    }
    await recordNodes(trx, schema, events);
    for (const event of events) {
      const state = stateAfter(event);
      if (state !== undefined && state !== 'running')
        await runsTable(trx).where({ run_id: event.runId }).update({ state, ended_at: event.at });
    }
  };

  return {
    queue: createPostgresQueue(db, schema, clock, known),
    history: createPostgresHistory(db, schema, known),
    access: createPostgresAccess(db, schema, known),
    incidents: createPostgresIncidents(db, schema, known),
    migrate: () =>
      known(async () => {
        try {
          await migrateSchema(db, schema);
        } catch (error) {
          // Somebody else made the schema at the same moment (they need not be an engine that takes our lock).
          if (!['23505', '42P06', '42P07'].includes(sqlState(error) ?? '')) throw error;
          await migrateSchema(db, schema);
        }
      }),
    exists: () =>
      known(async () => {
        const found = await migratedTo(db, schema);
        const newest = shippedMigrations().at(-1)?.number ?? 0;
        refuseNewer(schema, found, newest);
        return found === newest;
      }),
    append: (events) =>
      known(async () => {
        if (events.length === 0) return;
        for (const event of events) if (event.type === 'run.started') await liveness.hold(event.runId);
        await liveness.keep();
        await db.transaction(async (trx) => {
          for (const event of events) {
            if (event.type !== 'run.started') continue;
            const entry = event.queued === undefined ? undefined : await takeEntry(trx, schema, event.queued, event.runId);
            if (event.retryOf !== undefined) await endResume(trx, schema, event.retryOf, event.runId);
            await runsTable(trx)
              .insert({
                run_id: event.runId,
                pipeline: event.pipeline,
                mode: event.mode,
                state: 'running',
                started_at: event.at,
                host: event.host,
                pid: event.pid,
                retry_of: event.retryOf ?? null,
                trigger: event.trigger,
                scheduled_at: entry?.scheduledAt ?? null,
              })
              .onConflict('run_id')
              .ignore();
          }
          await insertEvents(trx, events);
        });
      }),
    runs: (query: RunQuery) =>
      known(async () => {
        const found = runsTable()
          .select<RunRow[]>()
          .orderBy([
            { column: 'started_at', order: 'desc' },
            { column: 'run_id', order: 'desc' },
          ]);
        if (query.pipeline !== undefined) found.where({ pipeline: query.pipeline });
        if (query.states !== undefined) found.whereIn('state', [...query.states]);
        if (query.limit !== undefined) found.limit(query.limit);
        return ((await found) as readonly RunRow[]).map(runRecord);
      }),
    run: (runId) =>
      known(async () => {
        const row: RunRow | undefined = await runsTable().where({ run_id: runId }).first();
        return row === undefined ? undefined : runRecord(row);
      }),
    events: (runId, afterSeq = 0) =>
      known(async () => {
        const rows: readonly { readonly event: Event }[] = await eventsTable()
          .where({ run_id: runId })
          .where('seq', '>', afterSeq)
          .orderBy('seq')
          .select('event');
        return rows.map((row) => row.event);
      }),
    lease: (name, holder) =>
      known(async () => {
        await liveness.hold(holder.runId);
        const token = await db.transaction(async (trx) => {
          await leasesTable(trx).insert({ name, token: 0 }).onConflict('name').ignore();
          const row: LeaseRow | undefined = await leasesTable(trx).where({ name }).forUpdate().first();
          if (row === undefined) throw leaseLost(name);
          const by = leaseRecord(row);
          if (by !== undefined && by.runId !== holder.runId && (await aliveAmong(trx, schema, [by.runId])).has(by.runId))
            throw leaseHeld(name, by);
          const next = Number(row.token) + 1;
          const since = new Date(clock.now()).toISOString();
          await leasesTable(trx).where({ name }).update({ token: next, run_id: holder.runId, host: holder.host, pid: holder.pid, since });
          return next;
        });
        const lease: Lease = {
          name,
          scope: await storeId(),
          token,
          check: () =>
            known(async () => {
              await liveness.keep();
              const row: LeaseRow | undefined = await leasesTable().where({ name, token }).whereNotNull('run_id').first();
              if (row === undefined) throw leaseLost(name);
            }),
          release: () =>
            known(async () => {
              await leasesTable().where({ name, token }).update({ run_id: null, host: null, pid: null, since: null });
            }),
        };
        return lease;
      }),
    leases: () =>
      known(async () => {
        const rows: readonly LeaseRow[] = await leasesTable().whereNotNull('run_id').orderBy('name').select();
        const records = rows.flatMap((row): LeaseRecord[] => {
          const record = leaseRecord(row);
          return record === undefined ? [] : [record];
        });
        const alive = await aliveAmong(
          db,
          schema,
          records.map((r) => r.runId),
        );
        return records.filter((r) => alive.has(r.runId));
      }),
    sweep: () =>
      known(async () => {
        const rows: readonly { readonly run_id: string }[] = await runsTable()
          .where({ state: 'running' })
          .orderBy('run_id')
          .select('run_id');
        const ids = rows.map((r) => r.run_id);
        const alive = await aliveAmong(db, schema, ids);
        const swept: string[] = [];
        for (const runId of ids.filter((id) => !alive.has(id)))
          await db.transaction(async (trx) => {
            const still = await runsTable(trx).where({ run_id: runId, state: 'running' }).forUpdate().first('run_id');
            if (still === undefined || (await aliveAmong(trx, schema, [runId])).has(runId)) return;
            const last = await eventsTable(trx).where({ run_id: runId }).max<{ seq: string | null }>('seq as seq').first();
            const seq = Number(last?.seq ?? 0) + 1;
            await insertEvents(trx, [
              { seq, at: new Date(clock.now()).toISOString(), runId, type: 'run.interrupted', reason: processGone },
            ]);
            await heartbeatsTable(trx).where({ run_id: runId }).delete();
            swept.push(runId);
          });
        return swept;
      }),
    requestCancel: (runId, by) =>
      known(async () => {
        if (!(await aliveAmong(db, schema, [runId])).has(runId)) return false;
        const at = new Date(clock.now()).toISOString();
        const changed: number = await runsTable()
          .where({ run_id: runId, state: 'running' })
          .update({ cancel_requested_by: by, cancel_requested_at: at });
        return changed > 0;
      }),
    cancelRequestedBy: (runId) =>
      known(async () => {
        const row: { readonly by: string | null } | undefined = await runsTable()
          .where({ run_id: runId })
          .first({ by: 'cancel_requested_by' });
        return row?.by ?? undefined;
      }),
    async close() {
      await liveness.close();
      await db.destroy();
    },
  };
}

/** knex on sessions that somebody else opens, so that a URL's meaning is decided in one place. */
function openKnex(connect: () => Promise<Client>): Knex {
  const silent = (): void => undefined;
  const db = knex({
    client: 'pg',
    connection: {},
    pool: { min: 0, max: 3 },
    log: { warn: silent, error: silent, debug: silent, deprecate: silent },
  });
  const client: { acquireRawConnection(): Promise<unknown> } = db.client;
  client.acquireRawConnection = async () => {
    const session = await connect();
    // knex throws away a session that carries this mark.
    const dispose = (why?: unknown): unknown => Object.assign(session, { __knex__disposed: why ?? 'the session ended' });
    session.on('error', dispose);
    session.on('end', dispose);
    return session;
  };
  return db;
}

function leaseRecord(row: LeaseRow): LeaseRecord | undefined {
  const holder = holderOf(row);
  return holder === undefined || row.since === null
    ? undefined
    : { name: row.name, token: Number(row.token), since: row.since.toISOString(), ...holder };
}

function holderOf({ run_id, host, pid }: LeaseRow): LeaseHolder | undefined {
  return run_id === null || host === null || pid === null ? undefined : { runId: run_id, host, pid };
}

function sqlState(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** What went wrong in the store's database; the error of a connection that could not be opened says it better itself. */
function storeError(schema: string, error: unknown): Error {
  if (error instanceof EngineError) return error;
  const state = sqlState(error);
  if (!(error instanceof Error) || (state === undefined && !/connection|timeout|terminat/i.test(error.message))) return error as Error;
  const noRight = state === '42501';
  return new EngineError(
    'outside',
    noRight ? 'store.no-right' : 'store.failed',
    `the state store (schema ${schema}) failed: ${driverText(error)}`,
    {
      cause: error,
      hint: noRight
        ? `Let the role create schema ${schema} in that database (GRANT CREATE ON DATABASE), or name another database under \`state\` in pipelines.yaml.`
        : 'Look at the database that `state` in pipelines.yaml names; nothing of the data depends on it.',
      retryable: !noRight,
    },
  );
}

/** knex puts the statement before the driver's message. */
function driverText(error: Error): string {
  return error.message.slice(error.message.lastIndexOf(' - ') + 1).replace(/^- /, '');
}
