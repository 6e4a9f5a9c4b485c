import { startS3 } from '../test/support/s3.ts';
import { type Bed, folderLake, type LakePlace } from './bed.ts';
import { megabytes, say, sayTable, seconds } from './figures.ts';
import { makeLargeTable } from './table.ts';

/** Where the lake can be while memory is measured; each gives the place and what ends it. */
const lakes: Readonly<Record<string, () => Promise<{ readonly place: LakePlace; close(): Promise<void> }>>> = {
  file: async () => ({ place: folderLake, close: async () => undefined }),
  s3: async () => {
    const server = await startS3('versitygw');
    const yaml = `{ type: s3, bucket: ${server.bucket}, prefix: bench, endpoint: "${server.endpoint}", region: ${server.region} }`;
    return { place: { yaml, env: server.env }, close: () => server.close() };
  },
};

/** The names that `--lake` takes. */
export const lakeNames: readonly string[] = Object.keys(lakes);

/** Does memory depend on the size of the table? A full run at each size into each lake: the sum of the peaks (VmHWM) of the engine's processes, and their difference. */
export async function memory(bed: Bed, sizes: readonly number[], names: readonly string[]): Promise<void> {
  const peaks = new Map<string, number[]>(names.map((name) => [name, []]));
  for (const rows of sizes) {
    say(`making ${rows.toLocaleString('en')} rows ...`);
    await makeLargeTable(bed.source, rows);
    for (const name of names) {
      const lake = await lakes[name]?.();
      if (lake === undefined) throw new Error(`there is no lake "${name}"`);
      try {
        await bed.forget();
        await bed.settle();
        const ran = await bed.engine('full', lake.place);
        const loaded = ran.rows('load bench_rows');
        if (loaded !== rows) throw new Error(`${loaded} rows were loaded, not ${rows}`);
        peaks.get(name)?.push(ran.peak);
        say(`${name}, ${rows.toLocaleString('en')} rows: ${megabytes(ran.peak)} after ${seconds(ran.ms)}`);
      } finally {
        await lake.close();
      }
    }
  }
  sayTable([
    ['lake', ...sizes.map((rows) => `${rows.toLocaleString('en')} rows`), 'difference', 'goal'],
    ...[...peaks].map(([name, of]) => [
      name,
      ...of.map(megabytes),
      `${((Math.max(...of) / Math.min(...of) - 1) * 100).toFixed(1)}%`,
      'under 400 MB, under 10%',
    ]),
  ]);
}
