import type { Client } from 'pg';
import type { Clock } from '../../engine/base/clock.ts';
import { effect } from '../../engine/base/effect.ts';
import { type Instant, instantToMicros, sqlInstant } from '../../engine/base/instant.ts';
import { EngineError } from '../../engine/error.ts';
import type { FenceCandidate } from '../../lake/action.ts';
import type { SourceRelation } from './describe.ts';
import { postgresError } from './error.ts';
import { candidateOf, type Fence, type FenceReading, fenceOf, keeperLock, readFence, settle } from './fence.ts';
import { showRelation } from './identifier.ts';
import type { PostgresServer } from './server.ts';

/** What a role can learn about the server, read once for a snapshot. */
export interface ServerFacts {
  readonly systemIdentifier: string;
  readonly timeline: number;
  readonly database: string;
  readonly standby: boolean;
  /** What a standby has replayed up to; null on a primary, or before the first transaction. */
  readonly replayedTo: Instant | null;
  readonly replayPaused: boolean;
  /** `hot_standby_feedback`: off on a standby, a long extract can be cancelled. */
  readonly standbyFeedback: boolean;
  /** May see when other sessions' transactions began. */
  readonly seesAll: boolean;
  readonly versionNumber: number;
  /** Zones that the database's writers may use: by server, database and role settings. The last one is words, where the server's own cannot be seen. */
  readonly timeZones: readonly string[];
}

/** One exported snapshot, its fence readings, and the session that keeps it. */
export interface SharedSnapshot {
  readonly id: string;
  readonly server: ServerFacts;
  /** The first reading; `at` is the time of the extract. */
  readonly reading: FenceReading;
  readonly clockOffsetMs: number;
  /** The fence for a table, given what its last extract committed. */
  fence(before: Instant | null, earlier: readonly FenceCandidate[]): Fence;
  /** Throws EngineError `extract.rewritten` when a table that is this one now was put into other files since the snapshot, or took in another one: its rows are not seen under it then, or some of them. */
  checkStorage(client: Client, relation: SourceRelation): Promise<void>;
  /** Throws EngineError `postgres.snapshot-lost` when the session that keeps the snapshot is gone. */
  check(): void;
  close(): Promise<void>;
}

/** How long a fence that needs no rights is waited for before the snapshot; what has not ended by then becomes a fence in a later run. */
const waitForSessionsMs = 1000;
const lookAgainMs = 25;

const serverZoneHidden = "and the server's own, which this role's setting hides";

/** Reads what kind of server this is; what the role may not ask is left at a neutral value. */
export async function readServerFacts(client: Client): Promise<ServerFacts> {
  try {
    const base = await client.query<{
      database: string;
      standby: boolean;
      replayed: Instant | null;
      paused: boolean;
      feedback: boolean;
      sees_all: boolean;
      version: number;
      zone: string;
    }>(`SELECT current_database()::text AS database, pg_is_in_recovery() AS standby, ${sqlInstant('pg_last_xact_replay_timestamp()')} AS replayed,
          CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() ELSE false END AS paused, current_setting('hot_standby_feedback')::bool AS feedback,
          (pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')) AS sees_all, current_setting('server_version_num')::int AS version,
          (SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'TimeZone') AS zone`);
    const row = base.rows[0];
    if (row === undefined) throw new Error('the server gave no answer about itself');
    const zones = await client.query<{ zone: string; own: boolean; everybody: boolean }>(
      `SELECT substr(s.setting, 10) AS zone, r.setrole = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = session_user) AS own, r.setrole = 0 AND r.setdatabase <> 0 AS everybody
       FROM pg_catalog.pg_db_role_setting r CROSS JOIN LATERAL unnest(r.setconfig) AS s(setting)
       WHERE r.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())) AND lower(s.setting) LIKE 'timezone=%'`,
    );
    // What this role is given hides what the server gives to others.
    const hidden = zones.rows.some((z) => z.own) && !zones.rows.some((z) => z.everybody);
    const control = await client.query<{ identifier: string; timeline: number }>(
      `SELECT (SELECT system_identifier::text FROM pg_catalog.pg_control_system()) AS identifier,
              (SELECT timeline_id FROM pg_catalog.pg_control_checkpoint()) AS timeline`,
    );
    return {
      systemIdentifier: control.rows[0]?.identifier ?? '',
      timeline: Math.max(control.rows[0]?.timeline ?? 0, row.standby ? 0 : await timelineNow(client)),
      database: row.database,
      standby: row.standby,
      replayedTo: row.standby ? row.replayed : null,
      replayPaused: row.paused,
      standbyFeedback: row.feedback,
      seesAll: row.sees_all,
      versionNumber: row.version,
      timeZones: [...[...new Set([row.zone, ...zones.rows.map((z) => z.zone)])].sort(), ...(hidden ? [serverZoneHidden] : [])],
    };
  } catch (error) {
    throw postgresError(error, 'asking the source what kind of server it is');
  }
}

