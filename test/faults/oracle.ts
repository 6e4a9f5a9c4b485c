import type pg from 'pg';
import { quoteIdentifier } from '../../connectors/postgres/identifier.ts';
import type { DeltaPlace, DeltaReader } from './delta-reader.ts';

/** How a copy of a table differs from the source, in rows. */
export interface Wrong {
  /** Keys of the source that the copy lacks, and keys that only the copy has. */
  readonly missing: number;
  readonly extra: number;
  /** Keys that it has more than once. */
  readonly twice: number;
  /** Keys whose rows differ, by Postgres's own text of each column. */
  readonly different: number;
  /** The first few of all these keys. */
  readonly keys: readonly string[];
}

/** What the oracle says of one table: source beside lake (by delta-rs, the latest row of each key) beside staging. */
export interface Verdict {
  readonly table: string;
  /** Of the source. */
  readonly rows: number;
  readonly lake: Wrong;
  readonly staging: Wrong;
  /** Versions in the ledger that cannot be: a newest one below the lake's newest with rows, or above all of them. */
  readonly ledger: string | undefined;
  readonly versionsOfRows: number;
  readonly lakeVersion: number;
  readonly files: readonly string[];
}

/** Where the three are. */
export interface OracleParts {
  readonly source: pg.Client;
  readonly warehouse: pg.Client;
  readonly delta: DeltaReader;
  readonly place: (table: string) => DeltaPlace;
}

/** The key column of every table that the oracle looks at. */
const key = 'id';

type Rows = ReadonlyMap<string, readonly string[]>;

/** Compares a table in all three places; staging has the source's name. Reads while nobody writes, or the answer means nothing. */
export async function judge(parts: OracleParts, table: string): Promise<Verdict> {
  const { source, warehouse } = parts;
  for (const client of [source, warehouse]) await client.query("SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET extra_float_digits = 3");
  const { rows: named } = await source.query<{ name: string }>(
    'SELECT attname::text AS name FROM pg_catalog.pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum',
    [`public.${table}`],
  );
  const image = `json_build_array(${named.map(({ name }) => `${quoteIdentifier(name)}::text`).join(', ')})::text`;
  const from = `SELECT ${key}::text AS key, ${image} AS image FROM`;
  const latest = await parts.delta.latest(parts.place(table), key);
  const right = await rowsOf(source, `${from} public.${quoteIdentifier(table)}`);
  const staged = await rowsOf(warehouse, `${from} staging.${quoteIdentifier(table)}`);
  // The lake's values become Postgres's own again, to be compared by their text.
  const laked = await rowsOf(source, `${from} jsonb_populate_recordset(NULL::public.${quoteIdentifier(table)}, $1::jsonb)`, [
    JSON.stringify(latest.rows),
  ]);
  const lake = compare(right, laked);
  const { rows: loads } = await warehouse.query<{ version: string | null }>(
    `SELECT max(version) AS version FROM engine.loads WHERE target_schema = 'staging' AND target_table = $1`,
    [table],
  );
  const loaded = Number(loads[0]?.version ?? -1);
  return {
    table,
    rows: right.size,
    lake: { ...lake, twice: latest.rows.filter((row) => Number(row.times) > 1).length },
    staging: compare(right, staged),
    ledger:
      loaded < latest.dataVersion || loaded > latest.version
        ? `the ledger stands at ${loaded}, the lake's rows at ${latest.dataVersion}, its log at ${latest.version}`
        : undefined,
    versionsOfRows: latest.versionsOfRows,
    lakeVersion: latest.version,
    files: latest.files,
  };
}

/** How many rows of a verdict are wrong; a ledger that cannot be counts as one. */
export function wrongIn(verdict: Verdict): number {
  const rows = (wrong: Wrong): number => wrong.missing + wrong.extra + wrong.twice + wrong.different;
  return rows(verdict.lake) + rows(verdict.staging) + (verdict.ledger === undefined ? 0 : 1);
}

/** A verdict as a line for people. */
export function showVerdict(verdict: Verdict): string {
  const show = (name: string, { missing, extra, twice, different, keys }: Wrong): string =>
    `${name}: ${missing} missing, ${extra} too many, ${twice} twice, ${different} different${keys.length === 0 ? '' : ` (${keys.join(', ')})`}`;
  return `${verdict.table}: ${verdict.rows} rows; ${show('lake', verdict.lake)}; ${show('staging', verdict.staging)}${verdict.ledger === undefined ? '' : `; ${verdict.ledger}`}`;
}

async function rowsOf(client: pg.Client, sql: string, values: readonly unknown[] = []): Promise<Rows> {
  const { rows } = await client.query<{ key: string; image: string }>(sql, [...values]);
  const found = new Map<string, string[]>();
  for (const row of rows) found.set(row.key, [...(found.get(row.key) ?? []), row.image]);
  return found;
}

function compare(right: Rows, copy: Rows): Wrong {
  const missing = [...right.keys()].filter((k) => !copy.has(k));
  const extra = [...copy.keys()].filter((k) => !right.has(k));
  const twice = [...copy].filter(([, images]) => images.length > 1).map(([k]) => k);
  const different = [...right].filter(([k, images]) => copy.has(k) && copy.get(k)?.[0] !== images[0]).map(([k]) => k);
  return {
    missing: missing.length,
    extra: extra.length,
    twice: twice.length,
    different: different.length,
    keys: [...missing, ...extra, ...twice, ...different].slice(0, 5),
  };
}
