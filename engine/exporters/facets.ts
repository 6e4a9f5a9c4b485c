import type { JsonObject } from '../base/json.ts';

/** Facets of the OpenLineage specification that this engine writes, each with the version of its schema (openlineage.io/spec/facets). */
const versions = {
  ParentRunFacet: '1-2-0',
  NominalTimeRunFacet: '1-0-1',
  ErrorMessageRunFacet: '1-0-1',
  ProcessingEngineRunFacet: '1-1-1',
  TestRunFacet: '1-0-1',
  JobTypeJobFacet: '2-0-4',
  SQLJobFacet: '1-1-0',
  SchemaDatasetFacet: '1-2-0',
  DatasetVersionDatasetFacet: '1-0-1',
  DatasourceDatasetFacet: '1-0-1',
  DatasetTypeDatasetFacet: '1-0-1',
  StorageDatasetFacet: '1-0-1',
  ColumnLineageDatasetFacet: '1-2-0',
  LifecycleStateChangeDatasetFacet: '1-0-1',
  InputStatisticsInputDatasetFacet: '1-0-0',
  OutputStatisticsOutputDatasetFacet: '1-0-2',
} as const;

/** Makes facets of one producer. */
export type Facet = (name: keyof typeof versions, body: JsonObject) => JsonObject;

/** The core schema of an event. */
export const eventSchema = 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent';

/** Facets that name this version of the engine as their producer. */
export function facetsOf(producer: string): Facet {
  return (name, body) => ({
    _producer: producer,
    _schemaURL: `https://openlineage.io/spec/facets/${versions[name]}/${name}.json#/$defs/${name}`,
    ...body,
  });
}
