import type pg from 'pg';
import { lateTable, type ValueCase } from './cases.ts';

/** What became of a value or a row: `exact`, `NULL`, `lost`, or in words what it is now. */
export type Verdict = { readonly kind: 'exact' | 'null' | 'lost' } | { readonly kind: 'changed'; readonly to: string };

async function textOf(target: pg.Client, table: string, id: number): Promise<string | null | undefined> {
  const { rows } = await target.query(`SELECT value::text AS value FROM staging.${table} WHERE id = ${id}`);
  return rows[0]?.value;
}

/** Another type in the target is fine as long as its text, put back into the source's type, is the value. */
async function sameText(source: pg.Client, type: string, text: string, expected: string): Promise<boolean> {
  if (text === expected) return true;
  return source.query(`SELECT $1::${type}::text = $2::${type}::text AS same`, [text, expected]).then(
    ({ rows }) => rows[0].same === true,
    // It is no value of that type any more.
    () => false,
  );
}

/** Compares the row of a value case in the target with the source's. */
export async function judgeValue(source: pg.Client, target: pg.Client, one: ValueCase): Promise<Verdict> {
  const { rows } = await source.query(`SELECT value::text AS value FROM public.${one.table} WHERE id = 2`);
  const text = await textOf(target, one.table, 2);
  if (text === undefined) return { kind: 'lost' };
  if (text === null) return { kind: 'null' };
  return (await sameText(source, one.type, text, rows[0].value)) ? { kind: 'exact' } : { kind: 'changed', to: text };
}

/** Whether the row that committed late is in the target as it is in the source. */
export async function judgeLate(target: pg.Client): Promise<Verdict> {
  return (await textOf(target, lateTable, 7)) === 'late' ? { kind: 'exact' } : { kind: 'lost' };
}