/** The timeline that a primary writes to: after a promotion the last checkpoint is still of the one before for a while. 0 where the server does not tell (some hosted ones). */
async function timelineNow(client: Client): Promise<number> {
  try {
    const { rows } = await client.query<{ file: string }>('SELECT pg_walfile_name(pg_current_wal_lsn()) AS file');
    return Number.parseInt(rows[0]?.file.slice(0, 8) ?? '0', 16);
  } catch (error) {
    // Only an answer of the server: a connection that is gone says nothing.
    if (typeof (error as { readonly severity?: unknown }).severity !== 'string') throw error;
    return 0;
  }
}

/** Looks at the running transactions, waits a moment for those whose start cannot be seen, and gives the readings in order. */
export async function readUntilSettled(client: Client, clock: Clock, signal: AbortSignal, wait: boolean): Promise<readonly FenceReading[]> {
  const readings = [await readFence(client)];
  const until = clock.now() + waitForSessionsMs;
  for (;;) {
    const first = readings[0];
    if (first === undefined) return readings;
    const open = readings.slice(1).reduce((c, r) => settle(c, r), [candidateOf(first)] as readonly FenceCandidate[]);
    if (!wait || clock.now() >= until || open.every((c) => Object.keys(c.running).length === 0)) return readings;
    await clock.sleep(lookAgainMs, signal);
    readings.push(await readFence(client));
  }
}

/** The fence of a table from readings in their order. */
export function fenceFromReadings(
  server: ServerFacts,
  readings: readonly FenceReading[],
  before: Instant | null,
  earlier: readonly FenceCandidate[],
): Fence {
  const first = readings[0];
  const last = readings.at(-1);
  if (first === undefined || last === undefined) throw new Error('a fence needs a reading');
  if (server.standby)
    return {
      at: server.replayedTo,
      holder: { pid: undefined, since: server.replayedTo ?? undefined, text: 'the source is a standby: the fence is what it has replayed' },
      candidates: [],
    };
  // A clock that was set back: what lies above it now says nothing about who began since. With nothing better the next extract takes everything.
  const sane = earlier.filter((c) => c.at <= first.at);
  let candidates = settle(sane, first);
  candidates = [...candidates, candidateOf(first)];
  for (const reading of readings.slice(1)) candidates = settle(candidates, reading);
  return fenceOf(before !== null && before <= first.at ? before : null, candidates, { ...first, prepared: last.prepared });
}

/** A table and what belongs to it (partitions, children), each with the file that its rows are in. Under a snapshot the catalogue is read as of then. */
const storageSql = `
  WITH RECURSIVE tree(oid) AS (
    SELECT $1::text::oid UNION SELECT i.inhrelid FROM tree JOIN pg_catalog.pg_inherits i ON i.inhparent = tree.oid
  )
  SELECT c.oid::text || '/' || c.relfilenode::text AS file FROM tree JOIN pg_catalog.pg_class c ON c.oid = tree.oid`;

