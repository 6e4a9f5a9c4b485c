import type { Lake } from '../../lake/lake.ts';
import type { TableState } from '../../lake/table.ts';
import { type Instant, microsToInstant, millisToInstant } from '../base/instant.ts';
import { suggest } from '../base/suggest.ts';
import type { Command, CommandContext, CommandInput } from '../command.ts';
import type { Config, Relation } from '../config.ts';
import { EngineError } from '../error.ts';
import { agree } from './agree.ts';
import { lakeTables } from './query.ts';

export const command: Command = {
  name: 'state',
  summary: 'show or change the watermarks',
  description:
    "Each table's watermark is the fence in its lake commits: the next incremental extract starts there. `set` moves it, `reset` takes it away, so that the next one takes everything. Both ask first, and are commits of their own: nothing is rewritten.",
  arguments: [
    { name: 'action', summary: 'show, set or reset', required: true },
    { name: 'rest', summary: 'show [TABLE...]; set TABLE TIME; reset TABLE...', required: false, variadic: true },
  ],
  examples: [
    'engine state show                                    # where every table stands',
    'engine state set users 2026-01-31T09:30:00Z          # the next extract starts there (less its lookback)',
    'engine state reset users --yes                       # the next extract takes everything',
  ],
  run,
};

async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const [action, given] = input.arguments;
  const rest = given === undefined ? [] : typeof given === 'string' ? [given] : given;
  switch (action) {
    case 'show':
      return await show(context, rest);
    case 'set':
      return await set(context, rest);
    case 'reset':
      return await reset(context, rest);
    default: {
      const near = typeof action === 'string' ? suggest(action, ['show', 'set', 'reset']) : undefined;
      throw new EngineError('usage', 'state.action', `state takes show, set or reset, not ${String(action)}`, {
        hint: near === undefined ? 'See engine state --help.' : `Did you mean \`engine state ${near}\`?`,
      });
    }
  }
}

interface LakeTable {
  readonly name: string;
  readonly state: TableState;
}

async function openLake(context: CommandContext): Promise<{ readonly config: Config; readonly lake: Lake }> {
  const config = await context.config();
  const { lake } = await context.connection('lake', 'lake');
  if (lake === undefined) throw new Error('the connection named lake is no lake');
  return { config, lake };
}

/** The named tables of the lake; all of them for no names. */
async function readTables(config: Config, lake: Lake, names: readonly string[]): Promise<readonly LakeTable[]> {
  const { readTable } = await import('../../lake/log.ts');
  const known = await lakeTables(lake, Object.keys(config.tables));
  for (const name of names) {
    if (known.has(name)) continue;
    const near = suggest(name, known.keys());
    throw new EngineError('usage', 'state.unknown-table', `there is no table ${name} in the lake`, {
      hint:
        near !== undefined
          ? `Did you mean ${near}?`
          : known.size === 0
            ? 'The lake is empty: run a pipeline first.'
            : `It has: ${[...known.keys()].join(', ')}.`,
    });
  }
  const chosen = [...known].filter(([name]) => names.length === 0 || names.includes(name));
  const tables: LakeTable[] = [];
  for (const [name, folder] of chosen) tables.push({ name, state: await readTable(lake, folder) });
  return tables.sort((a, b) => (a.name < b.name ? -1 : 1));
}

interface Shown {
  readonly table: string;
  readonly version: number;
  readonly extractedAt: Instant | null;
  readonly mode: 'full' | 'incremental' | null;
  readonly run: string | null;
  /** Rows of the last extract. */
  readonly rows: number | null;
  readonly fence: Instant | null;
  /** Where the next extract by an integer or text cursor starts; null: it takes everything, or the cursor is a time. */
  readonly value: string | null;
  readonly sink: string | null;
  readonly target: string | null;
  /** The version that staging holds; null: none, or not known. */
  readonly loaded: number | null;
  /** True when the lake holds versions that bring data and are not in staging. */
  readonly behind: boolean | null;
}

