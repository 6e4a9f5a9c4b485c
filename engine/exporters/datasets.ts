import type { Field } from '../../lake/action.ts';
import type { JsonObject } from '../base/json.ts';
import type { DbtResult } from '../event.ts';
import type { NodeRun } from '../run.ts';
import type { Facet } from './facets.ts';
import { type Dataset, type NodePlaces, namespaceOf, type Server, tableDataset } from './places.ts';

/** The inputs and outputs of one event. */
export interface Datasets {
  readonly inputs: readonly JsonObject[];
  readonly outputs: readonly JsonObject[];
}

export interface DatasetsOfNode {
  readonly facet: Facet;
  readonly node: NodeRun;
  readonly places: NodePlaces;
  readonly options: JsonObject;
  fields(folder: string): Promise<readonly Field[] | undefined>;
}

/** One column on its way: its names and types in the source, in the lake and in staging. A type that is not known for sure is undefined. */
interface Column {
  readonly source: Name;
  readonly lake: Name;
  readonly staging: Name;
  /** What became of its values on the way from the source. */
  readonly masked: string | undefined;
}

interface Name {
  readonly name: string;
  readonly type?: string | undefined;
}

/** The columns of a table on its way, and what the engine adds to them in the lake. */
interface Columns {
  readonly taken: readonly Column[];
  readonly added: readonly Name[];
}

/** What the engine adds in staging. */
const stagingAdds: readonly Name[] = [
  { name: '_extracted_at', type: 'timestamp with time zone' },
  { name: '_loaded_at', type: 'timestamp with time zone' },
];

const mostColumns = 2_000;

/** What a node reads and writes, with columns where `fields` knows them. */
export async function datasetsOf(given: DatasetsOfNode): Promise<Datasets> {
  const { node, places, fields } = given;
  const { lake } = places;
  if (lake === undefined) return { inputs: [], outputs: [] };
  const columns = columnsOf(await fields(lake.folder), given.options);
  const verb = node.type.split('.').at(-1);
  if (verb === 'extract') return extracted(given, lake, columns);
  if (verb === 'load') return loaded(given, lake, columns);
  if (verb === 'truncate') return emptied(given);
  return { inputs: [], outputs: [] };
}

function extracted({ facet, node, places: { source } }: DatasetsOfNode, lake: Dataset, { taken, added }: Columns): Datasets {
  const { version, rows, bytes, files } = factsOf(node);
  const from = source === undefined ? undefined : tableDataset(source.server, source.schema, source.name);
  const inputFacets = statistics({ rowCount: rows });
  return {
    inputs:
      source === undefined || from === undefined
        ? []
        : [
            {
              ...from,
              facets: {
                ...sourceFacets(facet, source.server),
                ...schemaFacet(
                  facet,
                  taken.map((column) => column.source),
                ),
              },
              ...(inputFacets === undefined
                ? {}
                : { inputFacets: { inputStatistics: facet('InputStatisticsInputDatasetFacet', inputFacets) } }),
            },
          ],
    outputs: [
      {
        namespace: lake.namespace,
        name: lake.name,
        facets: {
          ...lakeFacets(facet, version),
          ...schemaFacet(facet, lakeColumns(taken, added)),
          ...(from === undefined ? {} : lineageFacet(facet, from, taken, (c) => [c.source, c.lake, c.masked])),
        },
        ...outputFacets(facet, { rowCount: rows, size: bytes, fileCount: files }),
      },
    ],
  };
}

function loaded({ facet, node, places: { sink } }: DatasetsOfNode, lake: Dataset, { taken, added }: Columns): Datasets {
  const { lakeVersion, rows, replaced } = factsOf(node);
  const from = { namespace: lake.namespace, name: lake.name };
  const staging = taken.length === 0 ? [] : [...taken.map((column) => column.staging), ...stagingAdds];
  return {
    inputs: [{ ...from, facets: { ...lakeFacets(facet, lakeVersion), ...schemaFacet(facet, lakeColumns(taken, added)) } }],
    outputs:
      sink === undefined
        ? []
        : [
            {
              ...tableDataset(sink.server, sink.schema, sink.name),
              facets: {
                ...sourceFacets(facet, sink.server),
                datasetType: facet('DatasetTypeDatasetFacet', { datasetType: 'TABLE' }),
                ...schemaFacet(facet, staging),
                ...lineageFacet(facet, from, taken, (c) => [c.lake, c.staging, undefined]),
                ...(replaced === true
                  ? { lifecycleStateChange: facet('LifecycleStateChangeDatasetFacet', { lifecycleStateChange: 'OVERWRITE' }) }
                  : {}),
              },
              ...outputFacets(facet, { rowCount: rows }),
            },
          ],
  };
}

function emptied({ facet, node, places: { sink } }: DatasetsOfNode): Datasets {
  if (sink === undefined) return { inputs: [], outputs: [] };
  const { emptied: done } = factsOf(node);
  const change =
    done === true ? { lifecycleStateChange: facet('LifecycleStateChangeDatasetFacet', { lifecycleStateChange: 'TRUNCATE' }) } : {};
  return {
    inputs: [],
    outputs: [{ ...tableDataset(sink.server, sink.schema, sink.name), facets: { ...sourceFacets(facet, sink.server), ...change } }],
  };
}

