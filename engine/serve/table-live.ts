import type { ApiError } from '../api.ts';
import type { AnalyticsNow, LakeNow, LivePart, ModelNow, RelationNow, TableLive } from '../api-table.ts';
import { lakeFolder } from '../base/lake-folder.ts';
import type { Config, Relation, TableConfig } from '../config.ts';
import type { Looked } from '../connector.ts';
import { EngineError } from '../error.ts';
import { columnWays } from './column-ways.ts';
import { errorBody } from './errors.ts';
import type { LakeTable } from './lake-table.ts';
import { loadPoints } from './load-points.ts';
import { endedMs, type Looking } from './looking.ts';
import type { ServerParts } from './parts.ts';
import type { Remembered } from './remembering.ts';
import { settingsOfTable } from './table-known.ts';
import { modelsOf, newestBuilds, withRelations } from './table-models.ts';

const nodesLookedAt = 100;
const loadsAddedUp = 500;

type Settled<T> =
  | { readonly at: string; readonly value: T; readonly trouble: undefined }
  | { readonly at: string; readonly value: undefined; readonly trouble: ApiError['error'] };

/** What is there now of a table, at the source, in the lake and in the sink. What cannot be looked up keeps nothing else from being told. */
export async function tableLive(parts: ServerParts, looking: Looking, config: Config, table: string): Promise<TableLive> {
  const settle = async <T>(found: Promise<Remembered<T>>): Promise<Settled<T>> => {
    try {
      return { ...(await found), trouble: undefined };
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      return { at: now(), value: undefined, trouble: errorBody(error.code, error.message, error.hint).error };
    }
  };
  const now = (): string => new Date(parts.clock.now()).toISOString();
  // Of a table that a pattern names, the lake says which relation it is.
  const [histories, loads] = await Promise.all([parts.history.tables([table]), parts.history.tableLoads(table, loadsAddedUp)]);
  const history = histories.get(table);
  const pending = settle(looking.lake(config, table, endedMs(history?.extract)));
  const declared = Object.hasOwn(config.tables, table);
  const lake = declared ? undefined : await pending;
  const settings = settingsOfTable(config, table, lake?.value?.relation);
  if (settings === undefined) {
    const trouble = errorBody(
      'table.unsettled',
      `nothing says which source and sink ${table} has`,
      'Name them under `defaults:` in pipelines.yaml.',
    ).error;
    const part = { at: now(), found: undefined, trouble };
    return { at: now(), source: part, lake: lakePart(await pending, table), staging: part, analytics: part, columns: [] };
  }
  // The source is far away, and is looked at while the store is asked what dbt made.
  const atSource = settle(looking.relations(config, 'source', settings.source, [settings.relation]));
  const models = await builtModels(parts, table, settings, history?.built?.runId);
  const wanted = [settings.into, ...models.flatMap(({ relation }) => relationOf(relation) ?? [])];
  const [source, inLake, sink] = await Promise.all([
    atSource,
    lake ?? pending,
    settle(looking.relations(config, 'sink', settings.sink, wanted, Math.max(endedMs(history?.load), builtMs(models)))),
  ]);
  const sourceNow = relationPart(source, settings.source, settings.relation);
  const staging = counted(relationPart(sink, settings.sink, settings.into), loadPoints(loads).at(-1)?.total);
  return {
    at: now(),
    source: sourceNow,
    lake: lakePart(inLake, table),
    staging,
    analytics: {
      at: sink.at,
      found: { models: withRelations(models, sink.value ?? []) },
      trouble: models.length === 0 ? undefined : sink.trouble,
    } satisfies LivePart<AnalyticsNow>,
    columns: columnWays(settings, {
      source: columnsOf(source, settings.relation),
      lake: inLake.value?.fields,
      staging: columnsOf(sink, settings.into),
    }),
  };
}

async function builtModels(
  parts: ServerParts,
  table: string,
  { into }: TableConfig,
  builtBy: string | undefined,
): Promise<readonly ModelNow[]> {
  const nodes = await parts.history.tableNodes(table, nodesLookedAt);
  return modelsOf(await newestBuilds(parts, nodes, builtBy), `${into.schema}.${into.name}`);
}

function builtMs(models: readonly ModelNow[]): number {
  return Math.max(0, ...models.map(({ builtAt }) => Date.parse(builtAt)));
}

/** Staging with the rows that its loads add up to since one that replaced all of it, where they do: exactly, not by an estimate. */
function counted(part: LivePart<RelationNow>, total: number | undefined): LivePart<RelationNow> {
  return part.found === undefined || total === undefined ? part : { ...part, found: { ...part.found, rows: total, exact: true } };
}

/** dbt names a relation `schema.name`, unquoted. */
function relationOf(text: string | undefined): Relation | undefined {
  const dot = text?.indexOf('.') ?? -1;
  return text === undefined || dot <= 0 ? undefined : { schema: text.slice(0, dot), name: text.slice(dot + 1) };
}

const sameRelation = (a: Relation, b: Relation): boolean => a.schema === b.schema && a.name === b.name;

function columnsOf(looked: Settled<readonly Looked[]>, relation: Relation): Looked['columns'] | undefined {
  return looked.value === undefined ? undefined : (looked.value.find((one) => sameRelation(one.relation, relation))?.columns ?? []);
}

function relationPart(looked: Settled<readonly Looked[]>, system: string, relation: Relation): LivePart<RelationNow> {
  const { at, value, trouble } = looked;
  if (value === undefined) return { at, found: undefined, trouble };
  const name = `${relation.schema}.${relation.name}`;
  const one = value.find((each) => sameRelation(each.relation, relation));
  if (one === undefined)
    return {
      at,
      found: undefined,
      trouble: { code: 'table.absent', message: `there is no ${name} in ${system}, or its role may not see it` },
    };
  const { kind, rows, bytes } = one;
  return { at, found: { system, relation: name, kind, rows, exact: false, bytes }, trouble: undefined };
}

function lakePart(looked: Settled<LakeTable>, table: string): LivePart<LakeNow> {
  const { at, value, trouble } = looked;
  if (value === undefined) return { at, found: undefined, trouble };
  const { version, files, bytes, rows, fence } = value;
  if (version < 0)
    return {
      at,
      found: undefined,
      trouble: { code: 'table.absent', message: 'nothing is in the lake yet', hint: 'The first extract brings it there.' },
    };
  return { at, found: { folder: lakeFolder(table), version, files, bytes, rows, fence }, trouble: undefined };
}
