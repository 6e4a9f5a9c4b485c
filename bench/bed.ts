import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { openEmbedded } from '../connectors/postgres/embedded.ts';
import type { DatabaseParameters } from '../engine/connector.ts';
import { type Ran, run } from './process.ts';
import { followMemory } from './processes.ts';
import { connect, urlOf } from './server.ts';

/** The project's folder, and that of the engine. */
export const root = join(import.meta.dirname, '..');

/** A lake as `pipelines.yaml` has it, with what the engine's environment needs for it. */
export interface LakePlace {
  readonly yaml: string;
  readonly env: NodeJS.ProcessEnv;
}

/** A lake in the folder of the bench. */
export const folderLake: LakePlace = { yaml: '{ type: file, path: .engine/lake }', env: {} };

/** One run of the engine: its events, its time as a process, and the sum of the peaks of its processes in bytes (NaN where there is no /proc). */
export interface EngineRan extends Ran {
  readonly peak: number;
  /** From the first start of these nodes to the last end, in ms. */
  span(nodes: readonly string[]): number;
  /** The rows that a node reported. */
  rows(node: string): number;
}

/** Two embedded servers and a project of one table, `bench_rows`, with a full and an incremental pipeline. */
export interface Bed {
  readonly folder: string;
  readonly from: DatabaseParameters;
  readonly to: DatabaseParameters;
  readonly source: pg.Client;
  readonly warehouse: pg.Client;
  engine(pipeline: 'full' | 'incremental', lake?: LakePlace): Promise<EngineRan>;
  /** Removes lake, staging and ledger, so that the next run is a first one. */
  forget(): Promise<void>;
  /** Writes both servers' dirty pages, so that no measurement pays for what came before it. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

const project = (lake: LakePlace): string => `version: 1
sources: { production: { type: postgres, url: "\${SOURCE_URL}" } }
lake: ${lake.yaml}
sinks: { warehouse: { type: postgres, url: "\${WAREHOUSE_URL}", schema: staging } }
tables: { bench_rows: { key: id, cursor: updated_at } }
pipelines:
  full: { mode: full, tables: [bench_rows] }
  incremental: { mode: incremental, tables: [bench_rows] }
`;

interface SeenEvent {
  readonly type: string;
  readonly at: string;
  readonly node?: string;
  readonly result?: { readonly rows?: number };
}

function measured(ran: Ran, peak: number): EngineRan {
  const events = ran.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as SeenEvent);
  const times = (type: string, nodes: readonly string[]): number[] =>
    events.filter((e) => e.type === type && e.node !== undefined && nodes.includes(e.node)).map((e) => Date.parse(e.at));
  return {
    ...ran,
    peak,
    span: (nodes) => Math.max(...times('node.succeeded', nodes)) - Math.min(...times('node.started', nodes)),
    rows: (node) => events.find((e) => e.type === 'node.succeeded' && e.node === node)?.result?.rows ?? 0,
  };
}

/** Starts the servers in `<root>/.engine/bench`; `keep` leaves them and their data there. */
export async function openBed(keep: boolean): Promise<Bed> {
  const folder = join(root, '.engine', 'bench');
  mkdirSync(folder, { recursive: true });
  const servers = { source: openEmbedded({ root: folder, name: 'source' }), warehouse: openEmbedded({ root: folder, name: 'warehouse' }) };
  const stop = async (): Promise<void> => {
    await servers.source.close();
    await servers.warehouse.close();
    if (!keep) rmSync(folder, { recursive: true, force: true });
  };
  try {
    const from = await servers.source.open();
    const to = await servers.warehouse.open();
    const source = await connect(from);
    const warehouse = await connect(to);
    return {
      folder,
      from,
      to,
      source,
      warehouse,
      async engine(pipeline, lake = folderLake) {
        writeFileSync(join(folder, 'pipelines.yaml'), project(lake));
        let memory: ReturnType<typeof followMemory> | undefined;
        const ran = await run(process.execPath, [join(root, 'bin', 'engine.js'), 'run', '--pipeline', pipeline, '--json'], {
          cwd: folder,
          env: { ...lake.env, SOURCE_URL: urlOf(from), WAREHOUSE_URL: urlOf(to) },
          started: (pid) => {
            memory = followMemory(pid);
          },
        });
        return measured(ran, memory?.stop() ?? Number.NaN);
      },
      async forget() {
        rmSync(join(folder, '.engine', 'lake'), { recursive: true, force: true });
        await warehouse.query('DROP SCHEMA IF EXISTS staging, engine CASCADE');
      },
      async settle() {
        await source.query('CHECKPOINT');
        await warehouse.query('CHECKPOINT');
      },
      async close() {
        await source.end();
        await warehouse.end();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
