import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectDuckDB, type DuckDBConnection, duckdbName, openDuckDB } from '../../lake/duckdb.ts';
import { lakeError } from '../../lake/error.ts';
import type { Lake } from '../../lake/lake.ts';
import { latestSql, versionsSql } from '../../lake/latest.ts';
import { readTable } from '../../lake/log.ts';
import { dataFilePath, decodePath, logFolder } from '../../lake/path.ts';
import type { Json } from '../base/json.ts';
import { lakeFolder } from '../base/lake-folder.ts';
import type { Command, CommandContext, CommandInput } from '../command.ts';
import { EngineError } from '../error.ts';

/** `engine query SQL`: DuckDB on the lake's tables; `<table>` has the latest row of each key, `<table>__versions` all rows with the engine's own columns. */
export const command: Command = {
  name: 'query',
  summary: "run SQL on the lake's tables",
  description:
    "Runs SQL (DuckDB's) on the tables of the lake. Each table is a view with its latest row per key, under its name in pipelines.yaml; <table>__versions has every version that was extracted, with _extracted_at and _deleted.",
  arguments: [{ name: 'sql', summary: 'one or more statements; the last one is shown', required: true }],
  options: [{ flags: '--limit <rows>', summary: 'show so many rows at most; 0 for all', default: '1000' }],
  examples: [
    'engine query "SELECT count(*) FROM users"                                # rows of the latest state',
    'engine query "SELECT * FROM users__versions WHERE id = 7"                # all that was ever extracted of one row',
    'engine query "FROM transactions ORDER BY updated_at DESC" --limit 10     # the newest ones',
    'engine query --json "SHOW TABLES"                                        # every table of the lake, as JSON',
  ],
  run: runQuery,
};

async function runQuery(context: CommandContext, input: CommandInput): Promise<number> {
  const [sql] = input.arguments;
  if (typeof sql !== 'string' || sql.trim() === '') throw new EngineError('usage', 'query.empty', 'there is no SQL to run');
  const limit = rowLimit(input.options.limit);
  const config = await context.config();
  const { lake } = await context.connection('lake', 'lake');
  if (lake === undefined) throw new Error('the connection named lake is no lake');
  const folder = await mkdtemp(join(tmpdir(), 'engine-query-'));
  const releases: (() => Promise<void>)[] = [];
  try {
    const { memoryBytes, threads } = config.extract;
    const instance = await openDuckDB({ memoryBytes, threads, tempFolder: join(folder, 'spill'), preserveInsertionOrder: true });
    const connection = await connectDuckDB(instance);
    const stop = (): void => connection.interrupt();
    context.signal.addEventListener('abort', stop, { once: true });
    try {
      context.signal.throwIfAborted();
      const tables = await lakeTables(lake, Object.keys(config.tables));
      for (const [name, folder] of wantedIn(sql, tables)) await makeViews(connection, lake, name, folder, releases);
      const absent = Object.keys(config.tables).filter((name) => !tables.has(name));
      const result = await lastResult(connection, sql, limit, absent);
      if (result.more) context.reporter.note(`The first ${result.rows.length} rows; --limit 0 shows all.`);
      const document = { format_version: 1, columns: result.columns, rows: result.rows, truncated: result.more };
      context.reporter.data(document, () => tableText(result));
      return 0;
    } catch (error) {
      if (context.signal.aborted) throw context.signal.reason;
      throw error;
    } finally {
      context.signal.removeEventListener('abort', stop);
      connection.closeSync();
      instance.closeSync();
    }
  } finally {
    for (const release of releases) await release();
    await rm(folder, { recursive: true, force: true });
  }
}

function rowLimit(given: unknown): number {
  const limit = typeof given === 'string' && /^\d{1,9}$/.test(given) ? Number(given) : given === undefined ? 1000 : Number.NaN;
  if (Number.isNaN(limit))
    throw new EngineError('usage', 'query.limit', `--limit is no whole number: ${String(given)}`, { hint: 'For example: --limit 100.' });
  return limit === 0 ? Number.POSITIVE_INFINITY : limit;
}

/** Tables of the lake, as name -> folder. Looks at one file of each folder: what lies beyond `<folder>/` sorts after `<folder>0`. */
export async function lakeTables(lake: Lake, declared: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const names = new Map(declared.map((name) => [lakeFolder(name), name]));
  const tables = new Map<string, string>();
  for (let after = ''; ; ) {
    const first = await firstFile(lake, '', after);
    if (first === undefined) return tables;
    const slash = first.indexOf('/');
    after = slash < 0 ? first : `${first.slice(0, slash)}0`;
    if (slash < 0) continue;
    const folder = first.slice(0, slash);
    if ((await firstFile(lake, logFolder(folder))) !== undefined) tables.set(names.get(folder) ?? nameOf(folder), folder);
  }
}

