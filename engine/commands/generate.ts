import type { Client } from 'pg';
import type { Command, CommandContext, CommandInput } from '../command.ts';
import { EngineError } from '../error.ts';

const largest = 1_000_000_000;

function count(input: CommandInput, name: string, fallback: number): number {
  const given = input.options[name];
  if (given === undefined) return fallback;
  const number = typeof given === 'string' && /^[0-9_]{1,15}$/.test(given) ? Number(given.replaceAll('_', '')) : Number.NaN;
  if (!(number <= largest))
    throw new EngineError(
      'usage',
      'cli.option',
      `--${name} is not a whole number from 0 to ${largest.toLocaleString('en')}: ${String(given)}`,
      {
        hint: `For example: --${name} ${fallback}`,
      },
    );
  return number;
}

function refuseOptions(input: CommandInput, what: string, names: readonly string[]): void {
  const given = names.find((name) => input.options[name] !== undefined);
  if (given !== undefined)
    throw new EngineError('usage', 'cli.option', `generate ${what} takes no --${given}`, { hint: 'engine generate --help' });
}

async function sourceName(context: CommandContext, input: CommandInput): Promise<string> {
  const config = await context.config();
  const names = Object.keys(config.sources);
  const given = input.options.source;
  if (typeof given === 'string') {
    if (names.includes(given)) return given;
    throw new EngineError('usage', 'cli.source', `there is no source ${given} in ${config.file}`, {
      hint: `Sources: ${names.join(', ')}.`,
    });
  }
  const [only, ...others] = names;
  if (only === undefined || others.length > 0)
    throw new EngineError('usage', 'cli.source', 'there is more than one source, and none was named', {
      hint: `Give --source with one of: ${names.join(', ')}.`,
    });
  return only;
}

async function withSource<T>(context: CommandContext, source: string, use: (client: Client) => Promise<T>): Promise<T> {
  const { database } = await context.connection('source', source);
  if (database === undefined)
    throw new EngineError('usage', 'generate.no-database', `source ${source} is no database that tables can be made in`);
  const client = await database.connect('generate');
  const stop = (): void => void client.end();
  context.signal.addEventListener('abort', stop, { once: true });
  try {
    return await use(client);
  } catch (error) {
    if (context.signal.aborted) throw context.signal.reason;
    throw error;
  } finally {
    context.signal.removeEventListener('abort', stop);
    await client.end();
  }
}

const shown = (n: number): string => n.toLocaleString('en');

async function initial(context: CommandContext, input: CommandInput): Promise<number> {
  const users = count(input, 'users', 10_000);
  const transactions = count(input, 'transactions', 100_000);
  const seed = count(input, 'seed', 1);
  const source = await sourceName(context, input);
  const { generateInitial } = await import('../../generators/initial.ts');
  let toldAt = context.clock.now();
  const began = toldAt;
  await withSource(context, source, (client) =>
    generateInitial(client, {
      users,
      transactions,
      seed,
      replace: context.agreed || input.options.replace === true,
      signal: context.signal,
      progress: (table, rows) => {
        if (context.clock.now() - toldAt < 5_000) return;
        toldAt = context.clock.now();
        context.reporter.note(`${table}: ${shown(rows)} rows`);
      },
    }),
  );
  const seconds = (context.clock.now() - began) / 1000;
  context.reporter.data(
    { format_version: 1, source, seed, day: 0, tables: { users: { inserted: users }, transactions: { inserted: transactions } } },
    () =>
      `public.users: ${shown(users)} rows\npublic.transactions: ${shown(transactions)} rows\nmade in source ${source} in ${seconds.toFixed(1)} s, seed ${seed}`,
  );
  return 0;
}

async function daily(context: CommandContext, input: CommandInput): Promise<number> {
  const inserts = count(input, 'inserts', 1_000);
  const updates = count(input, 'updates', 500);
  const seed = input.options.seed === undefined ? undefined : count(input, 'seed', 1);
  const source = await sourceName(context, input);
  const { generateDaily } = await import('../../generators/daily.ts');
  const result = await withSource(context, source, (client) => generateDaily(client, { inserts, updates, seed, signal: context.signal }));
  context.reporter.data({ format_version: 1, source, ...result }, () =>
    [
      ...Object.entries(result.tables).map(
        ([table, t]) => `public.${table}: ${shown(t.inserted)} rows inserted, ${shown(t.updated)} rows updated`,
      ),
      `day ${result.day} of the sample data in source ${source}, seed ${result.seed}`,
    ].join('\n'),
  );
  return 0;
}

/** `engine generate initial | daily`: the sample data. */
export const command: Command = {
  name: 'generate',
  summary: 'sample data: create tables and fill them (initial), or a day of inserts and updates (daily)',
  description:
    'Makes public.users and public.transactions in a source. The same counts and seed give the same rows. ' +
    'Tables of these names that this command did not make are never touched.',
  arguments: [{ name: 'what', summary: '`initial` or `daily`', required: true }],
  options: [
    { flags: '--users <n>', summary: 'initial: rows in users (10000)' },
    { flags: '--transactions <n>', summary: 'initial: rows in transactions (100000)' },
    { flags: '--inserts <n>', summary: 'daily: new transactions (1000); a tenth as many users' },
    { flags: '--updates <n>', summary: 'daily: changed transactions (500); a tenth as many users' },
    { flags: '--seed <n>', summary: 'a whole number that decides the rows (1; daily: the one that the rows were made with)' },
    { flags: '--source <name>', summary: 'the source to fill; needed when there are several' },
    { flags: '--replace', summary: 'initial: drop the sample tables that are there' },
  ],
  examples: [
    'engine generate initial --users 10000 --transactions 1000000 --seed 1   # creates the tables and fills them',
    'engine generate daily --inserts 10000 --updates 5000                    # the next day',
  ],
  async run(context, input) {
    const what = input.arguments[0];
    if (what === 'initial') {
      refuseOptions(input, 'initial', ['inserts', 'updates']);
      return initial(context, input);
    }
    if (what === 'daily') {
      refuseOptions(input, 'daily', ['users', 'transactions', 'replace']);
      return daily(context, input);
    }
    throw new EngineError('usage', 'cli.argument', `generate knows initial and daily, not ${String(what)}`, {
      hint: 'engine generate initial, or engine generate daily',
    });
  },
};
