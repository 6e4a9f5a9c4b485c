import type { Client } from 'pg';
import { EngineError } from '../../engine/error.ts';
import { showRelation } from './identifier.ts';
import type { LoadOptions } from './load-options.ts';
import { appendSql, keyOperatorsSql, type MergeShape, mergeSql, missedSql, repeatedKeySql, rowTriggersSql } from './merge.ts';

/** Counts of what a load did to staging. */
export interface LoadCounts {
  readonly rows: number;
  readonly inserted: number;
  readonly updated: number;
  readonly unchanged: number;
}

/** Brings the arrivals of one extract into staging; EngineError `load.key-repeats` names a key that stands there twice. `rows` is how many arrived. */
export async function mergeArrivals(
  client: Client,
  options: LoadOptions,
  shape: MergeShape,
  stagingOid: string,
  rows: number,
): Promise<LoadCounts> {
  if (shape.key.length > 0) await refuseRepeatedKeys(client, shape);
  const sql = options.load === 'merge' ? mergeSql(shape) : appendSql(shape, await keyOperators(client, shape, stagingOid));
  const done = await client.query<{ inserted: string; updated: string }>(sql);
  const inserted = Number(done.rows[0]?.inserted ?? 0);
  const updated = Number(done.rows[0]?.updated ?? 0);
  if (options.load === 'merge') await refuseSwallowed(client, shape, stagingOid);
  return { rows, inserted, updated, unchanged: rows - inserted - updated };
}

async function refuseRepeatedKeys(client: Client, shape: MergeShape): Promise<void> {
  const repeated = await client.query<{ key: string[]; times: string }>(repeatedKeySql(shape));
  const row = repeated.rows[0];
  if (row === undefined) return;
  throw new EngineError(
    'failed',
    'load.key-repeats',
    `a key stands ${row.times} times in one extract of ${showRelation(shape.into)}: (${shape.key.join(', ')}) = (${row.key.join(', ')})`,
    { hint: 'The key (`key:`) is not unique in the source. Nothing was changed.' },
  );
}

/** A trigger before the rows may have kept some out, or changed them, without a word. */
async function refuseSwallowed(client: Client, shape: MergeShape, stagingOid: string): Promise<void> {
  const trigger = (await client.query<{ name: string }>(rowTriggersSql, [stagingOid])).rows[0]?.name;
  if (trigger === undefined) return;
  const missed = await client.query<{ key: string[] }>(missedSql(shape, await keyOperators(client, shape, stagingOid)));
  const key = missed.rows[0]?.key;
  if (key === undefined) return;
  throw new EngineError(
    'failed',
    'load.rows-differ',
    `the row (${shape.key.join(', ')}) = (${key.join(', ')}) did not get into ${showRelation(shape.into)} as it is`,
    {
      hint: `The trigger ${trigger} on the staging table swallows or changes rows: drop it, or let it look on only (AFTER). Nothing was changed.`,
    },
  );
}

async function keyOperators(client: Client, shape: MergeShape, stagingOid: string): Promise<readonly string[]> {
  if (shape.key.length === 0) return [];
  const found = await client.query<{ operator: string | null }>(keyOperatorsSql, [stagingOid, [...shape.key]]);
  return found.rows.map((r) => r.operator ?? 'OPERATOR(pg_catalog.=)');
}
