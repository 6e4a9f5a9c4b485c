import type { Sink } from '../../engine/connector.ts';
import { EngineError } from '../../engine/error.ts';
import type { PostgresServer } from './server.ts';

/** The sink role of a Postgres connection, as its own nodes see it. */
export interface PostgresSink extends Sink {
  readonly server: PostgresServer;
  /** What DuckDB may use to turn Parquet into what COPY reads, and where its postgres extension may be; absent: a small default. */
  readonly duckdb?: { readonly memoryBytes: number; readonly threads: number; readonly extensionFolder?: string | undefined };
  /** Takes work that later nodes need not wait for; it never rejects, and closing the connection waits for it. Absent: the caller waits itself. */
  readonly later?: (work: Promise<void>) => void;
}

/** The sink as a Postgres one; EngineError `load.other-sink` when it belongs to another connector. */
export function postgresSink(sink: Sink): PostgresSink {
  if ('server' in sink) return sink as PostgresSink;
  throw new EngineError('usage', 'load.other-sink', 'a postgres.load node was given a sink that is not Postgres', {
    hint: 'Name a sink of type postgres in `sink:`',
  });
}
