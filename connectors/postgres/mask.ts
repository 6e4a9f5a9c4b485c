import { createHash, createHmac } from 'node:crypto';
import { keepSecret } from '../../engine/base/secret.ts';
import type { MaskKind, TableConfig } from '../../engine/config.ts';
import { EngineError } from '../../engine/error.ts';
import type { PostgresType, SourceColumn, SourceRelation } from './describe.ts';
import { quoteLiteral, showRelation } from './identifier.ts';
import { type Passage, passageOf, undomained } from './types.ts';

/** What columns are hashed with, as a session on the source has it. */
export interface MaskKey {
  /** Settings of the session, which the statements name: the salt itself is in no statement, so in no log and no view of the server. */
  readonly settings: Readonly<Record<string, string>>;
  /** Tells one salt from another, and nothing else of it. */
  readonly mark: string;
  /** The hash of that text, as the source must compute it. */
  hash(text: string): string;
}

/** The way of a masked column, and the type that it has from then on. */
export interface MaskedPassage extends Passage {
  readonly type: string;
}

/** Block of SHA-256, which HMAC fills its key up to (RFC 2104). */
const blockBytes = 64;
const inner = 'engine.mask_inner';
const outer = 'engine.mask_outer';

/** The first server with `sha256(bytea)`. */
const hashesSince = 110_000;

/** The key of a salt. */
export function maskKeyOf(salt: string): MaskKey {
  const given = Buffer.from(salt);
  const key = Buffer.alloc(blockBytes);
  (given.length > blockBytes ? createHash('sha256').update(given).digest() : given).copy(key);
  const padded = (byte: number): string => Buffer.from(key.map((b) => b ^ byte)).toString('hex');
  const settings = { [inner]: padded(0x36), [outer]: padded(0x5c) };
  for (const value of Object.values(settings)) keepSecret(value);
  const hash = (text: string): string => createHmac('sha256', salt).update(text).digest('hex');
  return { settings, mark: hash('engine: which salt is this?'), hash };
}

/** The hash of a text expression, as SQL: HMAC-SHA-256 of its UTF-8, in hexadecimal digits. NULL of NULL; an error in a session without the key's settings. */
export function hashSql(text: string): string {
  // Each read once for a statement, not once for a row.
  const pad = (name: string): string => `(SELECT decode(current_setting(${quoteLiteral(name)}), 'hex'))`;
  return `encode(sha256(${pad(outer)} || sha256(${pad(inner)} || convert_to(${text}, 'UTF8'))), 'hex')`;
}

/** The way of a column with that mask: what its SELECT gives is all that ever leaves the source. */
export function maskedPassage(kind: MaskKind, type: PostgresType): MaskedPassage {
  const text = { lake: 'string', misfit: undefined, base: 'text', type: 'text' };
  if (kind === 'hash') return { ...text, select: (c) => hashSql(`${c}::text`) };
  // Also for a row type, of which `IS NULL` says whether all its fields are.
  if (kind === 'redact') return { ...text, select: (c) => `CASE WHEN ${c} IS DISTINCT FROM NULL THEN '***'::text END` };
  // A domain may forbid NULL.
  const under = undomained(type);
  const { lake, base } = passageOf(under, false);
  return { lake, base, misfit: undefined, type: under.text, select: () => `NULL::${lake === 'string' ? 'text' : under.text}` };
}

/** The mask of a column of the source; undefined: none. */
export function maskOf(table: TableConfig, column: string): MaskKind | undefined {
  return Object.hasOwn(table.columns.mask, column) ? table.columns.mask[column] : undefined;
}

/** True when something of the table may not be shown. */
export function isMasked(table: TableConfig): boolean {
  return Object.keys(table.columns.mask).length > 0;
}

/** True when some column of the table is hashed. */
export function isHashed(table: TableConfig): boolean {
  return Object.values(table.columns.mask).includes('hash');
}

/** Built-in types of which two values are equal when, and only when, their texts are. Not so: `numeric` (1.0 and 1.00), floats (0 and -0), `interval`, `citext`, `jsonb`. */
const equalByText: ReadonlySet<string> = new Set(
  'bool int2 int4 int8 oid text varchar bpchar name uuid bytea date timestamp timestamptz inet cidr macaddr macaddr8'.split(' '),
);

function isEqualByText({ type, deterministic }: SourceColumn): boolean {
  const under = undomained(type);
  return deterministic && !under.array && (under.kind === 'enum' || (under.schema === 'pg_catalog' && equalByText.has(under.name)));
}

/** Throws EngineErrors of trouble `usage` for masks that cannot be: on the cursor, any but a hash on the key, or one there that could make two rows of one; a hash without a salt or on a server that has none. */
export function refuseMasks(
  table: TableConfig,
  { columns, relation, primaryKey }: SourceRelation,
  maskKey: MaskKey | undefined,
  version: number,
): void {
  const at = showRelation(relation);
  const refuse = (code: string, message: string, hint: string): never => {
    throw new EngineError('usage', code, message, { hint });
  };
  for (const name of table.key ?? primaryKey) {
    const kind = maskOf(table, name);
    const column = columns.find((c) => c.name === name);
    if (kind === undefined || column === undefined) continue;
    if (kind !== 'hash')
      refuse(
        'extract.mask-key',
        `the column ${name} is of the key of ${at}, by which rows are merged: its mask can only be a hash`,
        'Choose `hash`, or give the table another `key`',
      );
    if (!isEqualByText(column))
      refuse(
        'extract.mask-key',
        `the column ${name} is of the key of ${at} and cannot be hashed: equal values of its type (${column.type.text}) may have different texts, so that one row could become two`,
        `Give tables.${table.name} another \`key\`, or take it through a view that brings such values into one form`,
      );
  }
  if (table.cursor !== undefined && maskOf(table, table.cursor) !== undefined)
    refuse(
      'extract.mask-cursor',
      `the column ${table.cursor} is the cursor of ${at}, so it cannot be masked: what is taken is decided by it`,
      'Name another `cursor`, or take the mask away',
    );
  if (!isHashed(table)) return;
  if (maskKey === undefined)
    refuse('extract.mask-salt', `columns of ${at} are to be hashed, and there is no salt`, 'Give one as `masking: { salt: ... }`');
  if (version < hashesSince)
    refuse(
      'extract.mask-server',
      `columns of ${at} are to be hashed, which Postgres does from version 11 on`,
      'Use `redact` or `null` there',
    );
}

/** The masks of a table in words: `email (hash), ssn (null)`. */
export function masksText(table: TableConfig): string {
  return Object.entries(table.columns.mask)
    .map(([column, kind]) => `${column} (${kind})`)
    .join(', ');
}

/** What is wrong with a session that does not hash as it must; undefined for nothing. `query` asks the session. */
export async function checkHash(
  key: MaskKey,
  query: (sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>,
): Promise<void> {
  const sample = 'plain';
  const [row] = await query(`SELECT ${hashSql(`${quoteLiteral(sample)}::text`)} AS hash`);
  if (row?.hash === key.hash(sample)) return;
  throw new EngineError('failed', 'extract.mask-hash', 'the source does not hash with the salt that is configured', {
    hint: 'Something between the engine and the server changes the settings of sessions: give the URL of the server itself. Nothing was read',
  });
}
