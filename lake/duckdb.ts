import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';

export type { DuckDBConnection, DuckDBInstance };

/**
 * DuckDB's allocator keeps freed memory for later use, more the longer it works. These settings (DuckDB docs, configuration) have it given back by threads of the
 * allocator, and after every task that used this much.
 */
const tidyAllocator = {
  allocator_background_threads: 'true',
  allocator_flush_threshold: '16MB',
  allocator_bulk_deallocation_flush_threshold: '16MB',
} as const;

export interface DuckDBSettings {
  /** Above it DuckDB spills to `tempFolder`, or fails with its out-of-memory error. */
  readonly memoryBytes: number;
  readonly threads: number;
  /** Absolute; made by DuckDB when it first spills. */
  readonly tempFolder: string;
  /** Default false: rows may come in any order, which needs less memory. */
  readonly preserveInsertionOrder?: boolean;
}

/**
 * Opens a DuckDB database in memory within a budget; the library is loaded at first use. Nothing is fetched from the network by itself.
 * The caller closes it with `closeSync()`.
 */
export async function openDuckDB(settings: DuckDBSettings): Promise<DuckDBInstance> {
  const { DuckDBInstance: Instance } = await import('@duckdb/node-api');
  return Instance.create(':memory:', {
    memory_limit: `${Math.floor(settings.memoryBytes)}B`,
    threads: String(Math.max(1, Math.floor(settings.threads))),
    temp_directory: settings.tempFolder,
    preserve_insertion_order: String(settings.preserveInsertionOrder ?? false),
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    ...tidyAllocator,
  });
}

/** A new connection whose times are read and written in UTC. The caller closes it with `closeSync()`. */
export async function connectDuckDB(instance: DuckDBInstance): Promise<DuckDBConnection> {
  const connection = await instance.connect();
  try {
    await connection.run("SET TimeZone = 'UTC'");
    return connection;
  } catch (cause) {
    connection.closeSync();
    throw cause;
  }
}

/** A name in DuckDB's SQL. */
export function duckdbName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text constant in DuckDB's SQL, in which a backslash is an ordinary character. */
export function duckdbText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
