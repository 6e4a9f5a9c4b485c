import type { Client } from 'pg';
import { postgresError } from './error.ts';
import type { PostgresServer } from './server.ts';

/** Works on a short session that only reads (`PostgresServer.visit`) and ends it; when the signal aborts it is cut off, whatever the server does. Throws EngineErrors; `what` is what was done, for their messages. */
export async function onVisit<T>(
  server: PostgresServer,
  { label, patienceMs, signal }: { readonly label: string; readonly patienceMs: number; readonly signal: AbortSignal },
  what: string,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const client = await server.visit(label, patienceMs);
  // Ending a session in the middle of a query breaks its connection off.
  const leave = (): void => void client.end().catch(() => undefined);
  // A server that does not even answer to its own timeout.
  const late = setTimeout(leave, patienceMs * 2);
  signal.addEventListener('abort', leave, { once: true });
  try {
    signal.throwIfAborted();
    return await work(client);
  } catch (error) {
    signal.throwIfAborted();
    throw postgresError(error, what);
  } finally {
    clearTimeout(late);
    signal.removeEventListener('abort', leave);
    await client.end().catch(() => undefined);
  }
}
