import type { Client } from 'pg';
import type { Instant } from '../../engine/base/instant.ts';
import type { TableConfig } from '../../engine/config.ts';
import { EngineError } from '../../engine/error.ts';
import type { Field } from '../../lake/action.ts';
import { fieldKey, fieldRole } from '../../lake/schema.ts';
import type { TableState } from '../../lake/table.ts';
import { type Cursor, cursorOf, isValueCursor } from './cursor.ts';
import { describeRelation, type SourceRelation } from './describe.ts';
import { showRelation } from './identifier.ts';
import { type MaskKey, refuseMasks } from './mask.ts';
import { type ExtractColumn, extractColumns, fingerprintOf, highestSql, innerSql, keyOf, type Selection } from './select.ts';
import type { ServerFacts } from './snapshot.ts';
import { clockWentBack, type SourceIdentity, type Start, startOf, startOfValue } from './start.ts';

/** What the graph gives an extract node. */
export interface ExtractOptions {
  readonly source: string;
  readonly lake: string;
  /** Folder of the table in the lake. */
  readonly folder: string;
  readonly mode: 'full' | 'incremental';
  readonly table: TableConfig;
  /** Lake folders of all tables of this run with the same source: they share one snapshot. */
  readonly group: readonly string[];
}

/** An extract, decided: everything but the bytes. */
export interface Extract {
  readonly relation: SourceRelation;
  readonly columns: readonly ExtractColumn[];
  readonly key: readonly string[];
  readonly fingerprint: string;
  readonly identity: SourceIdentity;
  /** `full` also for the first extract of an incremental pipeline. */
  readonly mode: 'full' | 'incremental';
  readonly cursor: Cursor | undefined;
  readonly low: string | null;
  readonly warnings: readonly string[];
  /** The source's clock was set back since the last extract. */
  readonly clockBack: boolean;
  /** The statement that Postgres runs for all of it, or for the rows that fulfil a further condition. */
  inner(range?: string): string;
  /** For an integer or text cursor: the statement that gives its highest value among these rows. */
  readonly highest: string | undefined;
}

const defaultLookbackMs = 10_000;
const standbyLookbackMs = 600_000;

/** The lookback of a table: its own, else 10 s, or 10 min on a standby, whose primary's transactions cannot be seen. `last` is where the fence was read: one of a standby that was promoted since needs the longer one still. */
export function lookbackOf(table: TableConfig, server: Pick<ServerFacts, 'standby'>, last?: Pick<SourceIdentity, 'standby'>): number {
  return table.lookbackMs ?? (server.standby || last?.standby === true ? standbyLookbackMs : defaultLookbackMs);
}

/** Decides what an extract takes, from the source's catalog, the lake's state and the options. Refuses with the way out where rows could be missed. */
export async function decideExtract(
  client: Client,
  options: ExtractOptions,
  state: TableState,
  server: ServerFacts,
  now: Instant,
  clockOffsetMs: number,
  maskKey: MaskKey | undefined,
): Promise<Extract> {
  const { table } = options;
  const relation = await describeRelation(client, table.relation);
  const last = state.last?.commit;
  const mode = options.mode === 'full' || (last === undefined && state.version < 0) ? 'full' : 'incremental';
  const known = mode === 'full' ? [] : state.fields;
  const columns = extractColumns(relation, table, known);
  const key = keyOf(relation, table, columns);
  const wantsCursor = options.mode === 'incremental';
  const cursor = cursorIfAny(relation, table, server, wantsCursor);
  refuseMasks(table, relation, maskKey, server.versionNumber);
  const fingerprint = fingerprintOf(table, relation, key, cursor, maskKey);
  const identity = {
    systemIdentifier: server.systemIdentifier,
    timeline: server.timeline,
    database: server.database,
    relation: showRelation(relation.relation),
    ...(server.standby ? { standby: true } : {}),
  };
  if (wantsCursor && table.load === 'merge' && key.length === 0)
    throw new EngineError('usage', 'extract.no-key', `${identity.relation} has no primary key, so changed rows cannot be merged`, {
      hint: `Give tables.${table.name} a \`key\`, or \`load: append\`, or take it in a pipeline of mode full`,
    });
  if (mode === 'incremental' && last === undefined)
    throw new EngineError(
      'refused',
      'extract.unknown-history',
      `the lake's table ${options.folder} has no commit of this engine to go on from`,
      {
        hint: 'Run it once with --full-refresh',
      },
    );
  const start = ((): Start => {
    if (mode === 'full') return { low: null, warnings: [] };
    if (isValueCursor(cursor)) return startOfValue({ last, identity, fingerprint, cursor, lookbackUnits: table.lookbackUnits ?? 0 });
    const lookbackMs = lookbackOf(table, server, last?.source);
    return startOf({ last, fence: state.fence, now, clockOffsetMs, lookbackMs, identity, fingerprint });
  })();
  if (mode === 'incremental') refuseChangedColumns(relation, columns, state.fields);
  const selection: Selection = {
    where: table.where,
    from: start.low === null || cursor === undefined ? undefined : { cursor, low: start.low },
    nullCursor: table.nullCursor,
    cursorColumn: cursor?.column.name,
    key: table.key ?? relation.primaryKey,
  };
  const inner = (range?: string): string => innerSql(relation, columns, selection, range);
  const highest = isValueCursor(cursor) ? highestSql(relation, cursor, selection) : undefined;
  const warnings = [
    ...start.warnings,
    ...(wantsCursor && key.length === 0 ? [readTwice] : []),
    ...stillPlain(columns, state.fields, options.folder),
  ];
  const clockBack = !isValueCursor(cursor) && clockWentBack({ last, fence: state.fence, now, clockOffsetMs });
  return { relation, columns, key, fingerprint, identity, mode, cursor, low: start.low, warnings, clockBack, inner, highest };
}

