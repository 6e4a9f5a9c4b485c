import { join } from 'node:path';
import type { Bed } from './bed.ts';
import { say, seconds } from './figures.ts';
import { run } from './process.ts';
import { psqlEnv } from './server.ts';
import { columns } from './table.ts';

/** What is measured in pairs, each list in ms (bytes for `memory`). */
export interface FullFigures {
  readonly copyTo: number[];
  readonly extract: number[];
  readonly copyFrom: number[];
  readonly load: number[];
  readonly memory: number[];
}

/** How fast is a whole table? The extract node beside `\copy to` csv, the load unit to its commit beside `\copy from` csv into a table with the primary key. */
export async function measureFull(bed: Bed, rows: number, pairs: number): Promise<FullFigures> {
  const { folder, from, to, warehouse } = bed;
  const psql = (p: typeof from, command: string) => run('psql', ['-X', '-c', command], { cwd: folder, env: psqlEnv(p) });
  const csv = join(folder, 'rows.csv');
  await psql(from, `\\copy public.bench_rows to '${csv}' csv`);
  const seen: FullFigures = { copyTo: [], extract: [], copyFrom: [], load: [], memory: [] };
  for (let pair = 1; pair <= pairs; pair += 1) {
    await bed.settle();
    const copyTo = await psql(from, "\\copy public.bench_rows to '/dev/null' csv");
    await warehouse.query('DROP TABLE IF EXISTS public.limit_rows');
    await warehouse.query(`CREATE TABLE public.limit_rows (${columns}, PRIMARY KEY (id))`);
    const copyFrom = await psql(to, `\\copy public.limit_rows from '${csv}' csv`);
    await warehouse.query('DROP TABLE public.limit_rows');
    await bed.settle();
    const ran = await bed.engine('full');
    const extract = ran.span(['extract bench_rows']);
    const load = ran.span(['truncate bench_rows', 'load bench_rows']);
    seen.copyTo.push(copyTo.ms);
    seen.copyFrom.push(copyFrom.ms);
    seen.extract.push(extract);
    seen.load.push(load);
    seen.memory.push(ran.peak);
    say(
      `pair ${pair}: copy to ${seconds(copyTo.ms)}, extract ${seconds(extract)}; copy from ${seconds(copyFrom.ms)}, load ${seconds(load)}`,
    );
  }
  const counted = await warehouse.query<{ n: string }>('SELECT count(*) AS n FROM staging.bench_rows');
  if (Number(counted.rows[0]?.n) !== rows) throw new Error(`staging has ${counted.rows[0]?.n} rows, not ${rows}`);
  return seen;
}
