import type { Client } from 'pg';
import { type SampleTable, sampleTables } from './schema.ts';

/** What the comment on a sample table says about the rows in it. */
export interface Mark {
  readonly seed: number;
  /** 0 after `initial`; each `daily` is one more. */
  readonly day: number;
}

export interface Found {
  readonly table: SampleTable;
  /** undefined: the table is not ours. */
  readonly mark: Mark | undefined;
}

const form = /^Sample data, seed (\d+), day (\d+)\.$/;

/** The sample tables that exist in this database, each with its mark. */
export async function findTables(client: Client): Promise<readonly Found[]> {
  const answer = await client.query<{ name: SampleTable; comment: string | null }>(
    `SELECT c.relname::text AS name, pg_catalog.obj_description(c.oid, 'pg_class') AS comment
       FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = 'public' AND c.relname = ANY ($1::text[]) ORDER BY c.relname`,
    [sampleTables],
  );
  return answer.rows.map(({ name, comment }) => {
    const match = form.exec(comment ?? '');
    return { table: name, mark: match === null ? undefined : { seed: Number(match[1]), day: Number(match[2]) } };
  });
}

/** Writes the mark into the comment of both tables. */
export async function setMark(client: Client, mark: Mark): Promise<void> {
  for (const table of sampleTables)
    await client.query(`COMMENT ON TABLE public.${table} IS 'Sample data, seed ${Math.trunc(mark.seed)}, day ${Math.trunc(mark.day)}.'`);
}
