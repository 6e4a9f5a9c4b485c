import type { FastifyInstance } from 'fastify';
import { logVersions } from '../../lake/log.ts';
import type { LakeVersion, TablePage, TableView } from '../api.ts';
import { lakeFolder } from '../base/lake-folder.ts';
import { suggest } from '../base/suggest.ts';
import { Refusal } from './errors.ts';
import type { ServerParts } from './parts.ts';
import { answers, fields, nameParam, ref } from './schemas.ts';
import { declaredTables, tableViews } from './views.ts';

const nodesShown = 50;
const versionsShown = 20;

/** Tables: how old staging is, what keeps the fence back, what is in the lake. */
export function tableRoutes(app: FastifyInstance, parts: ServerParts): void {
  app.get(
    '/tables',
    { schema: { summary: 'All tables', response: answers({ type: 'array', items: ref('TableView') }) } },
    async (): Promise<readonly TableView[]> => {
      const config = await parts.config();
      return tableViews(parts, config, await declaredTables(parts, config));
    },
  );
  app.get<{ Params: { readonly table: string } }>(
    '/tables/:table',
    { schema: { summary: 'One table', params: fields({ table: nameParam }, ['table']), response: answers(ref('TablePage')) } },
    async ({ params: { table } }): Promise<TablePage> => {
      const config = await parts.config();
      const declared = await declaredTables(parts, config);
      const pipelines = declared.get(table);
      if (pipelines === undefined) {
        const near = suggest(table, declared.keys());
        throw new Refusal(404, 'table.unknown', `there is no table ${table}`, near === undefined ? undefined : `Did you mean ${near}?`);
      }
      const [views, nodes, versions] = await Promise.all([
        tableViews(parts, config, new Map([[table, pipelines]])),
        parts.history.tableNodes(table, nodesShown),
        lakeVersions(parts, table),
      ]);
      const [view] = views;
      if (view === undefined) throw new Error(`table ${table} has no view`);
      return { ...view, nodes, versions };
    },
  );
}

async function lakeVersions(parts: ServerParts, table: string): Promise<readonly LakeVersion[]> {
  const lake = await parts.lake(await parts.config());
  const found = await logVersions(lake, lakeFolder(table), versionsShown);
  return found.map(({ version, timestamp, operation, rows, files }) => ({
    version,
    at: new Date(timestamp).toISOString(),
    operation,
    rows,
    files,
  }));
}
