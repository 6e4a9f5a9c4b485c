import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import * as assert from 'uvu/assert';
import { followMemory } from '../../bench/processes.ts';
import { freshDatabase, type TestDatabase } from '../support/postgres.ts';
import { createRig, type Rig } from '../support/rig.ts';
import { suite } from '../support/suite.ts';

const yaml = (memory: string): string => `
version: 1
sources: { production: { type: postgres, url: "\${SOURCE_URL}" } }
lake: { type: file, path: lake }
sinks: { warehouse: { type: postgres, url: "\${WAREHOUSE_URL}", schema: staging } }
extract: { memory: ${memory} }
defaults: { cursor: updated_at, retries: { attempts: 1 } }
tables: { wide: { key: id } }
pipelines:
  full: { mode: full, tables: [wide] }
  changed: { mode: incremental, tables: [wide] }
`;

/** What the process may need beside DuckDB's budget: Node.js itself, the libraries, and the buffers of libpq and of sockets. */
const besideBytes = 350 * 1024 * 1024;

suite('rows as wide as they come', ({ test, before, after }) => {
  let source: TestDatabase;
  let warehouse: TestDatabase;
  let from: pg.Client;
  let to: pg.Client;
  const rigs: Rig[] = [];
  before(async () => {
    source = await freshDatabase('wide');
    warehouse = await freshDatabase('wide_dw');
    from = await source.client();
    to = await warehouse.client();
  });
  after(async () => {
    for (const rig of rigs) await rig.cleanup();
    await source.drop();
    await warehouse.drop();
  });

  /** Runs it and says how it ended; nothing is half committed when it failed, and all is equal when it did not. */
  const outcomeOf = async (memory: string, pipeline: 'full' | 'changed'): Promise<string> => {
    const rig = await createRig({ 'pipelines.yaml': yaml(memory) });
    rigs.push(rig);
    Object.assign(rig.env, { SOURCE_URL: source.url, WAREHOUSE_URL: warehouse.url });
    await to.query('DROP SCHEMA IF EXISTS staging, engine CASCADE');
    const running = rig.start('run', '--pipeline', pipeline);
    const memoryOf = followMemory(running.pid);
    const ended = await running.ended;
    const peak = memoryOf.stop();
    const peakText = `${Math.round(peak / 1e6)} MB at the most`;
    const hashes = 'SELECT id, md5(v), length(v) FROM';
    if (ended.code === 0) {
      assert.equal((await to.query(`${hashes} staging.wide ORDER BY id`)).rows, (await from.query(`${hashes} wide ORDER BY id`)).rows);
      return `passed, ${peakText}`;
    }
    assert.is(ended.code, 1, ended.stderr);
    const code = /\((extract|load)\.memory\)/.exec(ended.stderr)?.[1];
    assert.ok(code !== undefined, ended.stderr);
    assert.match(ended.stderr, /what to do: .*memory/i);
    const log = join(rig.root, 'lake', 'wide', '_delta_log');
    if (code === 'extract') assert.is(existsSync(log) ? readdirSync(log).length : 0, 0, 'nothing is committed to the lake');
    const staged = await to.query<{ there: boolean }>(`SELECT to_regclass('staging.wide') IS NOT NULL AS there`);
    assert.is(staged.rows[0]?.there, false, 'staging is as it was');
    return `refused (${code}.memory), ${peakText}`;
  };

  const budget = (memory: string): number => Number.parseInt(memory, 10) * 1e6 + besideBytes;
  const cases: readonly { readonly name: string; readonly sql: string; readonly passesWith: string }[] = [
    {
      name: 'one text of 200 MB',
      sql: `SELECT 1 AS id, repeat(md5('1'), 6250000) AS v, now() AS updated_at`,
      passesWith: '2GB',
    },
    {
      name: '40 values of 20 MB',
      sql: `SELECT g AS id, repeat(md5(g::text), 625000) AS v, now() AS updated_at FROM generate_series(1, 40) g`,
      passesWith: '512MB',
    },
  ];
  for (const { name, sql, passesWith } of cases)
    for (const pipeline of ['full', 'changed'] as const)
      test(`${name} (${pipeline}): arrives whole within the memory given, or is refused by name before anything is committed`, async () => {
        await from.query('DROP TABLE IF EXISTS wide');
        await from.query(`CREATE TABLE wide AS ${sql}; ALTER TABLE wide ADD PRIMARY KEY (id)`);
        for (const memory of ['256MB', passesWith]) {
          const outcome = await outcomeOf(memory, pipeline);
          process.stdout.write(`${name}, ${pipeline}, memory ${memory}: ${outcome}\n`);
          if (memory === passesWith) assert.match(outcome, /^passed/, outcome);
          const peak = Number(/(\d+) MB at the most/.exec(outcome)?.[1]) * 1e6;
          if (memory === '256MB') assert.ok(peak < budget(memory), outcome);
        }
      });
});