/** Only a key tells a row that is read again from another one like it. */
const readTwice =
  'the table has no key, so a row that is read again (from the last fence less the lookback) is added to staging again: give it a `key`, or let its models drop repeated rows';

/**
 * A full extract takes old files out of the table, not off the disk. A column that is renamed in the same edit as it is masked stands there by its old name: that of the source, or else one of those that are gone now.
 */
function stillPlain(columns: readonly ExtractColumn[], before: readonly Field[], folder: string): readonly string[] {
  const nameOf = (field: Field): string => String(field.metadata[fieldKey.name]);
  const then = new Map(
    before.filter((field) => fieldRole(field) === undefined).map((field) => [nameOf(field), field.metadata[fieldKey.mask]]),
  );
  const isPlain = (name: string): boolean => then.has(name) && then.get(name) === undefined;
  const now = new Set(columns.map(({ field }) => nameOf(field)));
  const gone = [...then.keys()].filter((name) => !now.has(name) && isPlain(name));
  const plain = new Set(
    columns
      .filter(({ field }) => field.metadata[fieldKey.mask] !== undefined)
      .flatMap(({ field, source }) => {
        const name = nameOf(field);
        if (then.has(name)) return isPlain(name) ? [name] : [];
        return isPlain(source.name) ? [source.name] : gone;
      }),
  );
  if (plain.size === 0) return [];
  return [
    `older files of lake table ${folder} hold plain values of ${[...plain].join(', ')}: they stay until they are removed, and so do copies in models and backups (docs/masking.md says how)`,
  ];
}

/** In a full extract a cursor that cannot be used is no obstacle: the next incremental one says what is wrong with it. */
function cursorIfAny(relation: SourceRelation, table: TableConfig, server: ServerFacts, wanted: boolean): Cursor | undefined {
  if (!wanted && table.cursor === undefined) return undefined;
  try {
    return cursorOf(relation, table, server.timeZones);
  } catch (error) {
    if (wanted) throw error;
    return undefined;
  }
}

/** Old rows did not change when a column came, went or changed its type, so an incremental extract would not see it. */
function refuseChangedColumns(relation: SourceRelation, columns: readonly ExtractColumn[], fields: readonly Field[]): void {
  const at = showRelation(relation.relation);
  const now = new Map(columns.map((c) => [c.field.metadata['engine.name'], c]));
  const before = new Set<unknown>();
  for (const field of fields) {
    if (field.metadata['engine.role'] !== undefined) continue;
    const name = String(field.metadata['engine.name']);
    before.add(name);
    const column = now.get(name);
    if (column === undefined)
      throw new EngineError('refused', 'extract.column-vanished', `column ${name} of ${at} is gone since the last extract`, {
        hint: `Drop it from staging too (ALTER TABLE ... DROP COLUMN) and run once with --full-refresh`,
      });
    const type = column.field.metadata['engine.type'];
    if (type !== field.metadata['engine.type'] || column.field.type !== field.type)
      throw new EngineError(
        'refused',
        'extract.column-changed',
        `column ${name} of ${at} is now ${String(type)}, it was ${String(field.metadata['engine.type'])}`,
        {
          hint: 'Change staging in the same way (ALTER TABLE ... ALTER COLUMN ... TYPE) and run once with --full-refresh',
        },
      );
  }
  for (const column of columns) {
    const name = column.field.metadata['engine.name'];
    if (before.has(name) || (!column.source.notNull && !column.source.filledByServer)) continue;
    throw new EngineError(
      'refused',
      'extract.column-with-values',
      `the new column ${String(name)} of ${at} has values in old rows (a default, NOT NULL or generated), and they did not touch the cursor`,
      {
        hint: 'Run it once with --full-refresh',
      },
    );
  }
}