async function show(context: CommandContext, names: readonly string[]): Promise<number> {
  const { config, lake } = await openLake(context);
  const tables = await readTables(config, lake, names);
  const ledgers = new Map<string, Ledger>();
  const shown: Shown[] = [];
  for (const { name, state } of tables) {
    const place = placeOf(config, name);
    if (place !== undefined && !ledgers.has(place.sink)) ledgers.set(place.sink, await readLedger(context, place.sink));
    const entry = place === undefined ? undefined : ledgers.get(place.sink)?.get(key(place.into));
    const known = place !== undefined && ledgers.get(place.sink) !== undefined;
    const loaded = entry !== undefined && entry.tableId === state.metadata?.id ? entry.version : null;
    const last = state.last?.commit;
    shown.push({
      table: name,
      version: state.version,
      extractedAt: last?.extractedAt ?? null,
      mode: last?.mode ?? null,
      run: last?.run ?? null,
      rows: last?.rows ?? null,
      fence: state.fence,
      value: last?.value ?? null,
      sink: place?.sink ?? null,
      target: place === undefined ? null : `${place.into.schema}.${place.into.name}`,
      loaded,
      behind: known ? state.dataVersion > (loaded ?? -1) : null,
    });
  }
  context.reporter.data({ format_version: 1, tables: shown }, () => render(shown));
  return 0;
}

/** Where a table goes: as declared, else as a wildcard would bring it. */
function placeOf(config: Config, name: string): { readonly sink: string; readonly into: Relation } | undefined {
  const declared = Object.hasOwn(config.tables, name) ? config.tables[name] : undefined;
  if (declared !== undefined) return { sink: declared.sink, into: declared.into };
  const { sink } = config.tableDefaults;
  const schema = sink === undefined ? undefined : config.sinks[sink]?.schema;
  return sink === undefined || schema === undefined ? undefined : { sink, into: { schema, name } };
}

/** What the run of a commit by `state set` and `reset` begins with. */
const byHand = 'state-';

const key = (relation: Relation): string => JSON.stringify([relation.schema, relation.name]);

type Ledger = ReadonlyMap<string, { readonly version: number; readonly tableId: string }> | undefined;

