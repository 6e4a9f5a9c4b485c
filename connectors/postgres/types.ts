import type { PostgresType } from './describe.ts';

/** How one column travels: what Postgres is asked for, what the lake keeps, what staging is made of. */
export interface Passage {
  /** Delta's type. */
  readonly lake: string;
  /** The SQL of the column, given its quoted name. */
  readonly select: (column: string) => string;
  /** A condition that is true for a value which the lake's type cannot hold; undefined: it holds them all. */
  readonly misfit: ((column: string) => string) | undefined;
  /** A type of pg_catalog that takes the column's text, for a sink that lacks the type itself. */
  readonly base: string;
}

const plain: Readonly<Record<string, string>> = {
  bool: 'boolean',
  int2: 'short',
  int4: 'integer',
  int8: 'long',
  float4: 'float',
  float8: 'double',
  text: 'string',
  varchar: 'string',
  bytea: 'binary',
};

/** Years 1 to 9999, so that every reader of the lake can hold them (design: exactness, section 2); infinity lies outside. */
const ranges: Readonly<Record<string, { readonly lake: string; readonly from: string; readonly to: string }>> = {
  date: { lake: 'date', from: '0001-01-01', to: '9999-12-31' },
  timestamp: { lake: 'timestamp_ntz', from: '0001-01-01 00:00:00', to: '9999-12-31 23:59:59.999999' },
  timestamptz: { lake: 'timestamp', from: '0001-01-01 00:00:00+00', to: '9999-12-31 23:59:59.999999+00' },
};

/** The way of a column of this type through the lake. `asText` is the user's `columns.types: string`. Every type has one: what has no exact form in the lake goes as Postgres's own text. */
export function passageOf(type: PostgresType, asText: boolean): Passage {
  const under = undomained(type);
  const base = baseText(type);
  const text: Passage = { lake: 'string', select: (c) => `${c}::text`, misfit: undefined, base };
  if (asText || under.schema !== 'pg_catalog' || under.array || under.kind !== 'base') return text;
  const cast = type.kind === 'domain' ? (c: string): string => `${c}::${under.text}` : (c: string): string => c;
  // DuckDB's reader and a cast to text both take the padding away.
  if (under.name === 'bpchar') return { ...text, select: (c) => `textin(bpcharout(${c}))` };
  const simple = plain[under.name];
  if (simple !== undefined) return { lake: simple, select: cast, misfit: undefined, base };
  const range = ranges[under.name];
  if (range !== undefined)
    return {
      lake: range.lake,
      select: cast,
      misfit: (c) => `NOT (${c} BETWEEN '${range.from}'::${under.name} AND '${range.to}'::${under.name})`,
      base,
    };
  const size = under.name === 'numeric' ? numericSize(under.typmod) : undefined;
  if (size === undefined) return text;
  return { lake: `decimal(${size.precision},${size.scale})`, select: cast, misfit: (c) => `${c} = 'NaN'::numeric`, base };
}

/** What a domain is over at last; any other type itself. */
export function undomained(type: PostgresType): PostgresType {
  let under = type;
  while (under.kind === 'domain' && under.over !== undefined) under = under.over;
  return under;
}

/** Precision and scale from a numeric's typmod (Postgres source, numeric.c: 11 bits of signed scale below the precision, plus 4); undefined where a decimal of 38 digits cannot hold it. */
export function numericSize(typmod: number): { readonly precision: number; readonly scale: number } | undefined {
  if (typmod < 4) return undefined;
  const packed = typmod - 4;
  const precision = (packed >> 16) & 0xffff;
  const scale = ((packed & 0x7ff) ^ 1024) - 1024;
  return precision <= 38 && scale >= 0 && scale <= precision ? { precision, scale } : undefined;
}

/** Built-in types whose values point into the source's own catalog (another database has other tables and roles), and some that take no input at all: text elsewhere. */
const boundTypes = /^(reg[a-z]+|aclitem|pg_node_tree|pg_ndistinct|pg_dependencies|pg_mcv_list|pg_brin_[a-z_]+|gtsvector)$/;

/** A type that every Postgres has, for the text of such a column. Domains become what they are over, enums text; what else is not built in becomes text. */
function baseText(type: PostgresType): string {
  const under = undomained(type);
  // Arrays by their category, but with a text of their own.
  if (under.schema === 'pg_catalog' && (under.name === 'int2vector' || under.name === 'oidvector')) return under.name;
  if (under.array && under.over !== undefined) {
    const element = undomained(under.over);
    if (element.kind === 'enum') return 'text[]';
    // An array of domains over arrays has its elements in quotes, and no built-in type reads that.
    if (element.array || !isPortable(element)) return 'text';
    return element === under.over ? under.text : `${element.text}[]`;
  }
  return isPortable(under) ? under.text : 'text';
}

/** Built in, and its text means the same in every database. */
function isPortable(type: PostgresType): boolean {
  return type.schema === 'pg_catalog' && !['enum', 'composite', 'pseudo'].includes(type.kind) && !boundTypes.test(type.name);
}
