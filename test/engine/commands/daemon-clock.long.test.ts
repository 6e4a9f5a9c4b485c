import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import * as assert from 'uvu/assert';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { createRig, type Rig } from '../../support/rig.ts';
import { suite } from '../../support/suite.ts';
import { waitUntil } from '../../support/wait.ts';

/** Debian's libfaketime: what a process is told of the time is read from a file, again and again. */
const library = ['/usr/lib', '/usr/lib64', '/usr/local/lib']
  .flatMap((folder) => (existsSync(folder) ? [folder, ...readdirSync(folder).map((name) => join(folder, name))] : []))
  .map((folder) => join(folder, 'faketime', 'libfaketimeMT.so.1'))
  .find((file) => existsSync(file));

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

const yaml = `version: 1
sources: { production: { type: postgres, url: "\${SOURCE_URL}" } }
lake: { type: file, path: lake }
sinks: { warehouse: { type: postgres, url: "\${WAREHOUSE_URL}", schema: staging } }
defaults: { key: id, cursor: updated_at, overlap: queue, schedule: "*/10 * * * *" }
tables: { a: {}, b: {}, c: {}, d: {} }
pipelines:
  newest: { mode: incremental, tables: [a], catchup: latest }
  none: { mode: incremental, tables: [b], catchup: none }
  four: { mode: incremental, tables: [c], catchup: { window: 1d, max: 4 } }
  all: { mode: incremental, tables: [d], catchup: { window: 2h, max: 1000 } }
`;

suite('engine daemon, when the clock is set', ({ test, before, after, skip }) => {
  if (library === undefined) return skip('all of it', 'no libfaketime');
  let source: TestDatabase;
  let warehouse: TestDatabase;
  let to: pg.Client;
  let rig: Rig;
  /** How far the engine's clock is ahead of ours. */
  let aheadMs = 0;
  const setClock = (ms: number): void => {
    aheadMs = ms;
    writeFileSync(join(rig.root, 'clock'), `${ms < 0 ? '-' : '+'}${Math.abs(ms) / 1000}`);
  };
  const now = (): number => Date.now() + aheadMs;
  const tens = (ms: number): number => Math.floor(ms / (10 * minute));
  before(async () => {
    source = await freshDatabase('clock');
    const from = await source.client();
    for (const table of ['a', 'b', 'c', 'd'])
      await from.query(
        `CREATE TABLE ${table} (id int PRIMARY KEY, updated_at timestamptz NOT NULL DEFAULT now()); INSERT INTO ${table} VALUES (1)`,
      );
    warehouse = await freshDatabase('clock_dw');
    to = await warehouse.client();
    rig = await createRig({ 'pipelines.yaml': yaml });
    Object.assign(rig.env, {
      SOURCE_URL: source.url,
      WAREHOUSE_URL: warehouse.url,
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: join(rig.root, 'clock'),
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    });
  });
  after(async () => {
    await rig.cleanup();
    await source.drop();
    await warehouse.drop();
  });

  /** Each time that has a run, with how many it has. */
  const runsOf = async (pipeline: string): Promise<ReadonlyMap<number, number>> => {
    const { rows } = await to.query<{ at: Date; runs: string }>(
      `SELECT scheduled_at AS at, count(*) AS runs FROM engine.runs WHERE pipeline = $1 AND trigger = 'schedule' GROUP BY 1 ORDER BY 1`,
      [pipeline],
    );
    return new Map(rows.map((row) => [tens(row.at.getTime()), Number(row.runs)]));
  };
  /** Everything has been decided about up to the engine's now, and what was due has been run. */
  const settled = (): Promise<void> =>
    waitUntil(
      async () => {
        const { rows } = await to.query<{ open: boolean; least: Date | null; pipelines: string }>(
          `SELECT EXISTS (SELECT FROM engine.queue WHERE state = 'queued') OR EXISTS (SELECT FROM engine.runs WHERE state = 'running') AS open,
                  (SELECT min(seen_until) FROM engine.schedules) AS least, (SELECT count(*) FROM engine.schedules) AS pipelines`,
        );
        const [row] = rows;
        return row?.open === false && row.pipelines === '4' && row.least !== null && Math.abs(row.least.getTime() - now()) < 2 * minute;
      },
      'all that was due to be run',
      60_000,
    );
  const all = ['newest', 'none', 'four', 'all'];

  test('set forward an hour and back, no time fires twice; after three days nothing more than `catchup` says', async () => {
    // So that no time comes by itself while the test goes on.
    const start = (tens(Date.now()) * 10 + 1) * minute + hour - Date.now();
    setClock(start);
    let daemon = rig.start('daemon');
    await daemon.waitFor('leads');
    await settled();
    const first = tens(now()) + 1;
    setClock(start + hour);
    await settled();
    const hourLater = await Promise.all(all.map(runsOf));
    assert.equal([...(hourLater[0]?.keys() ?? [])], [first + 5]);
    assert.equal([...(hourLater[1]?.keys() ?? [])], []);
    assert.equal(
      [...(hourLater[2]?.keys() ?? [])],
      [2, 3, 4, 5].map((n) => first + n),
    );
    assert.equal(
      [...(hourLater[3]?.keys() ?? [])],
      [0, 1, 2, 3, 4, 5].map((n) => first + n),
    );
    for (let step = 0; step <= 6; step += 1) {
      setClock(start + step * 10 * minute);
      await settled();
    }
    for (const pipeline of all)
      for (const [at, runs] of await runsOf(pipeline)) assert.is(runs, 1, `${pipeline} ran ${runs} times for the time ${at - first}`);
    assert.equal(await runsOf('all'), hourLater[3]);

    daemon.kill('SIGTERM');
    assert.is((await daemon.ended).code, 143);
    const before = await Promise.all(all.map(runsOf));
    setClock(start + 3 * day);
    daemon = rig.start('daemon');
    await daemon.waitFor('leads');
    await settled();
    const last = tens(now());
    const made = await Promise.all(
      all.map(async (pipeline, i) => [...(await runsOf(pipeline)).keys()].filter((at) => !before[i]?.has(at))),
    );
    assert.equal(made, [[last], [], [3, 2, 1, 0].map((n) => last - n), Array.from({ length: 12 }, (_, n) => last - 11 + n)]);
    daemon.kill('SIGTERM');
    await daemon.ended;
  });
});
