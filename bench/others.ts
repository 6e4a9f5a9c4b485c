import { join } from 'node:path';
import { pythonWith } from '../test/support/python-packages.ts';
import { type Bed, root } from './bed.ts';
import { say, seconds } from './figures.ts';
import { dltPackages, pandasPackages } from './packages.ts';
import { type Ran, run } from './process.ts';
import { followMemory } from './processes.ts';
import { urlOf } from './server.ts';
import { changeRows } from './table.ts';

/** One other way on the same data: ms, and the peak of its processes in bytes. `load` may be several ways of it. */
export interface OtherFigures {
  readonly name: string;
  readonly extract: number;
  readonly load: readonly { readonly how: string; readonly ms: number }[];
  readonly changed: number;
  readonly none: number;
  readonly peak: number;
}

interface Followed {
  readonly ran: Ran;
  readonly peak: number;
}

async function follow(bed: Bed, python: string, script: string, args: readonly string[]): Promise<Followed> {
  let memory: ReturnType<typeof followMemory> | undefined;
  const ran = await run(python, [join(root, 'bench', 'tools', script), '--table', 'bench_rows', ...args], {
    cwd: bed.folder,
    env: { RUNTIME__DLTHUB_TELEMETRY: 'false' },
    started: (pid) => {
      memory = followMemory(pid);
    },
  });
  return { ran, peak: memory?.stop() ?? Number.NaN };
}

/** What a script printed last: seconds of its steps. */
function secondsOf(ran: Ran, key: string): number {
  const last = JSON.parse(ran.stdout.trim().split('\n').at(-1) ?? '{}') as Readonly<Record<string, number>>;
  return (last[key] ?? Number.NaN) * 1000;
}

/**
 * The hand-written pandas way and dlt, each run once on the same table: the whole of it, then so many changed rows, then none. Extract and load are the
 * steps inside the process, as for the engine's nodes; incremental runs are whole processes.
 */
export async function measureOthers(bed: Bed, rows: number, changed: number): Promise<readonly OtherFigures[]> {
  const target = urlOf(bed.to);
  const source = urlOf(bed.from);
  const pandas = await pythonWith(pandasPackages);
  const dlt = await pythonWith(dltPackages);
  const byHand = (command: string, ...more: string[]): Promise<Followed> =>
    follow(bed, pandas, 'pandas_way.py', [
      ...[command, '--source', source, '--target', target, '--schema', 'by_hand', '--folder', join(bed.folder, 'pandas')],
      ...more,
    ]);
  const byDlt = (mode: 'replace' | 'merge'): Promise<Followed> =>
    follow(bed, dlt, 'dlt_way.py', [
      ...['--source', source, '--target', target, '--schema', 'by_dlt', '--folder', join(bed.folder, 'dlt')],
      ...['--backend', 'pyarrow', '--mode', mode],
    ]);
  await bed.warehouse.query('DROP SCHEMA IF EXISTS by_hand, by_dlt, by_dlt_staging CASCADE');

  await bed.settle();
  const handExtract = await byHand('extract');
  say(`pandas: extract ${seconds(secondsOf(handExtract.ran, 'seconds'))}`);
  const handSql = await byHand('load', '--how', 'to_sql');
  say(`pandas: to_sql ${seconds(secondsOf(handSql.ran, 'seconds'))}`);
  await bed.settle();
  const handCopy = await byHand('load', '--how', 'copy');
  say(`pandas: copy ${seconds(secondsOf(handCopy.ran, 'seconds'))}`);
  await bed.settle();
  const dltWhole = await byDlt('replace');
  say(`dlt: extract ${seconds(secondsOf(dltWhole.ran, 'extract'))}, load ${seconds(secondsOf(dltWhole.ran, 'load'))}`);

  await changeRows(bed.source, rows, changed);
  await bed.settle();
  const handChanged = await byHand('sync');
  const handNone = await byHand('sync');
  const dltChanged = await byDlt('merge');
  const dltNone = await byDlt('merge');
  const newest = 'count(*) FILTER (WHERE updated_at = (SELECT max(updated_at) FROM bench_rows))::int AS changed';
  for (const place of ['by_hand', 'by_dlt']) {
    await bed.warehouse.query(`SET search_path = ${place}`);
    const { rows: counted } = await bed.warehouse.query(`SELECT count(*)::int AS n, ${newest} FROM bench_rows`);
    if (counted[0]?.n !== rows || counted[0]?.changed !== changed)
      throw new Error(`${place} has ${counted[0]?.n} rows and ${counted[0]?.changed} changed ones, not ${rows} and ${changed}`);
  }
  await bed.warehouse.query('RESET search_path');
  await bed.warehouse.query('DROP SCHEMA IF EXISTS by_hand, by_dlt, by_dlt_staging CASCADE');
  return [
    {
      name: 'pandas by hand',
      extract: secondsOf(handExtract.ran, 'seconds'),
      load: [
        { how: '`to_sql`', ms: secondsOf(handSql.ran, 'seconds') },
        { how: '`COPY` from StringIO', ms: secondsOf(handCopy.ran, 'seconds') },
      ],
      changed: handChanged.ran.ms,
      none: handNone.ran.ms,
      peak: Math.max(...[handExtract, handSql, handCopy, handChanged, handNone].map((one) => one.peak)),
    },
    {
      name: 'dlt, pyarrow',
      extract: secondsOf(dltWhole.ran, 'extract'),
      load: [{ how: '', ms: secondsOf(dltWhole.ran, 'load') }],
      changed: dltChanged.ran.ms,
      none: dltNone.ran.ms,
      peak: Math.max(...[dltWhole, dltChanged, dltNone].map((one) => one.peak)),
    },
  ];
}