/** True when a table that was there at the snapshot belongs to this one since: some of its rows may have been read, and not all. */
async function joinedSince(keeper: Client, now: ReadonlySet<string>, then: ReadonlySet<string>): Promise<boolean> {
  const oidOf = (file: string): string => file.split('/')[0] ?? '';
  const before = new Set([...then].map(oidOf));
  const joined = [...now].map(oidOf).filter((oid) => !before.has(oid));
  if (joined.length === 0) return false;
  return (await keeper.query('SELECT FROM pg_catalog.pg_class WHERE oid = ANY($1::oid[])', [joined])).rowCount !== 0;
}

async function storageOf(client: Client, oid: string): Promise<ReadonlySet<string>> {
  try {
    return new Set((await client.query<{ file: string }>(storageSql, [oid])).rows.map((r) => r.file));
  } catch (error) {
    throw postgresError(error, 'asking in which files the rows of a table lie');
  }
}

/** Opens the snapshot that all tables of a pipeline are read under: the fence first, outside any transaction, and only then the snapshot. */
export async function openSnapshot(server: PostgresServer, clock: Clock, signal: AbortSignal): Promise<SharedSnapshot> {
  const client = await server.connect('snapshot');
  let lost: Error | undefined;
  client.on('error', (error) => {
    lost = error;
  });
  client.on('end', () => {
    lost ??= new Error('the connection ended');
  });
  const close = async (): Promise<void> => {
    client.removeAllListeners('end');
    await client.end().catch(() => undefined);
  };
  try {
    const facts = await readServerFacts(client);
    const asked = clock.now();
    const sourceNow = await client.query<{ at: Instant }>(`SELECT ${sqlInstant('clock_timestamp()')} AS at`);
    const offset = Number(instantToMicros(sourceNow.rows[0]?.at ?? '') / 1000n) - (asked + clock.now()) / 2;
    const readings = await readUntilSettled(client, clock, signal, true);
    await client.query('SELECT pg_advisory_lock_shared($1, $2)', [keeperLock.classId, keeperLock.objectId]);
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const exported = await effect('source.snapshot', () => client.query<{ id: string }>('SELECT pg_export_snapshot() AS id'));
    const id = exported.rows[0]?.id ?? '';
    const reading = readings[0];
    if (reading === undefined) throw new Error('a fence needs a reading');
    return {
      id,
      server: facts,
      reading,
      clockOffsetMs: offset,
      fence: (before, earlier) => fenceFromReadings(facts, readings, before, earlier),
      checkStorage: async (now, relation) => {
        if (relation.kind !== 'table' && relation.kind !== 'partitioned') return;
        const files = await storageOf(now, relation.oid);
        const then = await storageOf(client, relation.oid);
        if (await joinedSince(client, files, then))
          throw new EngineError(
            'failed',
            'extract.rewritten',
            `a table with rows became a partition or a child of ${showRelation(relation.relation)} since the snapshot of this run, which may have read a part of them`,
            { hint: 'Nothing was committed. Run it again.' },
          );
        if (then.size > 0 && [...then].every((file) => files.has(file))) return;
        throw new EngineError(
          'failed',
          'extract.rewritten',
          `${showRelation(relation.relation)} was emptied, rewritten or exchanged since the snapshot of this run, which does not see its rows any more`,
          { hint: 'TRUNCATE, some forms of ALTER TABLE, VACUUM FULL and pg_repack do that; nothing was committed. Run it again.' },
        );
      },
      check: () => {
        if (lost !== undefined)
          throw new EngineError('outside', 'postgres.snapshot-lost', 'the session that keeps the snapshot of this run was lost', {
            cause: lost,
            hint: 'Nothing of this table was committed. It is tried again when no other one was committed under that snapshot; else run it again.',
            retryable: true,
          });
      },
      close,
    };
  } catch (error) {
    await close();
    throw postgresError(error, 'opening a snapshot on the source');
  }
}