async function firstFile(lake: Lake, folder: string, after?: string): Promise<string | undefined> {
  for await (const file of lake.list(folder, after)) return file.path;
  return undefined;
}

/** The table whose folder it is, for one that a wildcard named; a folder that no table of ours has goes by its own name. */
function nameOf(folder: string): string {
  const name = decodePath(folder);
  return lakeFolder(name) === folder ? name : folder;
}

/** Tables that the SQL may name; all of them for SQL that names none (`SHOW TABLES`). */
function wantedIn(sql: string, tables: ReadonlyMap<string, string>): readonly (readonly [name: string, folder: string])[] {
  const text = sql.toLowerCase();
  const named = [...tables].filter(([name]) => text.includes(name.toLowerCase().replaceAll('"', '""')));
  return named.length > 0 ? named : [...tables];
}

async function makeViews(
  connection: DuckDBConnection,
  lake: Lake,
  name: string,
  folder: string,
  releases: (() => Promise<void>)[],
): Promise<void> {
  const state = await readTable(lake, folder);
  const files: string[] = [];
  for (const { add } of state.files) {
    const file = await lake.fetch(dataFilePath(state.folder, add));
    releases.push(() => file.release());
    files.push(file.localPath);
  }
  try {
    await connection.run(`CREATE VIEW ${duckdbName(name)} AS ${latestSql(state, files, { names: 'postgres' })}`);
    await connection.run(`CREATE VIEW ${duckdbName(`${name}__versions`)} AS ${versionsSql(state, files, { names: 'postgres' })}`);
  } catch (error) {
    throw lakeError(error, `reading lake table ${state.folder}`);
  }
}

interface Result {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Json[])[];
  readonly more: boolean;
}

/** `absent`: tables of the configuration that the lake does not have yet. */
async function lastResult(connection: DuckDBConnection, sql: string, limit: number, absent: readonly string[]): Promise<Result> {
  try {
    const statements = await connection.extractStatements(sql);
    for (let index = 0; index < statements.count - 1; index += 1) await (await statements.prepare(index)).run();
    const last = await statements.prepare(statements.count - 1);
    const reader = await (limit === Number.POSITIVE_INFINITY ? last.streamAndReadAll() : last.streamAndReadUntil(limit + 1));
    const wide = reader.columnTypes().map((type) => ['BIGINT', 'UBIGINT', 'HUGEINT'].includes(String(type)));
    const rows = reader.getRowsJson() as readonly (readonly Json[])[];
    return {
      columns: reader.columnNames(),
      rows: rows.slice(0, limit).map((row) => row.map((value, index) => (wide[index] === true ? number(value) : value))),
      more: rows.length > limit,
    };
  } catch (cause) {
    throw queryError(cause, absent);
  }
}

function queryError(cause: unknown, absent: readonly string[]): EngineError {
  const said = (cause instanceof Error ? cause.message : String(cause)).replace(/^Failed to extract statements: /, '');
  const unknown = /^Catalog Error: Table with name (.+) does not exist!/.exec(said)?.[1];
  const awaited = absent.find((name) => unknown === name || unknown === `${name}__versions`);
  if (awaited !== undefined)
    return new EngineError('usage', 'query.not-extracted', `table ${awaited} is not in the lake yet`, {
      hint: 'Run a pipeline that has it: its first extract puts it there.',
    });
  const isWrong = /^(Parser|Binder|Catalog) Error/.test(said);
  return new EngineError(isWrong ? 'usage' : 'failed', isWrong ? 'query.wrong' : 'query.failed', said, {
    cause,
    hint: 'engine query "SHOW TABLES" lists the tables; names with capitals or odd characters go in double quotes.',
  });
}

/** A whole number as one where it keeps every digit. */
function number(value: Json): Json {
  return typeof value === 'string' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

function cell(value: Json): string {
  if (value === null) return 'NULL';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return text.replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t');
}

function tableText({ columns, rows }: Result): string {
  const cells = rows.map((row) => row.map(cell));
  const widths = columns.map((name, i) => cells.reduce((width, row) => Math.max(width, (row[i] ?? '').length), name.length));
  const rightward = columns.map((_, i) => rows.length > 0 && rows.every((row) => row[i] === null || typeof row[i] === 'number'));
  const line = (values: readonly string[]): string =>
    values
      .map((value, i) => (rightward[i] === true ? value.padStart(widths[i] ?? 0) : value.padEnd(widths[i] ?? 0)))
      .join(' | ')
      .trimEnd();
  const count = `(${rows.length} ${rows.length === 1 ? 'row' : 'rows'})`;
  return [line(columns), widths.map((w) => '-'.repeat(w)).join('-+-'), ...cells.map(line), count].join('\n');
}
