import type { Client } from 'pg';
import { EngineError } from '../../engine/error.ts';
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
  const client = await enter(server.visit(label, patienceMs), patienceMs * 2, signal, what);
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

/** A session that has not begun by then is ended as soon as it has: a server may take one in and say nothing more. */
async function enter(visiting: Promise<Client>, withinMs: number, signal: AbortSignal, what: string): Promise<Client> {
  let leave: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;
  const given = new Promise<undefined>((resolve) => {
    leave = () => resolve(undefined);
    timer = setTimeout(leave, withinMs);
    signal.addEventListener('abort', leave, { once: true });
  });
  try {
    const client = await Promise.race([visiting, given]);
    if (client !== undefined) return client;
  } finally {
    clearTimeout(timer);
    if (leave !== undefined) signal.removeEventListener('abort', leave);
  }
  visiting.then(
    (client) => client.end().catch(() => undefined),
    () => undefined,
  );
  signal.throwIfAborted();
  throw new EngineError(
    'outside',
    'postgres.timeout',
    `${what}: the server took the connection and did not answer within ${withinMs / 1000} s`,
    {
      hint: 'Look whether the server is overloaded or stopped.',
      retryable: true,
    },
  );
}
