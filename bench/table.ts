import type pg from 'pg';
import { blocks, copyInto } from '../generators/copy.ts';
import { createPool } from '../generators/pool.ts';
import { createRandom } from '../generators/random.ts';
import { copyText } from '../generators/rows.ts';

/** The table that everything is measured on: a key, numbers, five texts with quotes, newlines and letters beyond ASCII, two times, one jsonb; about 170 bytes a row as CSV. */
export const columns = `id bigint, user_id int, amount numeric(12,2), status text, merchant text, city text, note text, token text,
  created_at timestamptz, updated_at timestamptz NOT NULL, metadata jsonb`;

const beginMs = Date.UTC(2025, 0, 1);

/** Makes `public.bench_rows` with so many rows, its primary key, an index on `updated_at` and statistics. */
export async function makeTable(client: pg.Client, rows: number): Promise<void> {
  const pool = await createPool(1);
  const random = createRandom(1, 'bench');
  const at = (): string => new Date(beginMs + random.below(31_536_000_000)).toISOString().replace('Z', `${100 + random.below(900)}Z`);
  const line = (i: number): string =>
    `${i + 1}\t${random.below(1_000_000)}\t${(random.below(10_000_000) / 100).toFixed(2)}\t${random.pick(['Completed', 'pending', 'FAILED'])}\t` +
    `${copyText(random.pick(pool.merchants))}\t${copyText(random.pick(pool.cities))}\t${copyText(random.pick(pool.descriptions).slice(0, 22))}\t` +
    `tok_${random.below(4294967296).toString(16)}\t${at()}\t${at()}\t{"items": ${random.below(9)}, "from": "${random.pick(pool.devices)}"}\n`;
  await client.query('BEGIN');
  await client.query('DROP TABLE IF EXISTS public.bench_rows');
  await client.query(`CREATE TABLE public.bench_rows (${columns})`);
  await copyInto(
    client,
    'COPY public.bench_rows FROM STDIN (FREEZE)',
    blocks(rows, line, () => undefined),
    new AbortController().signal,
  );
  await client.query('ALTER TABLE public.bench_rows ADD PRIMARY KEY (id)');
  await client.query('CREATE INDEX ON public.bench_rows (updated_at)');
  await client.query('COMMIT');
  await client.query('VACUUM ANALYZE public.bench_rows');
}

/** The same with many rows, quickly: the first million is made, the others are its rows again under other keys. */
export async function makeLargeTable(client: pg.Client, rows: number): Promise<void> {
  const base = Math.min(rows, 1_000_000);
  await makeTable(client, base);
  for (let from = base; from < rows; from += base)
    await client.query(
      `INSERT INTO public.bench_rows SELECT id + ${from}, user_id, amount, status, merchant, city, note, token, created_at, updated_at, metadata
       FROM public.bench_rows WHERE id <= ${Math.min(base, rows - from)}`,
    );
  await client.query('VACUUM ANALYZE public.bench_rows');
}

/** Changes so many rows, spread evenly over the table, as an application does: with `updated_at = now()`. */
export async function changeRows(client: pg.Client, rows: number, changed: number): Promise<void> {
  const step = Math.max(1, Math.floor(rows / changed));
  const { rowCount } = await client.query(
    `UPDATE public.bench_rows SET amount = amount + 1, updated_at = now() WHERE id IN (SELECT i * ${step} FROM generate_series(1, ${changed}) i)`,
  );
  if (rowCount !== Math.min(changed, rows)) throw new Error(`${rowCount} rows were changed, not ${changed}`);
}
