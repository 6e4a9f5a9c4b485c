import type { Client } from 'pg';
import type { DatabaseParameters, EmbeddedServer } from '../../engine/connector.ts';

/** One Postgres database that the engine talks to: a real server or an embedded one, the same for all callers. */
export interface PostgresServer {
  /** The name in the configuration. */
  readonly name: string;
  /** Starts an embedded server when it is one. */
  parameters(): Promise<DatabaseParameters>;
  /**
   * A new session of its own, with the session settings of `session.ts` in force. `label` goes into `application_name` (`engine <label>`).
   * The caller ends it. Errors are EngineErrors: refused, password, TLS, no such database, too many connections.
   */
  connect(label: string): Promise<Client>;
  /** The same, only reading and for somebody who waits: given up after that time. An embedded server that does not run is not started: EngineError `embedded.not-running`. */
  visit(label: string, patienceMs: number): Promise<Client>;
  /** The same session for a program that takes a libpq connection string (DuckDB's postgres extension); settings ride in `options`, with further ones of its own. Contains the password. */
  connectionString(label: string, further?: Readonly<Record<string, string>>): Promise<string>;
  /** Ends an embedded server's use. Never throws. */
  close(): Promise<void>;
  /** Only of a server that the engine runs itself. */
  readonly embedded?: EmbeddedServer;
}
