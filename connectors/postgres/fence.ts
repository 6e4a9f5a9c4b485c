import type { Client } from 'pg';
import { earliest, type Instant, sqlInstant } from '../../engine/base/instant.ts';
import type { FenceCandidate } from '../../lake/action.ts';
import { postgresError } from './error.ts';

/** Advisory lock that marks the engine's own read-only sessions, so that a long extract does not hold other fences back. */
export const keeperLock = { classId: 0x656e6769, objectId: 1 } as const;

/** A session of this database that may have a transaction running. Times are undefined where the role may not see them. */
export interface SessionReading {
  readonly pid: number;
  /** Its virtual transaction id while a transaction runs (pg_locks, every role sees it). */
  readonly virtualId: string | undefined;
  readonly state: string | undefined;
  readonly transactionStart: Instant | undefined;
  readonly queryStart: Instant | undefined;
  readonly user: string | undefined;
  readonly application: string | undefined;
  /** Marked by `keeperLock` and holding no transaction id: it reads only. */
  readonly keeper: boolean;
}

/** What the source says about running transactions, read outside any transaction of ours, after `at`. */
export interface FenceReading {
  /** clock_timestamp() before the sessions were looked at. */
  readonly at: Instant;
  readonly sessions: readonly SessionReading[];
  /** Prepared transactions of this database, looked at after the sessions: looked at before, a PREPARE in between is missed. */
  readonly prepared: readonly { readonly gid: string; readonly since: Instant; readonly owner: string }[];
}

/** Who keeps the fence from being now. */
export interface Holder {
  readonly pid: number | undefined;
  readonly since: Instant | undefined;
  readonly text: string;
}

/** Where the fence of an extract stands. */
export interface Fence {
  /** No transaction that began before it is still running; null: none can be had yet. */
  readonly at: Instant | null;
  readonly holder: Holder | undefined;
  /** Kept in the commit until they have become fences. */
  readonly candidates: readonly FenceCandidate[];
}

/** Candidates kept in one commit; beyond it the middle ones are dropped, which costs re-reading and no row. */
const candidatesKept = 16;

const visible = (s: SessionReading): boolean => s.state !== undefined && s.state !== 'disabled';

/** The start that counts for a session we can see: its query's too, because several transactions sent in one message, and a COMMIT inside a procedure, begin with a now() older than their own transaction. */
function startOf(s: SessionReading): Instant | undefined {
  return s.state === 'idle' ? undefined : earliest(s.transactionStart, s.queryStart);
}

/**
 * The candidate that a reading gives: the time, and the sessions whose start cannot be seen and that were running then. The start of a query says nothing
 * about that of its transaction where `track_activities` was turned on in between.
 */
export function candidateOf(reading: FenceReading): FenceCandidate {
  const others = reading.sessions.filter((s) => !s.keeper);
  const starts = others.filter(visible).map(startOf);
  const hidden = others.filter(
    (s) => s.virtualId !== undefined && (!visible(s) || (s.state !== 'idle' && s.transactionStart === undefined)),
  );
  return {
    at: earliest(reading.at, ...starts) ?? reading.at,
    running: Object.fromEntries(hidden.map((s) => [String(s.pid), s.virtualId ?? ''])),
  };
}

/** Candidates after another look: pids that are gone, or have no transaction now, no longer hold them. Pids are compared, not virtual ids: a session in its next transaction may still be in the same message. */
export function settle(candidates: readonly FenceCandidate[], reading: FenceReading): readonly FenceCandidate[] {
  const running = new Set(reading.sessions.filter((s) => s.virtualId !== undefined).map((s) => String(s.pid)));
  return candidates.map((c) => ({ at: c.at, running: Object.fromEntries(Object.entries(c.running).filter(([pid]) => running.has(pid))) }));
}

/**
 * The fence from candidates, oldest first, and the one that the last extract committed. While a prepared transaction exists it stays where it was:
 * such a transaction shows neither a start nor a virtual id. Its candidates stay valid: once none is prepared, what was prepared then has ended.
 */
export function fenceOf(before: Instant | null, candidates: readonly FenceCandidate[], reading: FenceReading): Fence {
  const held = reading.prepared[0];
  if (held !== undefined) {
    const text = `prepared transaction '${held.gid}' of ${held.owner}, since ${held.since}`;
    return { at: before, holder: { pid: undefined, since: held.since, text }, candidates: keepFew(candidates) };
  }
  const settled = candidates.filter((c) => Object.keys(c.running).length === 0).map((c) => c.at);
  const newest = settled.reduce<Instant | null>((a, b) => (a === null || b > a ? b : a), null);
  const open = candidates.filter((c) => Object.keys(c.running).length > 0 && (newest === null || c.at > newest));
  const at = newest ?? before;
  return { at, holder: holderOf(reading, at), candidates: keepFew(open) };
}

