import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pythonWith } from '../../test/support/python-packages.ts';
import { dltPackages, pandasPackages } from '../packages.ts';
import { attempt, type Ran } from '../process.ts';
import type { Ended, Tool } from './tool.ts';

const root = join(import.meta.dirname, '..', '..');
const scripts = join(root, 'bench', 'tools');

function versionOf(packages: readonly string[], name: string): string {
  return packages.find((one) => one.startsWith(name))?.split('==')[1] ?? '';
}

const escapeCharacter = String.fromCharCode(27);

/** What a user reads last: the line that says what went wrong. */
function ended(ran: Ran, pattern: RegExp): Ended {
  if (ran.code === 0) return { ok: true };
  // Colours and frames are for a terminal.
  const lines = `${ran.stdout}\n${ran.stderr}`
    .replaceAll(new RegExp(`${escapeCharacter}\\[[0-9;]*m`, 'g'), '')
    .split('\n')
    .map((line) => line.replace(/^[\s│~]+|[\s│]+$/g, ''))
    .filter((line) => line !== '');
  return { ok: false, said: lines.findLast((line) => pattern.test(line)) ?? lines.at(-1) ?? `exit code ${ran.code}` };
}

/** The engine, with `lookback: 0s`, so that only the fence can help where a transaction commits late. */
function engine(): Tool {
  return {
    name: 'this engine',
    version: (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version,
    settings: '`lookback: 0s` (the default is 10s)',
    remedies: { values: { name: '`types`', written: '`columns: { types: { value: string } }`' } },
    async sync({ folder, source, target, table }, remedy) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(
        join(folder, 'pipelines.yaml'),
        `version: 1
sources: { production: { type: postgres, url: "\${SOURCE_URL}" } }
lake: { type: file, path: lake }
sinks: { warehouse: { type: postgres, url: "\${WAREHOUSE_URL}", schema: staging } }
tables: { ${table}: { key: id, cursor: updated_at, lookback: 0s${remedy ? ', columns: { types: { value: string } }' : ''} } }
pipelines: { compare: { mode: incremental, tables: [${table}] } }
`,
      );
      const ran = await attempt(process.execPath, [join(root, 'bin', 'engine.js'), 'run', '--pipeline', 'compare'], {
        cwd: folder,
        env: { SOURCE_URL: source, WAREHOUSE_URL: target, NO_COLOR: '1' },
      });
      return ended(ran, /cannot|error/i);
    },
  };
}

async function pandas(): Promise<Tool> {
  const python = await pythonWith(pandasPackages);
  return {
    name: 'pandas by hand',
    version: versionOf(pandasPackages, 'pandas'),
    settings: '`WHERE updated_at > max(updated_at)`, Parquet, merge by key',
    remedies: {
      late: { name: 'a lookback', written: '`max(updated_at) - 1 hour`' },
      values: { name: 'a cast', written: '`SELECT value::text`' },
    },
    async sync({ folder, source, target, table }, remedy) {
      const args = ['sync', '--source', source, '--target', target, '--table', table, '--folder', folder];
      const ran = await attempt(
        python,
        [join(scripts, 'pandas_way.py'), ...args, ...(remedy ? ['--lookback', '1 hour', '--text', 'value'] : [])],
        {
          cwd: root,
        },
      );
      return ended(ran, /^[\w.]+(Error|Exception|OutOf\w+|Overflow|\.errors\.\w+)/);
    },
  };
}

async function dlt(backend: 'sqlalchemy' | 'pyarrow'): Promise<Tool> {
  const python = await pythonWith(dltPackages);
  return {
    name: `dlt, ${backend}`,
    version: versionOf(dltPackages, 'dlt'),
    settings: `\`sql_table\`, backend \`${backend}\`, \`incremental('updated_at')\`, \`full_with_precision\`, merge by key`,
    remedies: {
      late: { name: '`lag`', written: '`lag=3600`' },
      values: { name: 'a cast', written: '`query_adapter_callback` with `value::text`' },
    },
    async sync({ folder, source, target, table }, remedy) {
      mkdirSync(folder, { recursive: true });
      const args = ['--source', source, '--target', target, '--table', table, '--folder', folder, '--backend', backend];
      const ran = await attempt(python, [join(scripts, 'dlt_way.py'), ...args, ...(remedy ? ['--lag', '3600', '--text', 'value'] : [])], {
        cwd: folder,
        env: { RUNTIME__DLTHUB_TELEMETRY: 'false' },
      });
      return ended(ran, /^(?!.*PipelineStepFailed)(\w+\.)*\w*(Error|Exception|Failed\w*|Invalid\w*|Retry)\b/);
    },
  };
}

