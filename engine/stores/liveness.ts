import { createHash } from 'node:crypto';
import type { Knex } from 'knex';
import type { Client } from 'pg';

/**
 * Who is alive: each live run holds a session-level advisory lock on a session of its own, which the server frees when the process is gone, however it ended.
 *
 *     key of a run = the first 8 bytes of sha256(schema, run id), as one bigint; in pg_locks: classid = high half, objid = low half, objsubid = 1
 */
export interface Liveness {
  /** Holds the run's lock from now on; after a lost session, takes it again. */
  hold(runId: string): Promise<void>;
  /** Takes again what a lost session held. */
  keep(): Promise<void>;
  /** Ends the session and with it all locks. Never throws. */
  close(): Promise<void>;
}

export function createLiveness(schema: string, connect: () => Promise<Client>): Liveness {
  const wanted = new Set<string>();
  const held = new Set<string>();
  let session: Promise<Client> | undefined;

  const lost = (): void => {
    session = undefined;
    held.clear();
  };
  const open = (): Promise<Client> => {
    session ??= connect().then(
      (client) => {
        client.on('error', lost);
        client.on('end', lost);
        return client;
      },
      (error: unknown) => {
        lost();
        throw error;
      },
    );
    return session;
  };
  const keep = async (): Promise<void> => {
    for (const runId of wanted) {
      if (held.has(runId)) continue;
      const client = await open();
      const [high, low] = lockKey(schema, runId);
      // False while the server has not noticed that our old session is gone: its lock speaks for us until then.
      const { rows } = await client.query<{ taken: boolean }>('SELECT pg_try_advisory_lock(($1::bigint << 32) | $2::bigint) AS taken', [
        high,
        low,
      ]);
      if (rows[0]?.taken === true) held.add(runId);
    }
  };
  return {
    async hold(runId) {
      wanted.add(runId);
      await keep();
    },
    keep,
    async close() {
      wanted.clear();
      const closing = session;
      lost();
      const client = await closing?.catch(() => undefined);
      await client?.end().catch(() => undefined);
    },
  };
}

/** Those of the runs whose lock is held by some session. */
export async function aliveAmong(db: Knex, schema: string, runIds: readonly string[]): Promise<ReadonlySet<string>> {
  if (runIds.length === 0) return new Set();
  const { rows } = await db.raw<{ rows: { high: string; low: string }[] }>(
    `SELECT classid::bigint AS high, objid::bigint AS low FROM pg_catalog.pg_locks
     WHERE locktype = 'advisory' AND objsubid = 1 AND granted
       AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())`,
  );
  const locks = new Set(rows.map(({ high, low }) => `${high} ${low}`));
  return new Set(runIds.filter((runId) => locks.has(lockKey(schema, runId).join(' '))));
}

/** Two halves of 32 bits, unsigned, as decimal text. */
function lockKey(schema: string, runId: string): readonly [string, string] {
  const digest = createHash('sha256').update(`${schema}\0${runId}`).digest();
  return [String(digest.readUInt32BE(0)), String(digest.readUInt32BE(4))];
}
