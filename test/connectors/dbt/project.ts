import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { connector } from '../../../connectors/dbt/index.ts';
import { systemClock } from '../../../engine/base/clock.ts';
import { packageFile } from '../../../engine/base/package-root.ts';
import type { DatabaseParameters, NodeContext, NodeType, Roles } from '../../../engine/connector.ts';
import type { DbtResult } from '../../../engine/event.ts';

/** The sample dbt project in a temporary folder, on one database, with a node context that keeps what it is told. */
export interface DbtRig {
  readonly root: string;
  readonly folder: string;
  readonly node: NodeType;
  write(path: string, text: string): void;
  remove(path: string): void;
  context(changes?: {
    readonly runId?: string;
    readonly history?: NodeContext['history'];
    readonly signal?: AbortSignal;
    readonly command?: string;
  }): Told;
  cleanup(): void;
}

/** A context and what the node said to it. */
export interface Told {
  readonly context: NodeContext;
  readonly results: DbtResult[];
  readonly lines: string[];
  /** Warnings and errors among them. */
  readonly graver: string[];
  /** Called for each log line. */
  onLine: (text: string) => void;
}

let runs = 0;

/** A copy of the sample project, to be changed at will. Call `cleanup` in `after`. */
export function createDbtRig(parameters: DatabaseParameters, schema = 'staging'): DbtRig {
  const root = mkdtempSync(join(tmpdir(), 'engine-dbt-'));
  const folder = join(root, 'dbt');
  cpSync(packageFile('dbt'), folder, { recursive: true });
  const node = connector.nodes.find((type) => type.type === 'dbt.build');
  if (node === undefined) throw new Error('the dbt connector has no dbt.build');
  const database = {
    parameters: async () => parameters,
    connect: async () => {
      const client = new pg.Client({ ...parameters, ssl: false });
      await client.connect();
      return client;
    },
  };
  return {
    root,
    folder,
    node,
    write(path, text) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    },
    remove: (path) => rmSync(join(folder, path), { recursive: true }),
    context(changes = {}) {
      const scope = { root, clock: systemClock, engine: '0', log: () => undefined };
      const link = connector.open('dbt', { project: folder, command: changes.command ?? null, sink: 'warehouse' }, scope);
      const roles: Partial<Roles> = { sink: { schema }, database, ...(link.project === undefined ? {} : { project: link.project }) };
      const told: Told = {
        results: [],
        lines: [],
        graver: [],
        onLine: () => undefined,
        context: {
          clock: systemClock,
          signal: changes.signal ?? new AbortController().signal,
          runId: changes.runId ?? `run${String(++runs).padStart(4, '0')}`,
          nodeId: 'dbt',
          attempt: 1,
          history: changes.history,
          root,
          connection(name, role) {
            const found = roles[role];
            if (found === undefined) throw new Error(`no ${role} named ${name}`);
            return found;
          },
          progress: () => undefined,
          log: (level, text) => {
            told.lines.push(text);
            if (level === 'warn' || level === 'error') told.graver.push(text);
            told.onLine(text);
          },
          dbtResult: (result) => void told.results.push(result),
          lease: () => Promise.reject(new Error('dbt takes no lease')),
          unit: { join: () => Promise.reject(new Error('dbt has no unit')) },
        },
      };
      return told;
    },
    cleanup: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** Staging tables as the engine makes them from the sample source. */
export const stagingSql = `
CREATE SCHEMA staging;
CREATE TABLE staging.users (id bigint PRIMARY KEY, email text, first_name text, last_name text, phone text, country char(2), status text,
  marketing_opt_in boolean, created_at timestamptz, updated_at timestamptz NOT NULL, _extracted_at timestamptz NOT NULL, _loaded_at timestamptz NOT NULL);
CREATE TABLE staging.transactions (id bigint PRIMARY KEY, user_id bigint, amount numeric(12,2), currency char(3), status text, merchant text,
  description text, metadata jsonb, created_at timestamptz, updated_at timestamptz NOT NULL, _extracted_at timestamptz NOT NULL, _loaded_at timestamptz NOT NULL);`;

/** Some users of one extract; a user that is there already becomes the given version of itself. */
export function usersSql(from: number, to: number, extractedAt: string, status = 'Active'): string {
  return `INSERT INTO staging.users
    SELECT g, ' User' || g || '@Example.COM ', 'A', 'B', NULL, 'gb', '${status}', true, now(), now(), '${extractedAt}', now() FROM generate_series(${from}, ${to}) g
    ON CONFLICT (id) DO UPDATE SET status = excluded.status, _extracted_at = excluded._extracted_at`;
}
