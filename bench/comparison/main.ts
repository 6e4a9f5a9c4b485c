import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openEmbedded } from '../../connectors/postgres/embedded.ts';
import type { DatabaseParameters } from '../../engine/connector.ts';
import { connect, urlOf } from '../server.ts';
import { control, lateTable, lateTitle, type ValueCase, valueCases } from './cases.ts';
import { judgeLate, judgeValue, type Verdict } from './judge.ts';
import type { Ended, Remedy, Tool } from './tool.ts';
import { tools } from './tools.ts';

/**
 * Runs this engine and others on the same rows, a late commit and values at the edges, and prints what arrived. Each tool is installed at a pinned version
 * into the user's cache folder; each has its plain documented settings first, and where that was not exact the setting that its documentation has for it.
 *
 * npm run compare -- --tools engine,pandas,dlt,sling,ingestr
 */
const root = join(import.meta.dirname, '..', '..');
const folder = join(root, '.engine', 'comparison');
const { values: options } = parseArgs({ options: { tools: { type: 'string', default: Object.keys(tools).join(',') } } });

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

interface Outcome {
  readonly short: string;
  /** What became of it in full, where there is more to say. */
  readonly long?: string;
}

const words = { exact: 'exact', null: '**NULL**', lost: '**lost**', changed: '**changed**' } as const;

function outcomeOf(verdict: Verdict): Outcome {
  return { short: words[verdict.kind], ...(verdict.kind === 'changed' ? { long: `became \`${verdict.to}\`` } : {}) };
}

function failed(ended: Ended & { readonly ok: false }): Outcome {
  return { short: 'error', long: ended.said.slice(0, 300) };
}

/** One tool against one source: its own target database and folders. */
class Trial {
  private count = 0;
  private readonly tool: Tool;
  private readonly server: DatabaseParameters;
  private readonly place: string;

  constructor(tool: Tool, server: DatabaseParameters) {
    this.tool = tool;
    this.server = server;
    this.place = tool.name.replace(/\W+/g, '_');
  }

  /** Calls `work` with a new target, and a sync of the table into it. */
  private async onTarget<T>(
    table: string,
    remedy: boolean,
    work: (sync: () => Promise<Ended>, database: string) => Promise<T>,
  ): Promise<T> {
    this.count += 1;
    const database = `to_${this.place}_${this.count}`;
    const admin = await connect(this.server);
    try {
      await admin.query(`CREATE DATABASE ${database}`);
      const task = {
        folder: join(folder, `${this.place}-${this.count}`),
        source: urlOf(this.server),
        target: urlOf(this.server, database),
        table,
      };
      return await work(() => this.tool.sync(task, remedy), database);
    } finally {
      await admin.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
      await admin.end();
    }
  }

  /** A transaction sets updated_at and stays open over a sync; two syncs more follow its commit. */
  late(remedy: boolean): Promise<Outcome> {
    return this.onTarget(lateTable, remedy, async (sync, database) => {
      const source = await connect(this.server);
      const slow = await connect(this.server);
      try {
        await source.query(`DROP TABLE IF EXISTS public.${lateTable}`);
        await source.query(`CREATE TABLE public.${lateTable} (id bigint PRIMARY KEY, value text, updated_at timestamptz NOT NULL)`);
        await source.query(`INSERT INTO public.${lateTable} SELECT i, 'first', now() FROM generate_series(1, 20) i`);
        const change = `SET value = 'late', updated_at = now() WHERE id =`;
        const first = await sync();
        if (!first.ok) return failed(first);
        await slow.query('BEGIN');
        await slow.query(`UPDATE public.${lateTable} ${change} 7`);
        await source.query(`UPDATE public.${lateTable} ${change} 8`);
        const during = await sync();
        if (!during.ok) return failed(during);
        await slow.query('COMMIT');
        for (const id of [9, 10]) {
          const after = await sync();
          if (!after.ok) return failed(after);
          await source.query(`UPDATE public.${lateTable} ${change} ${id}`);
        }
        const target = await connect(this.server, database);
        try {
          return outcomeOf(await judgeLate(target));
        } finally {
          await target.end();
        }
      } finally {
        await slow.end();
        await source.end();
      }
    });
  }

