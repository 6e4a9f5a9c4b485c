import { integer, list, number, object, ref, text, texts, time } from './schema-words.ts';

const tableView = {
  table: text,
  pipelines: texts,
  extract: ref('NodeRecord'),
  load: ref('NodeRecord'),
  lakeAsOf: time,
  asOf: time,
  analyticsAsOf: time,
  built: object({ runId: text, at: time }),
  lagMs: number,
  limitMs: number,
  heldBy: text,
};
const flag = { type: 'boolean' } as const;
const trouble = object({ code: text, message: text, hint: text }, ['code', 'message']);
const part = (found: object): object => object({ at: time, found, trouble }, ['at']);
const place = object({ name: text, type: text });
const version = { version: integer, at: time, operation: text, rows: number, files: integer, bytes: number, removed: integer };

/** Schemas of what `engine/api-table.ts` says. */
export const tableSchemas: Readonly<Record<string, object>> = {
  TablesPage: object({ at: time, tables: list(ref('TableLine')), looking: flag }),
  TableLine: object(
    {
      table: text,
      pipelines: texts,
      lakeAsOf: time,
      asOf: time,
      analyticsAsOf: time,
      limitMs: number,
      heldBy: text,
      loaded: ref('LoadBrief'),
      lake: object({ version: integer, files: integer, bytes: number }),
      staging: object({ rows: number, exact: { type: 'boolean' }, bytes: number }, ['exact']),
    },
    ['table', 'pipelines'],
  ),
  TablePage: object(
    {
      at: time,
      ...tableView,
      declared: object(
        { source: text, relation: text, sink: text, into: text, key: texts, cursor: text, load: { enum: ['merge', 'append'] } },
        ['source', 'relation', 'sink', 'into', 'load'],
      ),
      nodes: list(ref('NodeRecord')),
    },
    ['at', 'table', 'pipelines', 'nodes'],
  ),
  LakeVersion: object(
    {
      ...version,
      by: object({ runId: text, node: text, mode: { enum: ['full', 'incremental'] }, from: text, fence: time }, ['runId', 'node', 'mode']),
    },
    ['version', 'at', 'operation', 'files', 'bytes', 'removed'],
  ),
  VersionsPage: object({ versions: list(ref('LakeVersion')), next: integer }, ['versions']),
  VersionPage: object({
    version: ref('LakeVersion'),
    folder: text,
    changes: list(object({ path: text, change: { enum: ['added', 'removed'] }, bytes: number, rows: number }, ['path', 'change'])),
    count: integer,
  }),
  LoadsPage: object({ loads: list(ref('LoadPoint')) }),
  LoadPoint: object(
    {
      runId: text,
      pipeline: text,
      node: text,
      at: time,
      rows: number,
      inserted: number,
      updated: number,
      unchanged: number,
      replaced: flag,
      total: number,
      lagMs: number,
      lakeVersion: integer,
    },
    ['runId', 'pipeline', 'node', 'at', 'replaced'],
  ),
  TableLive: object({
    at: time,
    source: part(ref('RelationNow')),
    lake: part(ref('LakeNow')),
    staging: part(ref('RelationNow')),
    analytics: part(object({ models: list(ref('ModelNow')) })),
    columns: list(ref('ColumnWay')),
  }),
  RelationNow: object({ system: text, relation: text, kind: text, rows: number, exact: { type: 'boolean' }, bytes: number }, [
    'system',
    'relation',
    'kind',
    'exact',
  ]),
  LakeNow: object({ folder: text, version: integer, files: integer, bytes: number, rows: number, fence: time }, [
    'folder',
    'version',
    'files',
    'bytes',
  ]),
  ModelNow: object(
    {
      uniqueId: text,
      name: text,
      kind: text,
      relation: text,
      stands: text,
      rows: number,
      bytes: number,
      status: text,
      runId: text,
      builtAt: time,
      direct: flag,
      tests: object({ passed: integer, warned: integer, failed: texts }),
    },
    ['uniqueId', 'name', 'kind', 'status', 'runId', 'builtAt', 'direct', 'tests'],
  ),
  ColumnWay: object(
    {
      source: object({ name: text, type: text, notNull: flag }),
      lake: place,
      staging: place,
      mask: { enum: ['hash', 'redact', 'null'] },
      differences: texts,
      note: text,
    },
    ['differences'],
  ),
  PreviewPage: object(
    {
      at: time,
      relation: text,
      order: { enum: ['newest', 'written'] },
      newestBy: text,
      columns: list(
        object({ name: text, type: text, numeric: flag, hidden: { enum: ['masked', 'excluded'] } }, ['name', 'type', 'numeric']),
      ),
      rows: list({ type: 'array', items: { anyOf: [{ type: 'null' }, object({ text, cut: flag })] } }),
    },
    ['at', 'relation', 'order', 'columns', 'rows'],
  ),
};
