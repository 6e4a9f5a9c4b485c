import type pg from 'pg';

/** The two tables that transactions move amounts between. */
export const ledgers = ['ledger_a', 'ledger_b'] as const;
export type Ledger = (typeof ledgers)[number];

/** The row that is changed all the time, in both tables; its amount in the first counts the beats. */
export const hotId = 0;

/**
 * Two tables with `rows` accounts each. Whatever moves goes from one table to the other and new accounts come in both, so in each consistent state of
 * the two the amounts add up to 0 and the rows are equally many. A trigger sets `updated_at` to now(), the start of the transaction, as everybody's does.
 */
export async function createLedgers(client: pg.Client, rows: number): Promise<void> {
  await client.query(`CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.updated_at := now(); RETURN NEW; END'`);
  for (const table of ledgers)
    await client.query(
      `CREATE TABLE ${table} (id bigint PRIMARY KEY, amount bigint NOT NULL, note text, updated_at timestamptz NOT NULL);
       CREATE INDEX ON ${table} (updated_at);
       CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION touch();
       INSERT INTO ${table} SELECT n, 0, 'account ' || n FROM generate_series(0, ${rows}) n`,
    );
}

/** Moves an amount between an account of each table, once or many times in one transaction, and opens `opened` new accounts in both. */
export async function moveSome(client: pg.Client, every: number, opened: number): Promise<void> {
  await client.query(
    `BEGIN;
     UPDATE ledger_a SET amount = amount + id, note = 'moved ' || clock_timestamp() WHERE id % ${every} = 0;
     UPDATE ledger_b SET amount = amount - id, note = NULL WHERE id % ${every} = 0;
     INSERT INTO ledger_a SELECT m + n, n, 'opened' FROM (SELECT max(id) AS m FROM ledger_a) newest, generate_series(1, ${opened}) n;
     INSERT INTO ledger_b SELECT m + n, -n, 'opened' FROM (SELECT max(id) AS m FROM ledger_b) newest, generate_series(1, ${opened}) n;
     COMMIT`,
  );
}

/** Both tables as of one moment. */
export interface Balance {
  /** 0 in a consistent state. */
  readonly sum: number;
  readonly rows: readonly [number, number];
  /** The hot row's amount: how often it was changed. */
  readonly beats: number;
}

/** Reads both tables of a schema in one statement, which sees one snapshot. */
export async function balanceOf(client: pg.Client, schema: 'public' | 'staging'): Promise<Balance> {
  const { rows } = await client.query<{ sum: string; a: string; b: string; beats: string }>(
    `SELECT (SELECT sum(amount) FROM ${schema}.ledger_a) + (SELECT sum(amount) FROM ${schema}.ledger_b) AS sum,
            (SELECT count(*) FROM ${schema}.ledger_a) AS a, (SELECT count(*) FROM ${schema}.ledger_b) AS b,
            (SELECT amount FROM ${schema}.ledger_a WHERE id = ${hotId}) AS beats`,
  );
  const row = rows[0];
  if (row === undefined) throw new Error(`no ledgers in ${schema}`);
  return { sum: Number(row.sum), rows: [Number(row.a), Number(row.b)], beats: Number(row.beats) };
}

/** Whether a balance is that of a consistent state. */
export function agrees({ sum, rows }: Balance): boolean {
  return sum === 0 && rows[0] === rows[1];
}
