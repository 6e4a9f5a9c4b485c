import type { Client } from 'pg';
import type { Relation } from '../../engine/config.ts';
import type { Lease, NodeContext } from '../../engine/connector.ts';
import { EngineError } from '../../engine/error.ts';
import { showRelation } from './identifier.ts';
import type { LoadSession } from './load-session.ts';
import type { Patience } from './lock.ts';

/**
 * `engine.attempts` in the sink: one row a target, whose load of it is the newest. It is written before a load begins and proven in the load's own transaction,
 * so that a worker that was declared dead, sleeps and wakes up, cannot commit beside the one that took over. Tokens are those of the lease on the target
 * and count within their scope (one state store and one address of the sink); between engines with different stores or addresses the advisory lock on the target decides alone.
 */
export interface Attempt {
  readonly scope: string;
  readonly token: number;
  /** Within one run, which keeps its lease: a later attempt is newer. */
  readonly attempt: number;
  readonly run: string;
}

interface AttemptRow extends Attempt {
  readonly pid: number;
  readonly isAlive: boolean;
}

const firstPauseMs = 100;
const longestPauseMs = 2_000;

/**
 * The lease on a target, waited for while another live run has it. It is the run's: a later attempt is given the same one, or `lease.lost` when somebody has taken over since.
 * Undefined when the state store does not answer: loads are exact without it, by the advisory lock and the ledger.
 */
export async function leaseTarget(context: NodeContext, place: string, into: Relation, patience: Patience): Promise<Lease | undefined> {
  const name = `load ${place}/${showRelation(into)}`;
  const giveUpAt = patience.clock.now() + patience.waitMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    try {
      const lease = await context.lease(name);
      await lease.check();
      return lease;
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      if (error.trouble === 'outside') {
        context.log('warn', `${showRelation(into)} is loaded without a lease: ${error.message}`);
        return undefined;
      }
      if (error.code !== 'lease.held' || patience.clock.now() + pauseMs > giveUpAt) throw error;
      patience.waits(error.message);
    }
    await patience.clock.sleep(pauseMs, patience.signal);
  }
}

/** Throws the error of a load that failed; where its session was ended because another run has taken its lease, that says more than the lost session does. */
export async function explainLoss(lease: Lease | undefined, error: unknown): Promise<never> {
  if (lease === undefined || !(error instanceof EngineError) || error.trouble !== 'outside') throw error;
  const lost = await lease.check().then(
    () => undefined,
    (why: unknown) => why,
  );
  throw lost instanceof EngineError && lost.code === 'lease.lost' ? lost : error;
}

/** What a load says of itself; without a lease it is in a scope of its own. Tokens rise by the name of the lease, so a sink that is reached by another address counts anew. */
export function attemptOf(context: NodeContext, lease: Lease | undefined, place: string): Attempt {
  return {
    scope: lease === undefined ? context.runId : `${lease.scope} ${place}`,
    token: lease?.token ?? 0,
    attempt: context.attempt,
    run: context.runId,
  };
}

/**
 * Registers an attempt as the newest of its target, outside any transaction. What is left of an older one of the same scope is ended first: its holder was declared dead or has given up,
 * and its locks would stand in the way for as long as it sleeps. A newer one is there already: EngineError `load.superseded`.
 */
export async function registerAttempt(context: NodeContext, session: LoadSession, mine: Attempt, patience: Patience): Promise<void> {
  const { client, options } = session;
  const { schema, name } = options.into;
  const before = await readAttempt(client, options.into, '');
  if (before !== undefined && before.scope === mine.scope && before.isAlive && before.pid !== session.pid && isOlder(before, mine)) {
    context.log('warn', `ending pid ${before.pid} on the sink, left behind by run ${before.run}`);
    // Without the right to end it (another role's), its locks are waited for like anybody's.
    await client
      .query('SELECT pg_catalog.pg_terminate_backend($1)', [before.pid])
      .catch((error: unknown) => context.log('warn', String(error)));
  }
  await client.query(`SELECT pg_catalog.set_config('lock_timeout', $1, false)`, [String(Math.max(1, Math.round(patience.waitMs)))]);
  const done = await client.query(attemptSql, [schema, name, mine.scope, mine.token, mine.attempt, mine.run]);
  await client.query(`SELECT pg_catalog.set_config('lock_timeout', '0', false)`);
  if (done.rowCount === 0) throw superseded(options.into, (await readAttempt(client, options.into, ''))?.run);
}

/** The statement of `registerAttempt`, for plans. */
export const attemptSql = `INSERT INTO "engine"."attempts" AS a (target_schema, target_table, scope, token, attempt, run, pid, backend_start)
  SELECT $1, $2, $3, $4, $5, $6, pid, backend_start FROM pg_catalog.pg_stat_activity WHERE pid = pg_catalog.pg_backend_pid()
  ON CONFLICT (target_schema, target_table) DO UPDATE SET scope = excluded.scope, token = excluded.token, attempt = excluded.attempt, run = excluded.run,
    pid = excluded.pid, backend_start = excluded.backend_start
  WHERE a.scope <> excluded.scope OR (a.token, a.attempt) <= (excluded.token, excluded.attempt)`;

/** In the load's transaction, just before its COMMIT: the row is kept until then, so nobody can register in between. Not the newest any more: EngineError `load.superseded`. */
export async function proveNewest(client: Client, into: Relation, mine: Attempt): Promise<void> {
  const now = await readAttempt(client, into, ' FOR UPDATE OF a');
  if (now === undefined || (now.scope === mine.scope && isOlder(mine, now))) throw superseded(into, now?.run);
}

async function readAttempt(client: Client, into: Relation, lock: string): Promise<AttemptRow | undefined> {
  const found = await client.query<{ scope: string; token: string; attempt: number; run: string; pid: number; alive: boolean }>(
    `SELECT a.scope, a.token::text AS token, a.attempt, a.run, a.pid,
            EXISTS (SELECT FROM pg_catalog.pg_stat_activity s WHERE s.pid = a.pid AND s.backend_start = a.backend_start) AS alive
     FROM "engine"."attempts" a WHERE a.target_schema = $1 AND a.target_table = $2${lock}`,
    [into.schema, into.name],
  );
  const row = found.rows[0];
  if (row === undefined) return undefined;
  const { scope, token, attempt, run, pid, alive } = row;
  return { scope, token: Number(token), attempt, run, pid, isAlive: alive };
}

function isOlder(one: Attempt, other: Attempt): boolean {
  return one.token < other.token || (one.token === other.token && one.attempt < other.attempt);
}

function superseded(into: Relation, run: string | undefined): EngineError {
  return new EngineError(
    'refused',
    'load.superseded',
    `${run === undefined ? 'another run' : `run ${run}`} has taken over the load of ${showRelation(into)}`,
    { hint: 'This one was taken for dead. It changed nothing; look at engine runs.' },
  );
}