/** What a model reads and is, in the database that dbt builds in. */
export function dbtDatasets(facet: Facet, warehouse: Server | undefined, { reads, relation, rows }: DbtResult): Datasets {
  if (warehouse === undefined) return { inputs: [], outputs: [] };
  const dataset = (at: string): JsonObject => ({
    namespace: namespaceOf(warehouse),
    name: `${warehouse.database}.${at}`,
    facets: sourceFacets(facet, warehouse),
  });
  return {
    inputs: (reads ?? []).map(dataset),
    outputs: relation === undefined ? [] : [{ ...dataset(relation), ...outputFacets(facet, { rowCount: rows }) }],
  };
}

function columnsOf(fields: readonly Field[] | undefined, options: JsonObject): Columns {
  const { rename = {}, mask = {} } = ((options.table as JsonObject | undefined)?.columns ?? {}) as {
    readonly rename?: Readonly<Record<string, string>>;
    readonly mask?: Readonly<Record<string, unknown>>;
  };
  const before = new Map(Object.entries(rename).map(([source, name]) => [name, source]));
  const known = (fields ?? []).slice(0, mostColumns);
  const isAdded = (field: Field): boolean => field.metadata['engine.role'] !== undefined;
  const taken = known
    .filter((field) => !isAdded(field))
    .map((field): Column => {
      const text = (key: string): string | undefined => {
        const value = field.metadata[key];
        return typeof value === 'string' ? value : undefined;
      };
      const staging = text('engine.name') ?? field.name;
      const source = before.get(staging) ?? staging;
      const type = text('engine.type');
      const how = Object.hasOwn(mask, source) ? mask[source] : undefined;
      const masked = how === undefined ? undefined : String(how);
      return {
        // What stands for a masked column has a type of its own.
        source: { name: source, type: masked === undefined ? type : undefined },
        lake: { name: field.name, type: field.type },
        // Where the two differ, the sink's own types decide.
        staging: { name: staging, type: type === text('engine.base') ? type : undefined },
        masked,
      };
    });
  return { taken, added: known.filter(isAdded).map(({ name, type }) => ({ name, type })) };
}

function factsOf(node: NodeRun): NonNullable<NodeRun['result']>['facts'] {
  return node.result?.facts ?? {};
}

function sourceFacets(facet: Facet, server: Server): JsonObject {
  const uri = namespaceOf(server);
  return {
    dataSource: facet('DatasourceDatasetFacet', { name: uri, uri: `${uri}/${encodeURIComponent(server.database)}` }),
  };
}

function lakeFacets(facet: Facet, version: unknown): JsonObject {
  return {
    storage: facet('StorageDatasetFacet', { storageLayer: 'delta', fileFormat: 'parquet' }),
    ...(typeof version === 'number' && version >= 0
      ? { version: facet('DatasetVersionDatasetFacet', { datasetVersion: String(version) }) }
      : {}),
  };
}

function lakeColumns(taken: readonly Column[], added: readonly Name[]): readonly Name[] {
  return [...taken.map((column) => column.lake), ...added];
}

function schemaFacet(facet: Facet, fields: readonly Name[]): JsonObject {
  if (fields.length === 0) return {};
  return {
    schema: facet('SchemaDatasetFacet', {
      fields: fields.map(({ name, type }, index) => ({ name, ...(type === undefined ? {} : { type }), ordinal_position: index + 1 })),
    }),
  };
}

/** Each column comes from one; `ends` names it there, here, and what was done to it. */
function lineageFacet(
  facet: Facet,
  { namespace, name }: Dataset,
  columns: readonly Column[],
  ends: (column: Column) => readonly [there: Name, here: Name, masked: string | undefined],
): JsonObject {
  if (columns.length === 0) return {};
  const fields = columns.map((column) => {
    const [{ name: field }, { name: here }, masked] = ends(column);
    const transformation =
      masked === undefined
        ? { type: 'DIRECT', subtype: 'IDENTITY', masking: false }
        : { type: 'DIRECT', subtype: 'TRANSFORMATION', description: masked, masking: true };
    return [here, { inputFields: [{ namespace, name, field, transformations: [transformation] }] }] as const;
  });
  return { columnLineage: facet('ColumnLineageDatasetFacet', { fields: Object.fromEntries(fields) }) };
}

function statistics(counts: Readonly<Record<string, unknown>>): JsonObject | undefined {
  const known = Object.entries(counts).filter((count): count is [string, number] => Number.isSafeInteger(count[1]));
  return known.length === 0 ? undefined : Object.fromEntries(known);
}

function outputFacets(facet: Facet, counts: Readonly<Record<string, unknown>>): JsonObject {
  const known = statistics(counts);
  return known === undefined ? {} : { outputFacets: { outputStatistics: facet('OutputStatisticsOutputDatasetFacet', known) } };
}
