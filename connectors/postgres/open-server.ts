import type { ConnectionScope, DatabaseParameters } from '../../engine/connector.ts';
import { EngineError } from '../../engine/error.ts';
import { connectionString, openSession, placeOf, type Session } from './connect.ts';
import { type Embedded, openEmbedded } from './embedded.ts';
import { postgresError } from './error.ts';
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
    try {
      parsed ??= parseUrl(settings.url, { env: process.env, root: scope.root }, (text) => scope.log('warn', text));
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      const { trouble, code, message, hint, cause } = error;
      throw new EngineError(trouble, code, `${name}: ${message}`, { cause, ...(hint === undefined ? {} : { hint }) });
    }
    return parsed;
  }

  /** What the first session learned; one that failed is forgotten. */
  let facts: Promise<Facts> | undefined;

  function learn(session: Session, to: DatabaseParameters): Promise<Facts> {
    const learning = probePooling(session, to).then((pooling) => ({ version: session.version, pooling }));
    facts = learning;
    learning.catch(() => {
      if (facts === learning) facts = undefined;
    });
    return learning;
  }

  async function connectTo(to: DatabaseParameters, label: string): Promise<Session['client']> {
    const session = await openSession(to, label);
    try {
      const { pooling } = await (facts ?? learn(session, to));
      if (pooling === 'transaction') throw poolerError(to, pooling);
      return session.client;
    } catch (error) {
      await session.client.end();
      throw postgresError(error, `connecting to ${placeOf(to)}`);
    }
  }

  const connect = async (label: string): Promise<Session['client']> => connectTo(await parameters(), label);

  return {
    name,
    parameters,
    connect,
    visit: async (label, patienceMs) => {
      const to = embedded === undefined ? await parameters() : await embedded.peek();
      if (to === undefined)
        throw new EngineError('outside', 'embedded.not-running', `the embedded server ${name} is not running`, {
          hint: 'It runs while a run needs it; `engine up` keeps it running.',
        });
      const client = await connectTo({ ...to, connectTimeoutMs: Math.min(to.connectTimeoutMs, patienceMs) }, label);
      try {
        await client.query('SET default_transaction_read_only = on');
        await client.query(`SET statement_timeout = ${Math.ceil(patienceMs)}`);
        await client.query(`SET lock_timeout = ${Math.ceil(patienceMs / 3)}`);
        return client;
      } catch (error) {
        await client.end().catch(() => undefined);
        throw postgresError(error, `connecting to ${placeOf(to)}`);
      }
    },
    connectionString: async (label, further = {}) => {
      if (facts === undefined) await (await connect('hello')).end();
      const to = await parameters();
      const { version, pooling } = (await facts) ?? { version: 0, pooling: 'session' };
      if (pooling !== 'none') throw poolerError(to, pooling);
      return connectionString(to, label, version, further);
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