/** The last sling whose program comes in a Python package; later ones fetch theirs from elsewhere when they are first run. */
const slingPackages = ['sling-linux-amd64==1.4.11'];

async function sling(): Promise<Tool> {
  const said = await attempt(await pythonWith(slingPackages), ['-c', 'import sling_linux_amd64 as s; print(s.__path__[0])'], { cwd: root });
  const program = join(said.stdout.trim(), 'bin', 'sling-linux-amd64');
  if (!existsSync(program)) throw new Error(`sling: there is no ${program}\n${said.stderr}`);
  chmodSync(program, 0o755);
  return {
    name: 'sling',
    version: versionOf(slingPackages, 'sling'),
    settings: '`mode: incremental`, `update_key: updated_at`, `primary_key: id`',
    remedies: {
      late: { name: 'own SQL', written: '`{incremental_value}` less 1 hour in a `sql:` of its own' },
      values: { name: 'own SQL', written: '`value::text` in a `sql:` of its own' },
    },
    async sync({ folder, source, target, table }, remedy) {
      mkdirSync(folder, { recursive: true });
      const own = `    sql: select id, value::text as value, updated_at from public.${table} where updated_at > coalesce({incremental_value}::timestamptz, '-infinity') - interval '1 hour'\n`;
      writeFileSync(
        join(folder, 'replication.yaml'),
        `source: PRODUCTION\ntarget: WAREHOUSE\ndefaults: { mode: incremental, primary_key: [id], update_key: updated_at, object: staging.${table} }\n` +
          (remedy ? `streams:\n  public.${table}:\n${own}` : `streams: { public.${table}: }\n`),
      );
      const ran = await attempt(program, ['run', '-r', 'replication.yaml'], {
        cwd: folder,
        env: { PRODUCTION: source, WAREHOUSE: target, SLING_HOME_DIR: folder, SLING_DISABLE_TELEMETRY: 'true' },
      });
      return ended(ran, /pq:|error|fail/i);
    },
  };
}

/** The last ingestr that is a Python package as a whole; later ones fetch their program from elsewhere when they are first run. */
const ingestrPackages = ['ingestr==0.14.155'];

async function ingestr(): Promise<Tool> {
  const python = await pythonWith(ingestrPackages);
  return {
    name: 'ingestr',
    version: versionOf(ingestrPackages, 'ingestr'),
    settings: '`--incremental-strategy merge --incremental-key updated_at --primary-key id`',
    remedies: {},
    async sync({ folder, source, target, table }) {
      mkdirSync(folder, { recursive: true });
      const args = ['ingest', '--yes', '--progress', 'log', '--pipelines-dir', folder];
      const from = ['--source-uri', source, '--source-table', `public.${table}`];
      const to = ['--dest-uri', target, '--dest-table', `staging.${table}`];
      const how = ['--incremental-strategy', 'merge', '--incremental-key', 'updated_at', '--primary-key', 'id'];
      const ran = await attempt(python, ['-c', 'from ingestr.main import main; main()', ...args, ...from, ...to, ...how], {
        cwd: folder,
        env: { DISABLE_TELEMETRY: 'true', INGESTR_DISABLE_TELEMETRY: 'true', RUNTIME__DLTHUB_TELEMETRY: 'false' },
      });
      return ended(ran, /^(?!.*PipelineStepFailed).*(Error|Exception|Failed)\b/);
    },
  };
}

/** The tools by the word that `--tools` takes; each is installed when it is asked for. */
export const tools: Readonly<Record<string, () => Promise<readonly Tool[]>>> = {
  engine: async () => [engine()],
  pandas: async () => [await pandas()],
  dlt: async () => [await dlt('sqlalchemy'), await dlt('pyarrow')],
  sling: async () => [await sling()],
  ingestr: async () => [await ingestr()],
};
