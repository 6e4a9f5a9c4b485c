import type { Client } from 'pg';
import type { Clock } from '../../engine/base/clock.ts';
import type { Relation } from '../../engine/config.ts';
import { EngineError } from '../../engine/error.ts';
import { quoteRelation, showRelation } from './identifier.ts';

/** How long a load waits for a lock: `timeoutMs` at a time, so that readers behind it queue no longer, and `waitMs` in all. */
export interface Patience {
  readonly timeoutMs: number;
  readonly waitMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told after each try that somebody else was in the way, and who. */
  waits(why: string): void;
}

const loadKey = `pg_catalog.hashtextextended($1, 0)`;

/** What the advisory lock of loads of this target is made from. */
function loadLockName(into: Relation): string {
  return `engine load ${quoteRelation(into)}`;
}

/** For plans: the statement that makes loads of one target wait for one another. */
export const loadLockSql = `SELECT pg_catalog.pg_advisory_xact_lock(${loadKey})`;

/** Takes the lock that all loads of this target share, until the transaction ends. Another load holds it too long: EngineError `load.busy`, which names it. */
export async function lockLoads(client: Client, into: Relation, patience: Patience): Promise<void> {
  await lockPatiently(client, loadLockSql, [loadLockName(into)], patience, async () => {
    const holder = await firstHolder(
      client,
      `l.locktype = 'advisory' AND l.objsubid = 1 AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
       AND ((l.classid::bigint << 32) | l.objid::bigint) = ${loadKey}`,
      loadLockName(into),
    );
    return new EngineError(
      'refused',
      'load.busy',
      `another load of ${showRelation(into)} is at work${holder === undefined ? '' : `: ${holder.text}`}`,
      {
        hint: `Wait until it ends.${holder === undefined ? '' : ` If nobody knows it any more, end it: SELECT pg_terminate_backend(${holder.pid}).`}`,
        retryable: true,
      },
    );
  });
}

/** Takes the table for this transaction alone. Somebody uses it too long: EngineError `load.busy`, which names who. */
export async function lockStaging(client: Client, into: Relation, oid: string, patience: Patience): Promise<void> {
  await lockPatiently(client, stagingLockSql(into), [], patience, async () => {
    const holder = await firstHolder(client, `l.locktype = 'relation' AND l.relation = $1::text::oid`, oid);
    return new EngineError('refused', 'load.busy', `${showRelation(into)} is in use${holder === undefined ? '' : `: ${holder.text}`}`, {
      hint: `A load that replaces the table needs it alone for a moment; end that session or wait for it.${holder === undefined ? '' : ` SELECT pg_terminate_backend(${holder.pid}) ends it.`}`,
      retryable: true,
    });
  });
}

/** The statement of `lockStaging`. */
export function stagingLockSql(into: Relation): string {
  return `LOCK TABLE ONLY ${quoteRelation(into)} IN ACCESS EXCLUSIVE MODE`;
}

/** lock_not_available, deadlock_detected. */
const worthAnotherTry = new Set(['55P03', '40P01']);
const firstPauseMs = 250;
const longestPauseMs = 4_000;

/** A savepoint that is released before anything is emptied does not stand in the way of FREEZE; one that is rolled back lets go of the place in the queue. */
async function lockPatiently(
  client: Client,
  statement: string,
  values: readonly string[],
  patience: Patience,
  busy: () => Promise<EngineError>,
): Promise<void> {
  const giveUpAt = patience.clock.now() + patience.waitMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    await client.query('SAVEPOINT engine_lock');
    try {
      await client.query(`SET LOCAL lock_timeout = ${Math.max(1, Math.round(patience.timeoutMs))}`);
      await client.query(statement, [...values]);
      await client.query('RELEASE SAVEPOINT engine_lock');
      // What comes now may wait longer: no reader queues behind it.
      await client.query(`SET LOCAL lock_timeout = ${Math.max(1, Math.round(patience.waitMs))}`);
      return;
    } catch (error) {
      const code = (error as { readonly code?: unknown }).code;
      if (typeof code !== 'string' || !worthAnotherTry.has(code)) throw error;
      await client.query('ROLLBACK TO SAVEPOINT engine_lock');
      await client.query('RELEASE SAVEPOINT engine_lock');
    }
    const inTheWay = await busy();
    if (patience.clock.now() + pauseMs > giveUpAt) throw inTheWay;
    patience.waits(inTheWay.message);
    await patience.clock.sleep(pauseMs, patience.signal);
  }
}

/** The oldest session that was granted a lock for which the condition on `pg_locks` (as `l`, with `$1`) holds; undefined when there is none. */
export async function firstHolder(
  client: Client,
  condition: string,
  value: string,
): Promise<{ readonly pid: number; readonly text: string } | undefined> {
  const found = await client.query<{ pid: number; who: string | null; program: string | null; since: string | null }>(
    `SELECT l.pid, a.usename::text AS who, a.application_name AS program, to_char(a.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"') AS since
     FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
     WHERE l.granted AND l.pid <> pg_catalog.pg_backend_pid() AND ${condition} ORDER BY a.xact_start LIMIT 1`,
    [value],
  );
  const row = found.rows[0];
  if (row === undefined) return undefined;
  const program = row.program === null || row.program === '' ? '' : `, ${row.program}`;
  const since = row.since === null ? '' : `, since ${row.since}`;
  return { pid: row.pid, text: `pid ${row.pid}, user ${row.who ?? 'unknown'}${program}${since}` };
}
