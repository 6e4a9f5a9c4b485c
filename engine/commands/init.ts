import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import type { Command, CommandContext, CommandInput } from '../command.ts';
import { EngineError } from '../error.ts';
import type { ProjectFile } from './init-sample.ts';

export const command: Command = {
  name: 'init',
  summary: 'make a new project that runs as it is',
  description:
    'Makes pipelines.yaml, a dbt project, compose.yaml, .env.example and a CI job. With --from, tables, keys and likely cursors are read from that database, and its URL goes into .env, which git ignores. Nothing that is there is overwritten.',
  arguments: [{ name: 'dir', summary: 'the folder of the new project (default: the working directory)', required: false }],
  options: [
    {
      flags: '--from <url>',
      summary: 'a Postgres database to take the tables from; leave the password to PGPASSWORD or .pgpass to keep it out of the shell',
    },
  ],
  examples: [
    'engine init shop                                   # the sample: users and transactions, all servers embedded',
    'engine init shop --from postgresql://me@db/app     # the tables of a real database',
  ],
  run,
};

async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const [dir] = input.arguments;
  const { from } = input.options;
  const folder = resolve(context.cwd, typeof dir === 'string' ? dir : '.');
  const { sampleFiles, surroundings } = await import('./init-sample.ts');
  const own = typeof from === 'string' ? await filesOfDatabase(context, from, folder) : { files: sampleFiles(), text: sampleSteps };
  const files = [...own.files, ...(await surroundings())];
  refuseToOverwrite(folder, files);
  await write(folder, files);
  const shown = relative(context.cwd, folder);
  const enter = shown === '' ? '' : `  cd ${/^[\w./-]+$/.test(shown) ? shown : `'${shown}'`}\n`;
  context.reporter.data(
    { format_version: 1, folder, files: files.map((file) => file.path) },
    () => {
      const list = files.filter((file) => !/^dbt\/(models|macros)/.test(file.path)).map((file) => `  ${file.path}`);
      return `A new project in ${folder}:\n${list.join('\n')}\n\nNext:\n${enter}${own.text}`;
    },
    'done',
  );
  return 0;
}

const sampleSteps = `  engine generate initial --users 1000 --transactions 10000   # something to move
  engine plan --pipeline batch_users_full_update             # what a run would do
  engine run --pipeline batch_users_full_update              # do it
`;

interface OwnFiles {
  readonly files: readonly ProjectFile[];
  /** What to do next. */
  readonly text: string;
}

async function filesOfDatabase(context: CommandContext, url: string, folder: string): Promise<OwnFiles> {
  const { hideUrls } = await import('../load/read.ts');
  hideUrls(url);
  if (!/^postgres(ql)?:\/\//.test(url))
    throw new EngineError('usage', 'init.no-url', '--from takes the URL of a Postgres database', {
      hint: 'For example postgresql://reader@db.example.com/app?sslmode=require',
    });
  // Checked before anything is connected, and again with all files.
  refuseToOverwrite(folder, [
    { path: 'pipelines.yaml', text: '' },
    { path: '.env', text: '' },
  ]);
  const settings = { url, schema: 'staging', extract: { memoryBytes: 256_000_000, threads: 1, connections: 1, extensionFolder: null } };
  const connection = await context.link('postgres', 'production', settings);
  const catalog = (await connection.source?.catalog()) ?? [];
  const { filesFrom, nameTables } = await import('./init-from.ts');
  const tables = nameTables(catalog);
  if (tables.length === 0)
    throw new EngineError('outside', 'init.no-tables', 'the database has no tables that this role may see', {
      hint: 'GRANT USAGE ON SCHEMA and SELECT on the tables to the role, or name another database.',
    });
  const files = [...filesFrom(tables), { path: '.env', text: `SOURCE_URL=${quoteForEnv(url)}\n`, mode: 0o600 }];
  const withCursor = tables.filter((table) => table.cursor !== undefined).length;
  const withoutKey = tables.filter((table) => table.table.primaryKey.length === 0).map((table) => table.name);
  const keys = withoutKey.length === 0 ? '' : ` Without a primary key, so in full only: ${withoutKey.join(', ')}.`;
  context.reporter.note(`${tables.length} tables, ${withCursor} with a likely cursor: look at them in pipelines.yaml.${keys}`);
  return {
    files,
    text: `  engine doctor                                # rights, and what in the database will hurt
  engine plan --pipeline everything_full_update
  engine run --pipeline everything_full_update
`,
  };
}

/** In the one quote that the URL does not contain; .env has no escapes. */
function quoteForEnv(url: string): string {
  const quote = ["'", '"', '`'].find((mark) => !url.includes(mark));
  if (quote !== undefined && !url.includes('\n')) return `${quote}${url}${quote}`;
  throw new EngineError('usage', 'init.no-url', 'the URL of --from has all three kinds of quotes in it', { hint: "Write ' as %27." });
}

function refuseToOverwrite(folder: string, files: readonly ProjectFile[]): void {
  const there = files.map((file) => file.path).filter((path) => existsSync(join(folder, path)));
  if (there.length === 0) return;
  const shown = there.slice(0, 5).join(', ') + (there.length > 5 ? ` and ${there.length - 5} more` : '');
  throw new EngineError('refused', 'init.exists', `${folder} has ${shown} already, and nothing is overwritten`, {
    hint: 'Name a new folder: engine init DIR. Nothing was written.',
  });
}

async function write(folder: string, files: readonly ProjectFile[]): Promise<void> {
  try {
    for (const file of files) {
      const path = join(folder, file.path);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, file.text, { flag: 'wx', mode: file.mode ?? 0o644 });
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new EngineError('outside', 'init.not-written', `the project cannot be written to ${folder} (${code})`, {
      cause: error,
      hint: 'Name another folder: engine init DIR.',
    });
  }
}
