import type { StagingColumn } from './staging.ts';

/** How rows travel from DuckDB's COPY TO, by a file, into Postgres's COPY FROM. Both forms are exact. */
export interface CopyForm {
  readonly name: 'csv' | 'binary';
  /** Options of DuckDB's COPY. */
  readonly write: string;
  /** Options of Postgres's COPY, without parentheses. */
  readonly read: string;
  /** A column of the lake in DuckDB's SQL as this form wants it; `sql` is its quoted name. */
  value(sql: string, column: Pick<StagingColumn, 'lakeType' | 'receives'>): string;
  /** A column that a file lacks. */
  readonly missing: string;
}

/**
 * For any type: what Postgres's own text is, it reads again. NULL is nothing between commas and '' is `""`, floats are the shortest that round-trip,
 * bytea is hex, times are UTC.
 */
export const csvForm: CopyForm = {
  name: 'csv',
  write: `FORMAT csv, HEADER false, DELIMITER ',', QUOTE '"', ESCAPE '"', NULLSTR ''`,
  read: `FORMAT csv, ENCODING 'UTF8'`,
  value: (sql, { lakeType }) => {
    // A timestamp is given without its zone, which the session has as UTC: several times quicker than with it.
    if (lakeType === 'timestamp') return `make_timestamp(epoch_us(${sql}))`;
    return lakeType === 'binary' ? `'\\x' || hex(${sql})` : sql;
  },
  missing: 'NULL',
};

/** About half of the work of CSV on either side, for tables whose columns all have a form that is simple. Written by DuckDB's postgres extension. */
export const binaryForm: CopyForm = {
  name: 'binary',
  write: 'FORMAT postgres_binary',
  read: 'FORMAT binary',
  value: (sql, column) => {
    const value = binaryValue(sql, column);
    if (value === undefined) throw new Error(`no binary form of ${column.lakeType} for ${column.receives.join(', ')}`);
    return value;
  },
  missing: 'NULL::INTEGER',
};

/** How the engine's own `_extracted_at` travels. */
export const extractedAtColumn = { lakeType: 'timestamp', receives: ['timestamptz_recv'] } as const;

/** True when every column has one binary form for all the types that it may have in staging. What decides is the function that receives it, not the type's name. */
export function hasBinaryForm(columns: readonly Pick<StagingColumn, 'lakeType' | 'receives'>[]): boolean {
  return columns.every((c) => binaryValue('c', c) !== undefined);
}

/** The extension takes longer to load than binary saves below this. */
const binaryRows = 50_000;

/** The form for so many rows. */
export function preferredForm(columns: readonly Pick<StagingColumn, 'lakeType' | 'receives'>[], rows: number): CopyForm {
  return rows >= binaryRows && hasBinaryForm(columns) ? binaryForm : csvForm;
}

type Cast = (sql: string) => string;

const to =
  (type: string): Cast =>
  (sql) =>
    `CAST(${sql} AS ${type})`;

/** By Delta's type, then by the C function that receives Postgres's. */
const casts: Readonly<Record<string, Readonly<Record<string, Cast>>>> = {
  boolean: { boolrecv: to('BOOLEAN') },
  short: { int2recv: to('SMALLINT') },
  integer: { int4recv: to('INTEGER') },
  long: { int8recv: to('BIGINT') },
  float: { float4recv: to('FLOAT') },
  double: { float8recv: to('DOUBLE') },
  binary: { bytearecv: to('BLOB') },
  date: { date_recv: to('DATE') },
  timestamp: { timestamptz_recv: to('TIMESTAMPTZ') },
  timestamp_ntz: { timestamp_recv: to('TIMESTAMP') },
  string: {
    textrecv: to('VARCHAR'),
    varcharrecv: to('VARCHAR'),
    bpcharrecv: to('VARCHAR'),
    enum_recv: to('VARCHAR'),
    json_recv: to('VARCHAR'),
    // The version of its form, then the text.
    jsonb_recv: (sql) => `chr(1) || CAST(${sql} AS VARCHAR)`,
    uuid_recv: to('UUID'),
  },
};

function binaryValue(sql: string, { lakeType, receives }: Pick<StagingColumn, 'lakeType' | 'receives'>): string | undefined {
  const values = new Set(receives.map((receive) => castFor(lakeType, receive)?.(sql)));
  return values.size === 1 ? [...values][0] : undefined;
}

function castFor(lakeType: string, receive: string | undefined): Cast | undefined {
  if (receive === undefined) return undefined;
  const decimal = /^decimal\((\d+),(\d+)\)$/.exec(lakeType);
  if (decimal === null) return casts[lakeType]?.[receive];
  const type = receive === 'numeric_recv' ? decimalType(Number(decimal[1]), Number(decimal[2])) : undefined;
  return type === undefined ? undefined : to(type);
}

/**
 * The extension aligns the digits after the point to groups of four in the integer that the decimal is stored in, which overflows in silence where that has no
 * room (a scale of 9 in 32 bits, of 17 and more in 64, of 37 and more in 128): such a decimal is made wider, which changes no value.
 */
function decimalType(precision: number, scale: number): string | undefined {
  if (scale > 36) return undefined;
  if (scale > 16) return `DECIMAL(38,${scale})`;
  return `DECIMAL(${scale > 8 ? Math.max(precision, 18) : precision},${scale})`;
}
