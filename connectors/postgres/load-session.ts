import type { Client } from 'pg';
import type { NodeContext } from '../../engine/connector.ts';
import { EngineError, stoppedError } from '../../engine/error.ts';
import { postgresError } from './error.ts';
import { quoteRelation, showRelation } from './identifier.ts';
import { type LedgerEntry, ledgerHolds } from './ledger.ts';
import type { LoadOptions } from './load-options.ts';
import { lockLoads, type Patience } from './lock.ts';
import type { PostgresServer } from './server.ts';

/** The one session of a load. */
export interface LoadSession {
  readonly server: PostgresServer;
  readonly client: Client;
  readonly options: LoadOptions;
  /** Of its backend. */
  readonly pid: number;
}

/** Connects, and lets the server notice early when this process is gone. The caller ends the client. */
export async function openLoadSession(context: NodeContext, server: PostgresServer, options: LoadOptions): Promise<LoadSession> {
  const client = await server.connect(`load ${showRelation(options.into)}`);
  // A session that is ended from outside fails its query as well; the event alone would end the process.
  client.on('error', (error) => context.log('debug', `the session of the load: ${error.message}`));
  try {
    const found = await client.query<{ pid: number; version: string }>(
      `SELECT pg_catalog.pg_backend_pid() AS pid, pg_catalog.current_setting('server_version_num') AS version`,
    );
    // What is written outside the load's own transaction, whatever a careful administrator set as this role's default.
    await client.query('SET default_transaction_read_only = off');
    // In the middle of a long statement a server notices only so that its client is gone, and lets go of its locks (Postgres 14 and later, not on every system).
    if (Number(found.rows[0]?.version ?? 0) >= 140_000)
      await client
        .query(`SET client_connection_check_interval = '5s'`)
        .catch((error: unknown) => context.log('debug', `client_connection_check_interval: ${String(error)}`));
    return { server, client, options, pid: found.rows[0]?.pid ?? 0 };
  } catch (error) {
    await client.end().catch((late: unknown) => context.log('debug', `closing the session: ${String(late)}`));
    throw loadError(error, options);
  }
}

/** How long this load waits for a lock. */
export function patienceOf(context: NodeContext, options: LoadOptions): Patience {
  let told: string | undefined;
  const waits = (why: string): void => {
    context.progress({ doing: `waiting: ${why}` });
    // In the log once for each that is in the way.
    if (why !== told) context.log('info', `${why}; waiting`);
    told = why;
  };
  return { timeoutMs: options.lockTimeoutMs, waitMs: options.lockWaitMs, clock: context.clock, signal: context.signal, waits };
}

/** Runs a piece of a load. When the run is told to stop, the server's side is ended at once by another session, and `interrupt` ends ours. What fails leaves as an EngineError. */
export async function attended<T>(context: NodeContext, session: LoadSession, interrupt: () => void, body: () => Promise<T>): Promise<T> {
  if (context.signal.aborted) throw stoppedError();
  const stop = (): void => {
    interrupt();
    terminate(session).catch((error: unknown) => context.log('debug', `ending the load on the server: ${String(error)}`));
  };
  context.signal.addEventListener('abort', stop, { once: true });
  try {
    return await body();
  } catch (error) {
    if (context.signal.aborted) throw stoppedError();
    throw loadError(error, session.options);
  } finally {
    context.signal.removeEventListener('abort', stop);
  }
}

async function terminate({ server, options, pid }: LoadSession): Promise<void> {
  const control = await server.connect(`stop load ${showRelation(options.into)}`);
  try {
    await control.query('SELECT pg_catalog.pg_terminate_backend($1)', [pid]);
  } finally {
    await control.end();
  }
}

/** What a statement of a load failed with, in the engine's words; a key that repeats is named. */
export function loadError(error: unknown, options: LoadOptions): EngineError {
  if (error instanceof EngineError) return error;
  const { code, detail } = error as { readonly code?: unknown; readonly detail?: unknown };
  if (code === '23505')
    return new EngineError(
      'failed',
      'load.key-repeats',
      `a key stands twice in the lake's table for ${showRelation(options.into)}${typeof detail === 'string' ? `: ${detail}` : ''}`,
      { cause: error, hint: 'The key (`key:`) is not unique in the source, or a unique index was added to staging. Nothing was changed.' },
    );
  if (code === '55P03')
    return new EngineError('refused', 'load.busy', `rows of ${showRelation(options.into)} are locked by somebody else`, {
      cause: error,
      hint: 'End the session that changes the table (pg_locks names it), or wait for it.',
      retryable: true,
    });
  return postgresError(error, `loading ${showRelation(options.into)}${columnOf(error)}`);
}

/** COPY tells in its context which column it was reading. */
function columnOf(error: unknown): string {
  const { where } = error as { readonly where?: unknown };
  const column = typeof where === 'string' ? /^COPY .*, line \d+, column (.*?)(?:: (?:".*|null input))?$/m.exec(where)?.[1] : undefined;
  return column === undefined ? '' : `, column ${column}`;
}

/** Planner statistics for a table that was replaced, on a session of their own. Never rejects: without them autovacuum gathers the same a little later. */
export async function gatherStatistics({ server, options }: LoadSession): Promise<void> {
  const client = await server.connect(`analyze ${showRelation(options.into)}`).catch(() => undefined);
  await client?.query(`ANALYZE ${quoteRelation(options.into)}`).catch(() => undefined);
  await client?.end().catch(() => undefined);
}

/** COMMIT. When its answer is lost it may be in all the same: the ledger tells, once the old session has let go of the load's lock (`learnt`). Not in: the error that hid it. */
export async function commitLoad(context: NodeContext, session: LoadSession, last: LedgerEntry): Promise<'answered' | 'learnt'> {
  const { client, options, server } = session;
  try {
    const done = await client.query('COMMIT');
    if (done.command === 'COMMIT') return 'answered';
    throw new EngineError('failed', 'load.rolled-back', `the load of ${showRelation(options.into)} was rolled back by the server`, {
      retryable: true,
    });
  } catch (error) {
    if (error instanceof EngineError) throw error;
    const second = await server.connect(`load ${showRelation(options.into)}`);
    try {
      await second.query('BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE');
      await lockLoads(second, options.into, { ...patienceOf(context, options), signal: new AbortController().signal });
      const isIn = await ledgerHolds(second, options.into, last);
      await second.query('ROLLBACK');
      if (!isIn) throw loadError(error, options);
      context.log('warn', `the answer to COMMIT was lost; the ledger says that the load of ${showRelation(options.into)} is in`);
      return 'learnt';
    } finally {
      await second.end().catch((late: unknown) => context.log('debug', `closing the session: ${String(late)}`));
    }
  }
}
