import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { QueryArrayResult } from 'pg';
import { redact } from '../base/secret.ts';
import type { Command, CommandContext } from '../command.ts';
import type { DatabaseParameters } from '../connector.ts';
import { EngineError } from '../error.ts';
import { type NamedDatabase, namedDatabase } from './database.ts';

/** `engine psql NAME`: Postgres's own shell on a source or a sink; `-c` works without one. */
export const command: Command = {
  name: 'psql',
  summary: 'open a Postgres shell on a source or a sink',
  description:
    'Runs psql from the PATH with the connection of the configuration; the password goes by environment. Where there is no psql, -c runs the SQL all the same.',
  arguments: [{ name: 'name', summary: 'a source or a sink; `source` and `warehouse` stand for the first of each', required: true }],
  options: [{ flags: '-c, --command <sql>', summary: 'run this SQL, show what it gives, and end' }],
  examples: [
    'engine psql source                                          # a shell on the source',
    "engine psql warehouse -c 'select count(*) from staging.users'   # one query",
  ],
  async run(context, input) {
    const named = await namedDatabase(context, String(input.arguments[0]));
    const sql = typeof input.options.command === 'string' ? input.options.command : undefined;
    const program = findOnPath(context.env.PATH, 'psql');
    if (sql !== undefined && (program === undefined || context.json)) return await runSql(context, named, sql);
    const parameters = await named.database.parameters();
    if (program === undefined) throw missing(named, parameters);
    return await shell(context, program, parameters, sql);
  },
};

function findOnPath(path: string | undefined, name: string): string | undefined {
  return (path ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch (error) {
        if (error instanceof Error) return false;
        throw error;
      }
    });
}

function missing(named: NamedDatabase, p: DatabaseParameters): EngineError {
  const { embedded } = named.database;
  const password =
    embedded === undefined ? 'the password is the one of the configured URL' : `the password is in ${join(embedded.folder, 'password')}`;
  return new EngineError('outside', 'psql.missing', `there is no psql on the PATH to open ${named.name} with`, {
    hint: `Install one (Debian, Ubuntu: postgresql-client; macOS: libpq), or use engine psql ${named.name} -c SQL, or any client: host ${p.host}, port ${p.port}, user ${p.user}, database ${p.database}, sslmode ${p.sslmode}; ${password}.`,
  });
}

/** libpq's variables for the parameters; those of the caller that would change their meaning are left out. */
function environment(env: CommandContext['env'], p: DatabaseParameters): NodeJS.ProcessEnv {
  const kept = Object.fromEntries(
    Object.entries(env).filter(
      ([key]) => !/^PG(HOST|PORT|USER|PASS|DATABASE|SERVICE|SSL|OPTIONS|TARGET|REQUIRE|CHANNEL|CONNECT|LOADBALANCE)/.test(key),
    ),
  );
  const ours = {
    PGHOST: p.host,
    PGPORT: String(p.port),
    PGUSER: p.user,
    PGPASSWORD: p.password,
    PGDATABASE: p.database,
    PGSSLMODE: p.sslmode,
    PGSSLROOTCERT: p.sslrootcert,
    PGSSLCERT: p.sslcert,
    PGSSLKEY: p.sslkey,
    PGCONNECT_TIMEOUT: String(Math.ceil(p.connectTimeoutMs / 1000)),
    PGAPPNAME: 'engine psql',
  };
  return { ...kept, ...Object.fromEntries(Object.entries(ours).filter(([, value]) => value !== undefined)) };
}

/** Runs psql on this terminal; Ctrl-C is psql's own there (it cancels a query). Returns psql's exit code as 0 or 1. */
async function shell(context: CommandContext, program: string, parameters: DatabaseParameters, sql: string | undefined): Promise<number> {
  const listeners = process.listeners('SIGINT');
  const ignore = (): void => undefined;
  process.removeAllListeners('SIGINT');
  process.on('SIGINT', ignore);
  try {
    return await new Promise<number>((resolve, reject) => {
      const options = sql === undefined ? [] : ['-v', 'ON_ERROR_STOP=1', '-c', sql];
      const child = spawn(program, options, { stdio: 'inherit', env: environment(context.env, parameters) });
      const stop = (): void => void child.kill('SIGTERM');
      context.signal.addEventListener('abort', stop, { once: true });
      child.once('error', reject);
      child.once('close', (code) => {
        context.signal.removeEventListener('abort', stop);
        if (context.signal.aborted) reject(context.signal.reason);
        else resolve(code === 0 ? 0 : 1);
      });
    });
  } finally {
    process.removeListener('SIGINT', ignore);
    for (const listener of listeners) process.on('SIGINT', listener);
  }
}

interface Shown {
  readonly command: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
  readonly count: number | null;
}

/** The SQL without psql: every value as Postgres's own text. */
async function runSql(context: CommandContext, { name, database }: NamedDatabase, sql: string): Promise<number> {
  const client = await database.connect('psql');
  const stop = (): void => void client.end();
  context.signal.addEventListener('abort', stop, { once: true });
  try {
    // A shell finds tables where the server's own settings say.
    await client.query('RESET search_path');
    const asText = { getTypeParser: () => (value: string) => value };
    const found = (await client.query({ text: sql, rowMode: 'array', types: asText })) as unknown as
      | QueryArrayResult<(string | null)[]>
      | QueryArrayResult<(string | null)[]>[];
    const results: Shown[] = [found]
      .flat()
      .map((r) => ({ command: r.command, columns: r.fields.map((f) => f.name), rows: r.rows, count: r.rowCount }));
    context.reporter.data({ format_version: 1, database: name, results }, () => results.map(table).join('\n\n'));
    return 0;
  } catch (error) {
    if (context.signal.aborted) throw context.signal.reason;
    if (error instanceof EngineError) throw error;
    throw new EngineError('failed', 'psql.sql', redact(`${name}: ${error instanceof Error ? error.message : String(error)}`), {
      cause: error,
      hint: 'Correct the SQL given with -c.',
    });
  } finally {
    context.signal.removeEventListener('abort', stop);
    await client.end();
  }
}

/** A result as psql lays it out: header, line, rows, count. */
function table(result: Shown): string {
  if (result.columns.length === 0) return `${result.command}${result.count === null ? '' : ` ${result.count}`}`;
  const cells = [result.columns, ...result.rows.map((row) => row.map((value) => value ?? ''))];
  const widths = result.columns.map((_, i) => Math.max(...cells.map((row) => [...(row[i] ?? '')].length)));
  const line = (row: readonly string[]): string =>
    row
      .map((value, i) => ` ${value}${' '.repeat((widths[i] ?? 0) - [...value].length)} `)
      .join('|')
      .trimEnd();
  const [head = [], ...rows] = cells;
  return [
    line(head),
    widths.map((width) => '-'.repeat(width + 2)).join('+'),
    ...rows.map(line),
    `(${rows.length} ${rows.length === 1 ? 'row' : 'rows'})`,
  ].join('\n');
}
