import { lazy } from '../../engine/base/lazy.ts';
import type { ConnectionScope, DatabaseParameters } from '../../engine/connector.ts';
import { connectionString, openSession, type Session } from './connect.ts';
import { type Embedded, openEmbedded } from './embedded.ts';
import { type Pooling, poolerError, probePooling } from './pooler.ts';
import type { PostgresServer } from './server.ts';
import { parseUrl } from './url.ts';

interface Facts {
  readonly version: number;
  readonly pooling: Pooling;
}

/** The server of a URL, or the one that the engine runs itself for `embedded`. Nothing is read or started before it is used. */
export function openServer(name: string, settings: { readonly url: string }, scope: ConnectionScope): PostgresServer {
  const embedded: Embedded | undefined = settings.url === 'embedded' ? openEmbedded({ root: scope.root, name }) : undefined;
  let parsed: DatabaseParameters | undefined;

  async function parameters(): Promise<DatabaseParameters> {
    if (embedded !== undefined) return await embedded.open();
    parsed ??= parseUrl(settings.url, { env: process.env, root: scope.root }, (text) => scope.log('warn', text));
    return parsed;
  }

  /** Learned by the first session, whoever opens it. */
  const facts = lazy<Facts>(async () => {
    const to = await parameters();
    const session = await openSession(to, 'hello');
    try {
      return { version: session.version, pooling: await probePooling(session, to) };
    } finally {
      await session.client.end();
    }
  });

  async function checked(): Promise<Facts> {
    const found = await facts.get();
    if (found.pooling === 'transaction') throw poolerError(await parameters(), 'transaction');
    return found;
  }

  async function connect(label: string): Promise<Session['client']> {
    const to = await parameters();
    const session = await openSession(to, label);
    // A server that announces the backend's own pid is no pooler: nothing more to ask.
    if (session.announced === session.backend) return session.client;
    try {
      await checked();
      return session.client;
    } catch (error) {
      await session.client.end();
      throw error;
    }
  }

  return {
    name,
    parameters,
    connect,
    connectionString: async (label) => {
      const { version, pooling } = await checked();
      if (pooling === 'session') throw poolerError(await parameters(), 'session');
      return connectionString(await parameters(), label, version);
    },
    close: async () => {
      try {
        await embedded?.close();
      } catch (error) {
        scope.log('warn', `the embedded server ${name} was not stopped: ${String(error)}`);
      }
    },
    ...(embedded === undefined ? {} : { embedded }),
  };
}