/** The newest load of each target; undefined, with a note, when the sink cannot be asked. */
async function readLedger(context: CommandContext, sink: string): Promise<Ledger> {
  try {
    const { database } = await context.connection('sink', sink);
    if (database === undefined) return undefined;
    const client = await database.connect('state');
    try {
      const there = await client.query<{ there: boolean }>(`SELECT to_regclass('engine.loads') IS NOT NULL AS there`);
      if (there.rows[0]?.there !== true) return new Map();
      const { rows } = await client.query<{ schema: string; name: string; version: string; id: string }>(
        `SELECT DISTINCT ON (target_schema, target_table) target_schema AS schema, target_table AS name, version::text AS version, lake_table_id AS id
         FROM engine.loads ORDER BY target_schema, target_table, seq DESC`,
      );
      return new Map(rows.map((row) => [key(row), { version: Number(row.version), tableId: row.id }]));
    } finally {
      await client.end();
    }
  } catch (error) {
    if (context.signal.aborted) throw context.signal.reason;
    context.reporter.note(`what ${sink} has loaded is not known: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

function render(shown: readonly Shown[]): string {
  if (shown.length === 0) return 'the lake is empty: no table has been extracted yet\n';
  const head = ['table', 'lake', 'last extract', 'mode', 'rows', 'fence (the next one starts here)', 'staging'];
  const rows = shown.map((one) => [
    one.table,
    `v${one.version}`,
    one.extractedAt ?? 'not by this engine',
    one.run?.startsWith(byHand) === true ? 'moved by hand' : (one.mode ?? ''),
    one.rows === null ? '' : one.rows.toLocaleString('en-US'),
    one.fence ?? (one.value === null ? 'none: everything is taken' : `no fence: from ${one.value}`),
    stagingText(one),
  ]);
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i === 4 ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  return `${[line(head), ...rows.map(line)].join('\n')}\n`;
}

/** The lake's version can be above staging's though nothing waits: `state set`, and extracts without a row, bring no data. */
function stagingText(one: Shown): string {
  if (one.behind === null) return 'not known';
  if (one.loaded === null) return 'not loaded';
  return `v${one.loaded}${one.behind ? ', behind' : one.loaded < one.version ? ', up to date' : ''}`;
}

async function set(context: CommandContext, given: readonly string[]): Promise<number> {
  const [name, time, ...more] = given;
  if (name === undefined || time === undefined || more.length > 0)
    throw new EngineError('usage', 'state.arguments', 'state set takes a table and a time', {
      hint: 'For example: engine state set users 2026-01-31T09:30:00Z',
    });
  const fence = parseTime(time);
  if (fence > millisToInstant(context.clock.now() + 60_000))
    throw new EngineError('usage', 'state.time', `${fence} is in the future: rows until then would never be extracted`, {
      hint: 'Give a time that has passed.',
    });
  const { config, lake } = await openLake(context);
  for (const table of await readTables(config, lake, [name])) {
    const before = table.state.fence;
    if (table.state.last?.commit.value !== undefined)
      throw new EngineError('usage', 'state.no-fence', `the cursor of ${name} is no time, so it has no fence that could be moved`, {
        hint: `To take every row again: engine state reset ${name}`,
      });
    const forward = before === null || fence > before;
    const lost = `rows that changed between ${before ?? 'the beginning'} and ${fence} and have not been extracted are missed, until the next full run`;
    await agree(
      context,
      `The watermark of ${name} moves from ${before ?? 'none'} to ${fence}: ${forward ? lost : 'more rows are read again, which merging makes harmless'}. Go on?`,
    );
    await move(context, lake, table, fence);
  }
  return 0;
}

async function reset(context: CommandContext, names: readonly string[]): Promise<number> {
  if (names.length === 0)
    throw new EngineError('usage', 'state.arguments', 'state reset takes the names of tables', {
      hint: 'For example: engine state reset users',
    });
  const { config, lake } = await openLake(context);
  const tables = await readTables(config, lake, names);
  await agree(context, `The next incremental extract of ${names.join(', ')} takes every row again, which merging makes harmless. Go on?`);
  for (const table of tables) await move(context, lake, table, null);
  return 0;
}

/** Microseconds are kept; a time without a zone could mean anything. */
function parseTime(text: string): Instant {
  const parts = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2})?)(?:\.(\d{1,6}))?(Z|[+-]\d{2}:\d{2})$/.exec(text);
  const millis = parts === null ? Number.NaN : Date.parse(`${parts[1]}T${parts[2]}${parts[4]}`);
  if (Number.isNaN(millis))
    throw new EngineError('usage', 'state.time', `${text} is no time with its zone`, {
      hint: 'Write it as 2026-01-31T09:30:00Z or 2026-01-31T10:30:00+01:00.',
    });
  return microsToInstant(BigInt(millis) * 1000n + BigInt((parts?.[3] ?? '').padEnd(6, '0')));
}

/** A commit without data that holds another fence, under the lease that an extract of the table would take. */
async function move(context: CommandContext, lake: Lake, { name, state }: LakeTable, fence: Instant | null): Promise<void> {
  const last = state.last?.commit;
  if (last === undefined)
    throw new EngineError('refused', 'state.no-commit', `lake table ${name} has no commit of this engine whose watermark could be moved`, {
      hint: 'Run a full pipeline of it once.',
    });
  const { ulid } = await import('ulid');
  const { commit } = await import('../../lake/commit.ts');
  const { plusMicros } = await import('../base/instant.ts');
  const { hostname } = await import('node:os');
  const runId = `${byHand}${ulid()}`;
  const store = await context.store();
  const lease = await store.lease(`extract ${lake.uri}/${state.folder}`, { runId, host: hostname(), pid: process.pid });
  try {
    const entries = Object.entries(state.metadata?.configuration ?? {}).filter(([property]) => property.startsWith('engine.'));
    const done = await commit(
      lake,
      state,
      {
        commit: {
          ...last,
          run: runId,
          node: `state ${name}`,
          attempt: 1,
          mode: 'incremental',
          // Brings no row: just above the last one, so that whatever comes next by the source's clock is above it too.
          extractedAt: plusMicros(last.extractedAt, 1n),
          fence,
          low: null,
          rows: 0,
          candidates: [],
          ...(last.value === undefined ? {} : { value: null }),
        },
        fields: state.fields,
        configuration: Object.fromEntries(entries),
        files: [],
        check: () => lease.check(),
        engineInfo: `pipeline-engine/${context.engine}`,
      },
      context.clock,
    );
    const document = { format_version: 1, table: name, version: done.version, fenceBefore: state.fence, fence };
    context.reporter.data(
      document,
      () => `${name}: the watermark was ${state.fence ?? last.value ?? 'none'} and is ${fence ?? 'none'}; lake v${done.version}\n`,
    );
  } finally {
    await lease.release();
  }
}
