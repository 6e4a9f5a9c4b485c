import type { Command, CommandContext } from '../command.ts';
import type { Config, TableConfig } from '../config.ts';
import type { CatalogTable, Checkup, CheckupRequest } from '../connector.ts';
import { EngineError, errorData, exitCodeOf } from '../error.ts';
import { expandTables, wildcardSource } from '../load/expand.ts';

export const command: Command = {
  name: 'doctor',
  summary: 'check what can be reached, with what rights',
  description:
    'Looks at every source, sink, the lake and dbt: reached, rights, and what in the database will hurt (a cursor without index, NULLs, no trigger). Reads only. Exit 3 when something cannot be reached or lacks a right that a run needs; warnings do not change the exit code.',
  examples: ['engine doctor          # everything, each finding with what to do', 'engine doctor --json   # for a program'],
  run,
};

/** What was looked at, and as part of what: `source production`, `lake`, `pipeline p`. */
type Found = Checkup & { readonly part: string };

async function run(context: CommandContext): Promise<number> {
  const config = await context.config();
  const tables = await tablesInUse(context, config);
  const found: Found[] = [...tables.found];
  for (const name of Object.keys(config.sources))
    found.push(
      ...(await look(
        context,
        'source',
        name,
        `source ${name}`,
        tables.all.filter(({ table }) => table.source === name),
      )),
    );
  found.push(...(await look(context, 'lake', 'lake', 'lake', [])));
  for (const name of Object.keys(config.sinks))
    found.push(
      ...(await look(
        context,
        'sink',
        name,
        `sink ${name}`,
        tables.all.filter(({ table }) => table.sink === name),
      )),
    );
  if (config.dbt !== undefined) found.push(...(await look(context, 'dbt', 'dbt', 'dbt', [])));
  found.push(await lookAtState(context, config));
  const failed = found.some((one) => one.outcome === 'fail');
  context.reporter.data({ format_version: 1, ok: !failed, checks: found }, () => render(found));
  return failed ? exitCodeOf({ trouble: 'outside' }) : 0;
}

async function look(
  context: CommandContext,
  as: CheckupRequest['as'],
  name: string,
  part: string,
  tables: CheckupRequest['tables'],
): Promise<Found[]> {
  context.signal.throwIfAborted();
  try {
    const connection = await context.connection(as, name);
    const found = (await connection.checkup?.({ as, tables, signal: context.signal })) ?? [];
    return found.map((one) => ({ part, ...one }));
  } catch (error) {
    return [failure(context, part, 'connection', error)];
  }
}

/** What an EngineError says becomes a finding; a defect stays one. */
function failure(context: CommandContext, part: string, subject: string, error: unknown): Found {
  if (context.signal.aborted || !(error instanceof EngineError)) throw error;
  const { message, hint } = errorData(error);
  return { part, subject, outcome: 'fail', message, ...(hint === undefined ? {} : { hint }) };
}

interface InUse {
  readonly all: CheckupRequest['tables'];
  readonly found: readonly Found[];
}

/** Every table of every pipeline, wildcards answered where their source can be reached; and declared tables that no pipeline takes. */
async function tablesInUse(context: CommandContext, config: Config): Promise<InUse> {
  const catalogs = new Map<string, readonly CatalogTable[]>();
  const inUse = new Map<string, { table: TableConfig; incremental: boolean }>();
  const found: Found[] = [];
  const add = (table: TableConfig, incremental: boolean): void => {
    const key = JSON.stringify([table.name, table.source, table.relation]);
    inUse.set(key, { table, incremental: incremental || inUse.get(key)?.incremental === true });
  };
  for (const pipeline of Object.values(config.pipelines)) {
    const source = wildcardSource(config, pipeline);
    if (source !== undefined && !catalogs.has(source)) {
      try {
        const connection = await context.connection('source', source);
        catalogs.set(source, (await connection.source?.catalog()) ?? []);
      } catch (error) {
        found.push(failure(context, `pipeline ${pipeline.name}`, 'wildcards', error));
        catalogs.set(source, []);
        continue;
      }
    }
    const unreachable = source !== undefined && catalogs.get(source)?.length === 0;
    const expansion = expandTables(config, pipeline, catalogs);
    for (const table of expansion.tables) add(table, pipeline.mode === 'incremental');
    for (const { severity, message, hint } of unreachable ? [] : expansion.findings)
      found.push({
        part: `pipeline ${pipeline.name}`,
        subject: 'tables',
        outcome: severity === 'error' ? 'fail' : 'warn',
        message,
        ...(hint === undefined ? {} : { hint }),
      });
  }
  for (const table of Object.values(config.tables)) add(table, false);
  return { all: [...inUse.values()], found };
}

async function lookAtState(context: CommandContext, config: Config): Promise<Found> {
  const part = 'state';
  const { state } = config;
  const where =
    state.type === 'memory'
      ? 'memory, and are gone when a command ends'
      : state.type === 'sink'
        ? `${state.sink}, schema ${state.schema}`
        : `schema ${state.schema}`;
  if (state.type === 'memory')
    return {
      part,
      subject: 'store',
      outcome: 'warn',
      message: `runs are kept in ${where}`,
      hint: 'Good for trials only: `engine retry` and `engine runs` find nothing.',
    };
  try {
    const store = await context.peekStore();
    const message = store === undefined ? `is not there yet; the first run makes it in ${where}` : `runs are kept in ${where}`;
    return { part, subject: 'store', outcome: 'ok', message };
  } catch (error) {
    return failure(context, part, 'store', error);
  }
}

const marks: Readonly<Record<Checkup['outcome'], string>> = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' };

function render(found: readonly Found[]): string {
  const lines: string[] = [];
  let part: string | undefined;
  for (const one of found) {
    if (one.part !== part) lines.push(...(lines.length > 0 ? [''] : []), one.part);
    part = one.part;
    lines.push(`  ${marks[one.outcome]}  ${one.subject}: ${one.message}`);
    if (one.hint !== undefined) lines.push(`        -> ${one.hint}`);
  }
  const count = (outcome: Checkup['outcome']): number => found.filter((one) => one.outcome === outcome).length;
  lines.push('', `${count('ok')} ok, ${count('warn')} to look at, ${count('fail')} that a run would fail on`);
  return `${lines.join('\n')}\n`;
}
