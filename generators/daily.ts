import type { Client } from 'pg';
import { EngineError } from '../engine/error.ts';
import { blocks, copyInto } from './copy.ts';
import { restartIds } from './initial.ts';
import { findTables, setMark } from './mark.ts';
import { createPool } from './pool.ts';
import { createRandom } from './random.ts';
import { spanOfDay, transactionColumns, transactionLine, transactionStatuses, userColumns, userLine } from './rows.ts';
import type { SampleTable } from './schema.ts';

export interface DailyOptions {
  readonly inserts: number;
  readonly updates: number;
  /** undefined: the seed of the rows that are there. */
  readonly seed: number | undefined;
  readonly signal: AbortSignal;
}

export interface DailyResult {
  readonly day: number;
  readonly seed: number;
  readonly tables: Readonly<Record<SampleTable, { readonly inserted: number; readonly updated: number }>>;
}

/**
 * Another day of life in the sample tables, in one transaction: rows that were there change (through the trigger), then new ones come.
 * `inserts` and `updates` count transactions; users get a tenth of each, rounded up. The same seed and day change the same rows in the same way; only `updated_at` is the clock's.
 */
export async function generateDaily(client: Client, options: DailyOptions): Promise<DailyResult> {
  const found = await findTables(client);
  const mark = found.find((f) => f.table === 'transactions')?.mark;
  if (found.length < 2 || mark === undefined)
    throw new EngineError('failed', 'generate.nothing-there', 'there are no sample tables in this source', {
      hint: 'Make them first: engine generate initial --users 10000 --transactions 100000',
    });
  await client.query('BEGIN');
  try {
    await client.query('LOCK TABLE public.users, public.transactions IN SHARE ROW EXCLUSIVE MODE');
    const day = ((await findTables(client)).find((f) => f.table === 'transactions')?.mark?.day ?? mark.day) + 1;
    const seed = options.seed ?? mark.seed;
    const salt = `${seed}/${day}`;
    const userUpdates = Math.ceil(options.updates / 10);
    const userInserts = Math.ceil(options.inserts / 10);
    const updatedUsers = await client.query(
      `UPDATE public.users u SET marketing_opt_in = u.marketing_opt_in IS NOT TRUE,
          phone = '+49 30 ' || ($2::int * 1000 + u.id % 1000)::text
         FROM (SELECT id FROM public.users ORDER BY pg_catalog.hashtextextended($3 || id::text, 0), id LIMIT $1) AS chosen
        WHERE u.id = chosen.id`,
      [userUpdates, day, `${salt}/users/`],
    );
    const updatedTransactions = await client.query(
      `UPDATE public.transactions t SET
          status = ($4::text[])[1 + pg_catalog.mod(coalesce(pg_catalog.array_position($4::text[], t.status), 0), 4)],
          metadata = coalesce(t.metadata, '{}') || pg_catalog.jsonb_build_object('changed_on_day', $2::int)
         FROM (SELECT id FROM public.transactions ORDER BY pg_catalog.hashtextextended($3 || id::text, 0), id LIMIT $1) AS chosen
        WHERE t.id = chosen.id`,
      [options.updates, day, `${salt}/transactions/`, transactionStatuses],
    );
    const top = await client.query<{ users: string; transactions: string }>(
      `SELECT (SELECT coalesce(max(id), 0) FROM public.users)::text AS users, (SELECT coalesce(max(id), 0) FROM public.transactions)::text AS transactions`,
    );
    const lastUser = Number(top.rows[0]?.users ?? 0);
    const lastTransaction = Number(top.rows[0]?.transactions ?? 0);
    const pool = await createPool(seed + day);
    const span = spanOfDay(day);
    const users = createRandom(seed, `users of day ${day}`);
    await copyInto(
      client,
      `COPY public.users (${userColumns.join(', ')}) FROM STDIN`,
      blocks(
        userInserts,
        (i) => userLine(lastUser + i + 1, pool, users, span, false),
        () => undefined,
      ),
      options.signal,
    );
    const transactions = createRandom(seed, `transactions of day ${day}`);
    await copyInto(
      client,
      `COPY public.transactions (${transactionColumns.join(', ')}) FROM STDIN`,
      blocks(
        options.inserts,
        (i) => transactionLine(lastTransaction + i + 1, lastUser + userInserts, pool, transactions, span, false),
        () => undefined,
      ),
      options.signal,
    );
    await restartIds(client);
    await setMark(client, { seed: mark.seed, day });
    await client.query('COMMIT');
    return {
      day,
      seed,
      tables: {
        users: { inserted: userInserts, updated: updatedUsers.rowCount ?? 0 },
        transactions: { inserted: options.inserts, updated: updatedTransactions.rowCount ?? 0 },
      },
    };
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