  value(one: ValueCase, remedy: boolean): Promise<Outcome> {
    return this.onTarget(one.table, remedy, async (sync, database) => {
      const ended = await sync();
      if (!ended.ok) return failed(ended);
      const source = await connect(this.server);
      const target = await connect(this.server, database);
      try {
        return outcomeOf(await judgeValue(source, target, one));
      } finally {
        await source.end();
        await target.end();
      }
    });
  }
}

/** The plain settings first; where they were not exact and there is a setting for it, that one too. */
async function withRemedy(remedy: Remedy | undefined, work: (remedy: boolean) => Promise<Outcome>): Promise<Outcome> {
  const plain = await work(false);
  if (plain.short === words.exact || remedy === undefined) return plain;
  const better = await work(true);
  const short = `${plain.short}; ${better.short} with ${remedy.name}`;
  return { short, long: [plain.long, better.long].filter((words) => words !== undefined).join('; then ') };
}

const names = options.tools.split(',');
const unknown = names.filter((name) => tools[name] === undefined);
if (unknown.length > 0) throw new Error(`--tools: ${unknown.join(', ')} is unknown; there are ${Object.keys(tools).join(', ')}`);
if (!existsSync(join(root, 'dist', 'main.js'))) throw new Error('npm run build comes first');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const server = openEmbedded({ root: folder, name: 'source', temporary: true });
try {
  const at = await server.open();
  const source = await connect(at);
  for (const one of [control, ...valueCases]) {
    await source.query(
      `CREATE TABLE public.${one.table} (id bigint PRIMARY KEY, value ${one.type}, updated_at timestamptz NOT NULL DEFAULT now())`,
    );
    await source.query(`INSERT INTO public.${one.table} (id, value) VALUES (1, $1), (2, $2)`, [one.ordinary, one.value]);
  }
  await source.end();
  const all: Tool[] = [];
  for (const name of names) {
    say(`installing ${name} where it is missing ...`);
    all.push(...((await tools[name]?.()) ?? []));
  }
  const titles = [lateTitle, ...valueCases.map((one) => one.title)];
  const table = new Map<string, Outcome[]>(titles.map((title) => [title, []]));
  for (const tool of all) {
    const trial = new Trial(tool, at);
    const add = (title: string, outcome: Outcome): void => {
      table.get(title)?.push(outcome);
      say(`${tool.name}: ${title}: ${outcome.short}${outcome.long === undefined || outcome.long === '' ? '' : ` (${outcome.long})`}`);
    };
    const ordinary = await trial.value(control, false);
    if (ordinary.short !== words.exact) throw new Error(`${tool.name} does not work here: ${ordinary.short} ${ordinary.long ?? ''}`);
    add(lateTitle, await withRemedy(tool.remedies.late, (remedy) => trial.late(remedy)));
    for (const one of valueCases) add(one.title, await withRemedy(tool.remedies.values, (remedy) => trial.value(one, remedy)));
  }
  say(`\n| | ${all.map((tool) => `${tool.name} ${tool.version}`).join(' | ')} |\n|---|${all.map(() => '---|').join('')}`);
  for (const [title, outcomes] of table) say(`| ${title} | ${outcomes.map((o) => o.short).join(' | ')} |`);
  say('\nSettings:\n');
  for (const tool of all) {
    const { late, values } = tool.remedies;
    const more = [late, values].flatMap((remedy) => (remedy === undefined ? [] : [`${remedy.name}: ${remedy.written}`]));
    say(`- ${tool.name} ${tool.version}: ${[tool.settings, ...more].join('; ')}`);
  }
} finally {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
}
