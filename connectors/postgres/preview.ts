import type { Client } from 'pg';
import type { Relation } from '../../engine/config.ts';
import type { Preview, PreviewRequest, PreviewValue } from '../../engine/connector.ts';
import { EngineError } from '../../engine/error.ts';
import { quoteIdentifier, quoteRelation, showRelation } from './identifier.ts';
import type { PostgresServer } from './server.ts';
import { onVisit } from './visit.ts';

const patienceMs = 3_000;
/** Of text; of bytea half as many bytes. */
const charactersShown = 200;
/** A table of so many blocks (16 MiB) is sorted as a whole. */
const sortedBlocks = 2_048;
/** Of a larger one so many of the last are read, and more where they hold too few rows. */
const lastBlocks = [64, 1_024] as const;

interface Facts {
  readonly kind: string;
  readonly blocks: number;
  readonly indexed: boolean;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}

/**
 * Rows of a relation, the newest first where that is cheap: by an index on `newestBy`, or by sorting a small table; else those that were written to its last blocks. Values of hidden columns are not asked
 * for. EngineError `postgres.no-relation` where it is not there.
 */
export async function preview(server: PostgresServer, request: PreviewRequest): Promise<Preview> {
  const { relation, newestBy, rows: wanted, signal } = request;
  return onVisit(server, { label: 'preview', patienceMs, signal }, `reading rows of ${showRelation(relation)}`, async (client) => {
    const facts = await factsOf(client, relation, newestBy);
    const columns = facts.columns.map((column) => ({ ...column, hidden: request.isHidden(column.name) }));
    const shown = columns.filter((column) => !column.hidden);
    const by = shown.some(({ name }) => name === newestBy) ? newestBy : undefined;
    const values = shown.map(({ name, type }) => valueSql(`t.${quoteIdentifier(name)}`, type));
    const from = `SELECT ${values.length === 0 ? 'NULL' : values.join(', ')} FROM ${quoteRelation(relation)} t`;
    const read = async (rest: string, parameters: readonly unknown[]): Promise<readonly (readonly (string | null)[])[]> =>
      (await client.query<(string | null)[]>({ text: `${from} ${rest}`, values: [...parameters], rowMode: 'array' })).rows;
    const sorts = by !== undefined && (facts.indexed || facts.kind !== 'r' || facts.blocks <= sortedBlocks);
    const found = sorts
      ? await read(`WHERE t.${quoteIdentifier(by)} IS NOT NULL ORDER BY t.${quoteIdentifier(by)} DESC LIMIT $1`, [wanted])
      : await lastWritten(read, facts, by, wanted);
    return {
      columns,
      rows: found.map((row) => {
        const taken = row.values();
        return columns.map((column) => (column.hidden ? null : shownValue(taken.next().value ?? null, column.type)));
      }),
      order: sorts ? 'newest' : 'written',
    };
  });
}

async function factsOf(client: Client, relation: Relation, newestBy: string | undefined): Promise<Facts> {
  const { rows } = await client.query<Facts>(
    `SELECT c.relkind::text AS kind, (CASE WHEN c.relkind = 'r' THEN pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::int8 ELSE 0 END)::float8 AS blocks,
            EXISTS (SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
                    JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid JOIN pg_catalog.pg_am m ON m.oid = x.relam
                    WHERE i.indrelid = c.oid AND i.indisvalid AND i.indpred IS NULL AND m.amname = 'btree' AND a.attname = $3::name) AS indexed,
            (SELECT json_agg(json_build_object('name', a.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod)) ORDER BY a.attnum)
             FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')`,
    [relation.schema, relation.name, newestBy ?? null],
  );
  const [row] = rows;
  if (row === undefined)
    throw new EngineError('outside', 'postgres.no-relation', `there is no table ${showRelation(relation)} in the sink`, {
      hint: 'The first load makes it.',
    });
  return { ...row, columns: row.columns ?? [] };
}

type Read = (rest: string, parameters: readonly unknown[]) => Promise<readonly (readonly (string | null)[])[]>;

/** A range of blocks is read without the rest of the table (TID range scan; before Postgres 14 it is one all the same, and given up when that takes too long). */
async function lastWritten(
  read: Read,
  { kind, blocks }: Facts,
  by: string | undefined,
  wanted: number,
): Promise<readonly (readonly (string | null)[])[]> {
  const newest = by === undefined ? 't.ctid DESC' : `t.${quoteIdentifier(by)} DESC NULLS LAST`;
  if (kind !== 'r') return read('LIMIT $1', [wanted]);
  for (const last of lastBlocks) {
    const rows = await read(`WHERE t.ctid >= $2::tid ORDER BY ${newest} LIMIT $1`, [wanted, `(${Math.max(0, blocks - last)},0)`]);
    if (rows.length >= wanted || last >= blocks) return rows;
  }
  return read('LIMIT $1', [wanted]);
}

/** No more of a value than is shown leaves the server, and one character that says that there is more. */
function valueSql(column: string, type: string): string {
  if (type === 'bytea') return `'\\x' || pg_catalog.encode(pg_catalog.substr(${column}, 1, ${charactersShown / 2 + 1}), 'hex')`;
  return `pg_catalog.left(${column}::text, ${charactersShown + 1})`;
}

function shownValue(text: string | null, type: string): PreviewValue | null {
  if (text === null) return null;
  const most = charactersShown + (type === 'bytea' ? 2 : 0);
  const characters = text.length <= most ? undefined : [...text];
  if (characters === undefined || characters.length <= most) return { text, cut: false };
  return { text: characters.slice(0, most).join(''), cut: true };
}
