import type { Client } from 'pg';
import { EngineError } from '../engine/error.ts';
import { blocks, copyInto } from './copy.ts';
import { findTables, setMark } from './mark.ts';
import { createPool } from './pool.ts';
import { createRandom } from './random.ts';
import { initialSpan, transactionColumns, transactionLine, userColumns, userLine } from './rows.ts';
import { createTables, dropTables, finishTables, type SampleTable } from './schema.ts';

export interface InitialOptions {
  readonly users: number;
  readonly transactions: number;
  readonly seed: number;
  /** Drop sample tables that are there already. */
  readonly replace: boolean;
  readonly signal: AbortSignal;
  progress(table: SampleTable, rows: number): void;
}

/**
 * Makes the sample tables and fills them, in one transaction. The same counts and seed give the same rows, byte for byte.
 * Sample tables that exist are only replaced with `replace`; tables of that name that are not sample data never are (EngineError `generate.exists`, exit 4).
 */
export async function generateInitial(client: Client, options: InitialOptions): Promise<void> {
  if (options.users < 1 && options.transactions > 0)
    throw new EngineError('usage', 'generate.no-users', 'transactions need at least one user', { hint: 'Give --users 1 or more.' });
  const found = await findTables(client);
  const foreign = found.find((f) => f.mark === undefined);
  if (foreign !== undefined)
    throw new EngineError('refused', 'generate.exists', `public.${foreign.table} exists and is not sample data of this command`, {
      hint: 'It is never replaced. Point the source at another database.',
    });
  if (found.length > 0 && !options.replace)
    throw new EngineError(
      'refused',
      'generate.exists',
      `sample tables exist already: ${found.map((f) => `public.${f.table}`).join(', ')}`,
      {
        hint: 'Give --replace to drop them and begin again, or use `engine generate daily` for another day of changes.',
      },
    );

  await client.query('BEGIN');
  try {
    for (const statement of [...dropTables, ...createTables]) await client.query(statement);
    const pool = await createPool(options.seed);
    const users = createRandom(options.seed, 'users');
    await copyInto(
      client,
      `COPY public.users (${[...userColumns, 'updated_at'].join(', ')}) FROM STDIN (FREEZE)`,
      blocks(
        options.users,
        (i) => userLine(i + 1, pool, users, initialSpan, true),
        (rows) => options.progress('users', rows),
      ),
      options.signal,
    );
    const transactions = createRandom(options.seed, 'transactions');
    await copyInto(
      client,
      `COPY public.transactions (${[...transactionColumns, 'updated_at'].join(', ')}) FROM STDIN (FREEZE)`,
      blocks(
        options.transactions,
        (i) => transactionLine(i + 1, options.users, pool, transactions, initialSpan, true),
        (rows) => options.progress('transactions', rows),
      ),
      options.signal,
    );
    for (const statement of finishTables) {
      options.signal.throwIfAborted();
      await client.query(statement);
    }
    await restartIds(client);
    await setMark(client, { seed: options.seed, day: 0 });
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
  for (const table of ['users', 'transactions']) await client.query(`ANALYZE public.${table}`);
}

/** Lets the identity columns go on above the highest id. */
export async function restartIds(client: Client): Promise<void> {
  for (const table of ['users', 'transactions'])
    await client.query(
      `SELECT pg_catalog.setval(pg_catalog.pg_get_serial_sequence('public.${table}', 'id'), greatest(max(id), 1), max(id) IS NOT NULL) FROM public.${table}`,
    );
}
