import type { FastifyInstance } from 'fastify';
import { logVersions } from '../../lake/log.ts';
import type { LakeVersion, TablePage, TableView } from '../api.ts';
import { lakeFolder } from '../base/lake-folder.ts';
import { redact } from '../base/secret.ts';
import { suggest } from '../base/suggest.ts';
import { EngineError } from '../error.ts';
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
      const [views, nodes, lake] = await Promise.all([
        tableViews(parts, config, new Map([[table, pipelines]])),
        parts.history.tableNodes(table, nodesShown),
        lakeVersions(parts, table),
      ]);
      const [view] = views;
      if (view === undefined) throw new Error(`table ${table} has no view`);
      return { ...view, nodes, ...lake };
    },
  );
}

/** A lake that cannot be read keeps nothing else from being shown. */
async function lakeVersions(parts: ServerParts, table: string): Promise<Pick<TablePage, 'versions' | 'lakeTrouble'>> {
  try {
    const found = await logVersions(await parts.lake(await parts.config()), lakeFolder(table), versionsShown);
    const versions = found.map(({ version, timestamp, operation, rows, files }): LakeVersion => {
      const at = new Date(timestamp);
      // Others write into a log too, and not every number is a time.
      return { version, at: (Number.isNaN(at.getTime()) ? new Date(0) : at).toISOString(), operation, rows, files };
    });
    return { versions, lakeTrouble: undefined };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return { versions: [], lakeTrouble: redact(error.message) };
  }
}
