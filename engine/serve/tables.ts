import type { FastifyInstance } from 'fastify';
import type {
  LoadsPage,
  PreviewPage,
  TableDeclared,
  TableLine,
  TableLive,
  TablePage,
  TablesPage,
  VersionPage,
  VersionsPage,
} from '../api-table.ts';
import type { Config } from '../config.ts';
import { acted } from './actions.ts';
import { Refusal } from './errors.ts';
import { loadPoints } from './load-points.ts';
import { createLooking } from './looking.ts';
import { briefTable } from './overview.ts';
import type { ServerParts } from './parts.ts';
import { answers, fields, limitParam, nameParam, ref } from './schemas.ts';
import { knownTable, settingsOfTable } from './table-known.ts';
import { tableLive } from './table-live.ts';
import { previewPage } from './table-preview.ts';
import { createSizes } from './table-sizes.ts';
import { versionPage, versionsPage } from './table-versions.ts';
import { declaredTables, tableViews } from './views.ts';

const nodesShown = 50;
const previewsAtOnce = 2;
/** A look at three systems takes longer than other answers when one of them does not answer. */
const liveMs = 30_000;

interface TableParams {
  readonly table: string;
}

/** Tables: how old they are at each place, what is in the lake, how much was loaded, what is there now. */
export function tableRoutes(app: FastifyInstance, parts: ServerParts): void {
  const looking = createLooking(parts);
  const sizes = createSizes(parts, looking);
  const params = fields({ table: nameParam }, ['table']);
  const versionParam = { type: 'integer', minimum: 0, maximum: 999_999_999_999_999 } as const;

  app.get('/tables', { schema: { summary: 'All tables', response: answers(ref('TablesPage')) } }, async (): Promise<TablesPage> => {
    const config = await parts.config();
    const views = await tableViews(parts, config, await declaredTables(parts, config));
    const known = sizes.of(config, views);
    return {
      at: now(parts),
      tables: views.map((view): TableLine => ({ ...briefTable(view), ...known.sizes(view.table) })),
      looking: known.looking,
    };
  });

  app.get<{ Params: TableParams }>(
    '/tables/:table',
    { schema: { summary: 'One table: what the store knows of it', params, response: answers(ref('TablePage')) } },
    async ({ params: { table } }): Promise<TablePage> => {
      const config = await parts.config();
      const pipelines = await knownTable(parts, config, table);
      const [views, nodes] = await Promise.all([
        tableViews(parts, config, new Map([[table, pipelines]])),
        parts.history.tableNodes(table, nodesShown),
      ]);
      const [view] = views;
      if (view === undefined) throw new Error(`table ${table} has no view`);
      return { at: now(parts), ...view, declared: declaredAs(config, table), nodes };
    },
  );

  app.get<{ Params: TableParams }>(
    '/tables/:table/live',
    {
      handlerTimeout: liveMs,
      schema: {
        summary: 'What is there of it now: at the source, in the lake, in staging and analytics; estimates of catalogs, no rows',
        params,
        response: answers(ref('TableLive')),
      },
    },
    async ({ params: { table } }): Promise<TableLive> => {
      const config = await parts.config();
      await knownTable(parts, config, table);
      return tableLive(parts, looking, config, table);
    },
  );

  app.get<{ Params: TableParams; Querystring: { readonly limit: number } }>(
    '/tables/:table/loads',
    {
      schema: {
        summary: 'Its loads in numbers, the oldest first',
        params,
        querystring: fields({ limit: limitParam(500, 500) }),
        response: answers(ref('LoadsPage')),
      },
    },
    async ({ params: { table }, query: { limit } }): Promise<LoadsPage> => {
      await knownTable(parts, await parts.config(), table);
      return { loads: loadPoints(await parts.history.tableLoads(table, limit)) };
    },
  );

  app.get<{ Params: TableParams; Querystring: { readonly before?: number; readonly limit: number } }>(
    '/tables/:table/versions',
    {
      schema: {
        summary: 'Commits of its log in the lake, newest first',
        params,
        querystring: fields({ before: { ...versionParam, description: '`next` of the page before' }, limit: limitParam(100, 50) }),
        response: answers(ref('VersionsPage')),
      },
    },
    async ({ params: { table }, query: { before, limit } }): Promise<VersionsPage> => {
      const config = await parts.config();
      await knownTable(parts, config, table);
      return versionsPage(await parts.lake(config), table, { before, limit });
    },
  );

  app.get<{ Params: TableParams & { readonly version: number } }>(
    '/tables/:table/versions/:version',
    {
      schema: {
        summary: 'One commit with its files',
        params: fields({ table: nameParam, version: versionParam }, ['table', 'version']),
        response: answers(ref('VersionPage')),
      },
    },
    async ({ params: { table, version } }): Promise<VersionPage> => {
      const config = await parts.config();
      await knownTable(parts, config, table);
      return versionPage(await parts.lake(config), table, version);
    },
  );

  let previewing = 0;
  app.post<{ Params: TableParams }>(
    '/tables/:table/preview',
    { schema: { summary: 'Some of the newest rows of staging; who looked is recorded', params, response: answers(ref('PreviewPage')) } },
    async (request): Promise<PreviewPage> =>
      acted(parts, request, 'preview', request.params.table, async () => {
        const config = await parts.config();
        const { table } = request.params;
        await knownTable(parts, config, table);
        if (previewing >= previewsAtOnce)
          throw new Refusal(429, 'preview.busy', `${previewing} previews are being read`, 'Ask again in a few seconds.');
        previewing += 1;
        try {
          const settings = settingsOfTable(config, table, await relationInLake(config, table));
          if (settings === undefined)
            throw new Refusal(
              409,
              'table.unsettled',
              `nothing says which sink ${table} has`,
              'Name it under `defaults:` in pipelines.yaml.',
            );
          const page = await previewPage(parts, config, settings);
          return [page, `saw ${page.rows.length} rows of ${page.relation}`];
        } finally {
          previewing -= 1;
        }
      }),
  );

  /** Of a table that only a pattern names. */
  async function relationInLake(config: Config, table: string): Promise<string | undefined> {
    return Object.hasOwn(config.tables, table) ? undefined : (await looking.lake(config, table)).value.relation;
  }
}

const now = ({ clock }: ServerParts): string => new Date(clock.now()).toISOString();

function declaredAs({ tables }: Config, table: string): TableDeclared | undefined {
  const settings = Object.hasOwn(tables, table) ? tables[table] : undefined;
  if (settings === undefined) return undefined;
  const { source, relation, sink, into, key, cursor, load } = settings;
  return { source, relation: `${relation.schema}.${relation.name}`, sink, into: `${into.schema}.${into.name}`, key, cursor, load };
}
