import type { Instant } from '../../engine/base/instant.ts';
import type { TableConfig } from '../../engine/config.ts';
import { EngineError } from '../../engine/error.ts';
import type { PostgresType, SourceColumn, SourceRelation } from './describe.ts';
import { quoteIdentifier, quoteLiteral, showRelation } from './identifier.ts';

/** A cursor column that a fence can be compared with. */
export interface TimeCursor {
  readonly column: SourceColumn;
  readonly kind: 'timestamptz' | 'timestamp' | 'date';
  /** Digits after the second that the column keeps. */
  readonly precision: number;
  /** IANA zone of its writers; undefined for timestamptz. */
  readonly zone: string | undefined;
}

/** A cursor column that is no time, so that there is no fence: rows are taken from the highest value seen, by the order of the column itself. */
export interface ValueCursor {
  readonly column: SourceColumn;
  readonly kind: 'integer' | 'text';
  /** A type of pg_catalog whose values compare with the column's by an index of its own. */
  readonly type: 'int8' | 'numeric' | 'text' | 'bpchar' | 'uuid';
}

export type Cursor = TimeCursor | ValueCursor;

/** True for a cursor that is no time. */
export function isValueCursor(cursor: Cursor | undefined): cursor is ValueCursor {
  return cursor?.kind === 'integer' || cursor?.kind === 'text';
}

const valueTypes: Readonly<Record<string, Pick<ValueCursor, 'kind' | 'type'>>> = {
  int2: { kind: 'integer', type: 'int8' },
  int4: { kind: 'integer', type: 'int8' },
  int8: { kind: 'integer', type: 'int8' },
  text: { kind: 'text', type: 'text' },
  varchar: { kind: 'text', type: 'text' },
  bpchar: { kind: 'text', type: 'bpchar' },
  uuid: { kind: 'text', type: 'uuid' },
};

/** A numeric without digits after the point counts as an integer; `numeric` alone may hold any fraction and infinities. */
function valueTypeOf(type: PostgresType): Pick<ValueCursor, 'kind' | 'type'> | undefined {
  if (type.name === 'numeric' && type.typmod >= 4 && ((type.typmod - 4) & 0x7ff) === 0) return { kind: 'integer', type: 'numeric' };
  return valueTypes[type.name];
}

/** The cursor of a table. A column that is not there, of a type that has no order in time, of unclear zone, or with a lookback of the other kind is refused with the way out. */
export function cursorOf(relation: SourceRelation, table: TableConfig, zones: readonly string[]): Cursor {
  const at = showRelation(relation.relation);
  if (table.cursor === undefined)
    throw new EngineError('usage', 'extract.no-cursor', `an incremental extract of ${at} needs a cursor`, {
      hint: `Give tables.${table.name} a \`cursor\` (a column such as updated_at that every change sets), or take it in a pipeline of mode full`,
    });
  const column = relation.columns.find((c) => c.name === table.cursor);
  if (column === undefined) throw noColumn(relation, table.cursor, `cursor of tables.${table.name}`);
  let type: PostgresType = column.type;
  while (type.kind === 'domain' && type.over !== undefined) type = type.over;
  const what = `the cursor ${quoteIdentifier(column.name)} of ${at}`;
  const builtIn = type.schema === 'pg_catalog' && type.kind === 'base' && !type.array;
  const value = builtIn ? valueTypeOf(type) : undefined;
  if (value !== undefined) {
    refuseLookback(table, what, column, value.kind);
    return { column, ...value };
  }
  const kind = type.name;
  if (!builtIn || (kind !== 'timestamptz' && kind !== 'timestamp' && kind !== 'date'))
    throw new EngineError(
      'usage',
      'extract.cursor-type',
      `${what} is of type ${column.type.text}; a cursor is a timestamp, a date, an integer or a text`,
      {
        hint: 'Name a column of type timestamptz, timestamp or date (or, without a fence, one of integers or text), or take the table in a pipeline of mode full',
      },
    );
  refuseLookback(table, what, column, 'time');
  const zone = kind === 'timestamptz' ? undefined : (table.cursorTimezone ?? zones[0]);
  if (zone !== undefined && table.cursorTimezone === undefined && zones.length > 1)
    throw new EngineError(
      'usage',
      'extract.cursor-zone',
      `${what} has no time zone, and the source's roles use several: ${zones.join(', ')}`,
      {
        hint: `Say which one its writers use: \`cursorTimezone: ${zones[0]}\` for tables.${table.name}`,
      },
    );
  return { column, kind, precision: type.typmod < 0 ? 6 : type.typmod, zone };
}

/** `10s` says nothing of integers, `10 units` nothing of times, and neither of texts. */
function refuseLookback(table: TableConfig, what: string, column: SourceColumn, kind: 'time' | ValueCursor['kind']): void {
  const inTime = table.lookbackMs !== undefined;
  const inUnits = table.lookbackUnits !== undefined;
  if ((kind === 'time' && !inUnits) || (kind !== 'time' && !inTime && (kind === 'integer' || !inUnits))) return;
  const hints = {
    time: `Write a duration, such as \`lookback: 10s\`, for tables.${table.name}`,
    integer: `Write how many numbers, such as \`lookback: 1000 units\`, for tables.${table.name}, or \`lookback: null\` for none`,
    text: `Write \`lookback: null\` for tables.${table.name}`,
  };
  throw new EngineError(
    'usage',
    'extract.lookback-kind',
    `${what} is of type ${column.type.text}, and a lookback of ${inTime ? 'time' : 'units'} cannot be taken off it`,
    { hint: hints[kind] },
  );
}

/** A name of the configuration that the relation does not have. `where` begins the message. */
export function noColumn(relation: SourceRelation, name: string, where: string): EngineError {
  return new EngineError(
    'usage',
    'extract.no-column',
    `${where}: ${showRelation(relation.relation)} has no column ${quoteIdentifier(name)}`,
    {
      hint: `Its columns are ${relation.columns.map((c) => c.name).join(', ')}`,
    },
  );
}

/**
 * The SQL of the lowest cursor value that is taken. Of a time: the instant in the cursor's own terms, floored to its precision less one unit, because rounding
 * can put a row below the fence. In the hour that autumn repeats, local time falls back: what it falls within the next three hours is taken off.
 */
export function lowSql(cursor: Cursor, low: Instant | string): string {
  if (isValueCursor(cursor)) return `${quoteLiteral(low)}::pg_catalog.${cursor.type}`;
  const instant = `${quoteLiteral(low)}::timestamptz`;
  let value = instant;
  if (cursor.zone !== undefined) {
    const zone = quoteLiteral(cursor.zone);
    const local = (shift: string): string => `((${instant}${shift}) AT TIME ZONE ${zone})`;
    value = `(${local('')} - greatest(interval '0', interval '3 hours' - (${local(` + interval '3 hours'`)} - ${local('')})))`;
  }
  if (cursor.kind === 'date') return `(${value}::date - 1)`;
  if (cursor.precision >= 6) return value;
  const unit = cursor.precision >= 3 ? 'milliseconds' : 'second';
  return `(date_trunc('${unit}', ${value}) - interval '1 ${cursor.precision >= 3 ? 'millisecond' : 'second'}')`;
}