function keepFew(candidates: readonly FenceCandidate[]): readonly FenceCandidate[] {
  const half = candidatesKept / 2;
  return candidates.length <= candidatesKept ? candidates : [...candidates.slice(0, half), ...candidates.slice(-half)];
}

function holderOf(reading: FenceReading, at: Instant | null): Holder | undefined {
  if (at !== null && at >= reading.at) return undefined;
  const others = reading.sessions.filter((s) => !s.keeper && s.state !== 'idle' && (s.virtualId !== undefined || startOf(s) !== undefined));
  const first = [...others].sort((a, b) => ((startOf(a) ?? '') < (startOf(b) ?? '') ? -1 : 1))[0];
  if (first === undefined) return undefined;
  const since = startOf(first);
  const who = [named('user', first.user), named('application', first.application)].filter((x) => x !== undefined).join(', ');
  return {
    pid: first.pid,
    since,
    text: `pid ${first.pid}${who === '' ? '' : ` (${who})`}${since === undefined ? ', whose start this role may not see' : `, since ${since}`}`,
  };
}

function named(what: string, name: string | undefined): string | undefined {
  return name === undefined || name === '' ? undefined : `${what} ${name}`;
}

/**
 * Sessions of this database but our own, autovacuum, and those that stream the log to a subscriber or a standby (their one command lasts for months and writes
 * nothing); a virtual id without a session counts as running (its session began in between).
 */
const sessionsSql = `
  SELECT coalesce(l.pid, a.pid) AS pid, l.virtualxid AS virtual_id, a.state, a.usename::text AS user, a.application_name AS application,
         ${sqlInstant('a.xact_start')} AS transaction_start, ${sqlInstant('a.query_start')} AS query_start,
         coalesce(k.keeper, false) AS keeper
  FROM (SELECT pid, virtualxid FROM pg_catalog.pg_locks WHERE locktype = 'virtualxid' AND mode = 'ExclusiveLock' AND granted) l
  FULL JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
  LEFT JOIN (
    SELECT pid, bool_or(locktype = 'advisory' AND classid::bigint = ${keeperLock.classId} AND objid::bigint = ${keeperLock.objectId})
                AND NOT bool_or(locktype = 'transactionid' AND mode = 'ExclusiveLock') AS keeper
    FROM pg_catalog.pg_locks WHERE granted AND locktype IN ('advisory', 'transactionid') GROUP BY pid
  ) k ON k.pid = a.pid
  WHERE coalesce(l.pid, a.pid) <> pg_backend_pid()
    AND (a.pid IS NULL OR a.datid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))
    AND (a.pid IS NULL OR a.usesysid IS NOT NULL OR a.backend_type NOT IN ('autovacuum worker', 'autovacuum launcher'))
    AND NOT (a.pid IS NOT NULL AND a.usesysid IS NULL AND a.backend_type IS NULL)
    AND (a.backend_type = 'walsender' AND ltrim(a.query) LIKE 'START_REPLICATION%') IS NOT TRUE
    AND (l.pid IS NOT NULL OR a.state IS DISTINCT FROM 'idle')`;

interface SessionRow {
  readonly pid: number;
  readonly virtual_id: string | null;
  readonly state: string | null;
  readonly user: string | null;
  readonly application: string | null;
  readonly transaction_start: Instant | null;
  readonly query_start: Instant | null;
  readonly keeper: boolean;
}

/** Reads the source's clock, then its sessions, then its prepared transactions: in this order, each outside any transaction. Needs no right; with `pg_read_all_stats` it sees when transactions began. */
export async function readFence(client: Client): Promise<FenceReading> {
  try {
    const clock = await client.query<{ at: Instant }>(`SELECT ${sqlInstant('clock_timestamp()')} AS at`);
    const sessions = await client.query<SessionRow>(sessionsSql);
    const prepared = await client.query<{ gid: string; since: Instant; owner: string }>(
      `SELECT gid, ${sqlInstant('prepared')} AS since, owner::text AS owner FROM pg_catalog.pg_prepared_xacts WHERE database = current_database() ORDER BY prepared`,
    );
    return {
      at: clock.rows[0]?.at ?? '',
      sessions: sessions.rows.map((r) => ({
        pid: r.pid,
        virtualId: r.virtual_id ?? undefined,
        state: r.state ?? undefined,
        transactionStart: r.transaction_start ?? undefined,
        queryStart: r.query_start ?? undefined,
        user: r.user ?? undefined,
        application: r.application ?? undefined,
        keeper: r.keeper,
      })),
      prepared: prepared.rows,
    };
  } catch (error) {
    throw postgresError(error, 'reading which transactions are running on the source');
  }
}
