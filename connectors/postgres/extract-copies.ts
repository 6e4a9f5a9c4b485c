import type { NodeContext } from '../../engine/connector.ts';
import { stoppedError } from '../../engine/error.ts';
import type { PostgresSource } from './source.ts';

const lookEveryMs = 500;

/** The sessions on the source that copy for one extract: how far they are together, and their end. */
export interface Copies {
  /** Runs a statement of that backend, which a stop ends. Throws the stop's error when it is too late to begin one. */
  run<T>(pid: number, body: () => Promise<T>): Promise<T>;
  /** So many rows are in finished parts. */
  finished(pid: number, rows: number): void;
  /** Ends every statement that runs, on the server and at once; no further one begins. */
  end(): void;
  close(): Promise<void>;
}

interface Seen {
  readonly rows: number;
  readonly bytes: number;
}

/** Follows the copies of an extract by the server's own progress view, and ends them at once when the run is told to stop. Close it. */
export function followCopies(context: NodeContext, source: PostgresSource): Copies {
  const running = new Set<number>();
  const seen = new Map<number, Seen>();
  const over = new AbortController();
  const total = { rows: 0, bytes: 0 };
  let ended = false;

  const end = (): void => {
    ended = true;
    if (running.size > 0)
      terminate(source, [...running]).catch((error: unknown) => context.log('debug', `ending queries on the source: ${String(error)}`));
  };
  const tell = (): void => {
    const now = [...seen.values()];
    const sum = (of: (s: Seen) => number, from: number): number => now.reduce((all, s) => all + of(s), from);
    context.progress({ rows: sum((s) => s.rows, total.rows), bytes: Math.round(sum((s) => s.bytes, total.bytes)), doing: 'copying' });
  };
  const look = async (): Promise<void> => {
    while (!over.signal.aborted) {
      try {
        await context.clock.sleep(lookEveryMs, over.signal);
        const found = await source.control((client) =>
          client.query<{ pid: number; rows: string; bytes: string }>(
            'SELECT pid, tuples_processed::text AS rows, bytes_processed::text AS bytes FROM pg_catalog.pg_stat_progress_copy WHERE pid = ANY($1)',
            [[...running]],
          ),
        );
        if (over.signal.aborted) return;
        for (const row of found.rows) if (running.has(row.pid)) seen.set(row.pid, { rows: Number(row.rows), bytes: Number(row.bytes) });
        if (found.rows.length > 0) tell();
      } catch (error) {
        if (!over.signal.aborted) context.log('debug', `no progress to be had: ${String(error)}`);
        return;
      }
    }
  };

  context.signal.addEventListener('abort', end, { once: true });
  const looking = look();
  return {
    async run(pid, body) {
      if (ended || context.signal.aborted) throw stoppedError();
      running.add(pid);
      try {
        return await body();
      } finally {
        running.delete(pid);
      }
    },
    finished(pid, rows) {
      const last = seen.get(pid);
      seen.delete(pid);
      total.rows += rows;
      if (last !== undefined && last.rows > 0) total.bytes += (last.bytes / last.rows) * rows;
    },
    end,
    async close() {
      context.signal.removeEventListener('abort', end);
      over.abort();
      await looking;
    },
  };
}

/** On a session of its own: the shared one may wait for a lock. */
async function terminate(source: PostgresSource, pids: readonly number[]): Promise<void> {
  const client = await source.server.connect('stop');
  try {
    await client.query('SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid', [pids]);
  } finally {
    await client.end();
  }
}
