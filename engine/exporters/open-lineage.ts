import type { Field } from '../../lake/action.ts';
import type { Json, JsonObject } from '../base/json.ts';
import { redact } from '../base/secret.ts';
import { uuidOf, uuidWithin } from '../base/ulid.ts';
import type { ErrorData } from '../error.ts';
import type { DbtResult, Event } from '../event.ts';
import type { Exporter } from '../exporter.ts';
import type { Plan } from '../plan.ts';
import { applyEvent, type NodeRun, type Run } from '../run.ts';
import { type Datasets, datasetsOf, dbtDatasets } from './datasets.ts';
import { eventSchema, type Facet, facetsOf } from './facets.ts';
import type { Sender } from './http-sender.ts';
import type { Places } from './places.ts';

/** What a job of another program started this run as: `namespace/job/run id`, as `OPENLINEAGE_PARENT_ID` has it. */
export interface ParentJob {
  readonly namespace: string;
  readonly name: string;
  readonly runId: string;
}

export interface OpenLineageParts {
  readonly sender: Sender;
  /** Of jobs. */
  readonly namespace: string;
  readonly engine: string;
  /** What started this process; undefined for a run that another process began. */
  readonly parent: ParentJob | undefined;
  /** undefined: of a run that another process began, whose plan is not known here. */
  readonly plan: Plan | undefined;
  readonly places: Places;
  /** The columns of a lake table as its log has them now; undefined where they cannot be read. */
  fields(folder: string): Promise<readonly Field[] | undefined>;
}

type EventType = 'START' | 'COMPLETE' | 'FAIL' | 'ABORT';

/** One run of a job, as each of its events names it. */
interface Job {
  readonly runId: string;
  readonly name: string;
  readonly runFacets: JsonObject;
  readonly jobFacets: JsonObject;
}

const integration = 'PIPELINE_ENGINE';
const mostSql = 10_000;
const mostTests = 500;
const built: readonly DbtResult['status'][] = ['success', 'warn', 'partial success'];

/**
 * A run as OpenLineage tells it (openlineage.io/docs/spec): the pipeline's run is the parent of a run for each node that began, and the dbt node's of one for each model
 * that was built. All ids are computed from the run's, so that another process can end what this one began.
 */
export function openLineage(parts: OpenLineageParts): Exporter {
  const { sender, namespace, places, plan } = parts;
  const facet = facetsOf(`urn:pipeline-engine:${parts.engine}`);
  /** Nodes whose START was told and whose end was not. */
  const open = new Set<string>();
  let run: Run | undefined;
  let isMuted = false;

  const tell = (type: EventType, at: string, job: Job, datasets: () => Promise<Datasets> = none): void => {
    if (isMuted) return;
    sender.send(job.runId, async () => {
      const { inputs, outputs } = await datasets();
      return {
        eventType: type,
        eventTime: at,
        producer: `urn:pipeline-engine:${parts.engine}`,
        schemaURL: eventSchema,
        run: { runId: job.runId, facets: job.runFacets },
        job: { namespace, name: job.name, facets: job.jobFacets },
        inputs,
        outputs,
      };
    });
  };
  const pipelineJob = (of: Run, error?: ErrorData): Job => ({
    runId: uuidOf(of.runId),
    name: of.pipeline,
    runFacets: {
      processing_engine: facet('ProcessingEngineRunFacet', { version: of.engine, name: 'pipeline-engine' }),
      ...(of.scheduledAt === undefined ? {} : { nominalTime: facet('NominalTimeRunFacet', { nominalStartTime: of.scheduledAt }) }),
      ...(parts.parent === undefined ? {} : { parent: parentFacet(facet, parts.parent, parts.parent) }),
      ...errorFacet(facet, error),
    },
    jobFacets: { jobType: jobType(facet, 'PIPELINE') },
  });
  const nodeJob = (of: Run, node: NodeRun, end: { readonly error?: ErrorData } = {}): Job => {
    const planned = plan?.nodes.find((n) => n.id === node.id);
    // The plan was made before its run, which has learnt secrets since.
    const sql = node.type.endsWith('.extract') ? planned?.plan.sql.map(redact).join(';\n').slice(0, mostSql) : undefined;
    const self = { namespace, name: of.pipeline, runId: uuidOf(of.runId) };
    return {
      runId: nodeRunId(of.runId, node.id),
      name: `${of.pipeline}.${node.id}`,
      runFacets: {
        // What started another process is not known here.
        parent: parentFacet(facet, self, parts.parent ?? (plan === undefined ? undefined : self)),
        processing_engine: facet('ProcessingEngineRunFacet', { version: of.engine, name: 'pipeline-engine' }),
        ...errorFacet(facet, end.error),
        ...testFacet(facet, node.dbt),
      },
      jobFacets: {
        jobType: jobType(facet, node.type.split('.').at(-1)?.toUpperCase() ?? 'NODE'),
        ...(sql === undefined || sql === '' ? {} : { sql: facet('SQLJobFacet', { query: sql, dialect: 'postgres' }) }),
      },
    };
  };
  const tellNode = (type: EventType, at: string, id: string, error?: ErrorData): void => {
    const node = run?.nodes.find((n) => n.id === id);
    if (run === undefined || node === undefined) return;
    if (type === 'START') {
      // A further attempt goes on with the same run.
      if (open.has(id)) return;
      open.add(id);
    } else if (!open.delete(id)) return;
    const options = plan?.nodes.find((n) => n.id === id)?.options ?? {};
    const fields = type === 'COMPLETE' ? parts.fields : async () => undefined;
    tell(type, at, nodeJob(run, node, error === undefined ? {} : { error }), () =>
      datasetsOf({ facet, node, places: places.node(id), options, fields }),
    );
  };
  const tellModel = (event: Event & { readonly type: 'dbt.result' }): void => {
    const { result } = event;
    const node = run?.nodes.find((n) => n.id === event.node);
    if (run === undefined || node === undefined || !isBuilt(result)) return;
    const self = { namespace, name: `${run.pipeline}.${node.id}`, runId: nodeRunId(run.runId, node.id) };
    const root = parts.parent ?? { namespace, name: run.pipeline, runId: uuidOf(run.runId) };
    const failed = !built.includes(result.status);
    const job: Job = {
      runId: uuidWithin(self.runId, `${node.attempt} ${result.uniqueId}`),
      name: `${self.name}.${result.uniqueId}`,
      runFacets: {
        parent: parentFacet(facet, self, root),
        ...errorFacet(facet, failed ? { message: result.message ?? result.status } : undefined),
      },
      jobFacets: {
        jobType: facet('JobTypeJobFacet', { processingType: 'BATCH', integration: 'DBT', jobType: result.kind.toUpperCase() }),
        ...(result.compiledSql === undefined
          ? {}
          : { sql: facet('SQLJobFacet', { query: result.compiledSql.slice(0, mostSql), dialect: 'postgres' }) }),
      },
    };
    const ended = result.startedAt === undefined ? Date.parse(event.at) : Date.parse(result.startedAt) + result.durationMs;
    const datasets = async (): Promise<Datasets> => dbtDatasets(facet, places.warehouse, result);
    tell('START', new Date(ended - result.durationMs).toISOString(), job, datasets);
    tell(failed ? 'FAIL' : 'COMPLETE', new Date(ended).toISOString(), job, datasets);
  };
  const tellRun = (type: EventType, at: string, error?: ErrorData): void => {
    if (run !== undefined) tell(type, at, pipelineJob(run, error));
  };

  const take = (event: Event): void => {
    run = applyEvent(run, event);
    switch (event.type) {
      case 'run.started':
        tellRun('START', event.at);
        break;
      case 'node.started':
        tellNode('START', event.at, event.node);
        break;
      case 'node.succeeded':
        tellNode('COMPLETE', event.at, event.node);
        break;
      case 'node.failed':
        tellNode('FAIL', event.at, event.node, event.error);
        break;
      // Begun, and rolled back with another of its unit.
      case 'node.skipped':
      case 'node.cancelled':
        tellNode('ABORT', event.at, event.node);
        break;
      case 'dbt.result':
        tellModel(event);
        break;
      case 'run.succeeded':
        tellRun('COMPLETE', event.at);
        break;
      case 'run.failed':
        tellRun('FAIL', event.at, event.error);
        break;
      case 'run.cancelled':
      case 'run.interrupted':
        for (const node of [...open]) tellNode('ABORT', event.at, node);
        tellRun('ABORT', event.at);
        break;
    }
  };
  return {
    event(event) {
      if (event.type !== 'node.progress' && event.type !== 'log') take(event);
    },
    catchUp(events) {
      isMuted = true;
      for (const event of events) this.event(event);
      isMuted = false;
    },
    close: () => sender.close(mostCloseMs),
  };
}

/** How long the end of a run may wait for what was not sent yet. */
const mostCloseMs = 5_000;

const none = async (): Promise<Datasets> => ({ inputs: [], outputs: [] });

/** The id that a node's run has in OpenLineage. */
function nodeRunId(runId: string, node: string): string {
  return uuidWithin(uuidOf(runId), node);
}

/** Models, seeds and snapshots that dbt worked on; tests are told with the node. */
function isBuilt({ kind, status }: DbtResult): boolean {
  return (kind === 'model' || kind === 'seed' || kind === 'snapshot') && status !== 'skipped' && status !== 'no-op';
}

function parentFacet(facet: Facet, { namespace, name, runId }: ParentJob, root: ParentJob | undefined): JsonObject {
  return facet('ParentRunFacet', {
    run: { runId },
    job: { namespace, name },
    ...(root === undefined ? {} : { root: { run: { runId: root.runId }, job: { namespace: root.namespace, name: root.name } } }),
  });
}

function errorFacet(facet: Facet, error: { readonly message: string } | undefined): JsonObject {
  return error === undefined
    ? {}
    : { errorMessage: facet('ErrorMessageRunFacet', { message: error.message, programmingLanguage: 'JavaScript' }) };
}

function jobType(facet: Facet, type: string): JsonObject {
  return facet('JobTypeJobFacet', { processingType: 'BATCH', integration, jobType: type });
}

function testFacet(facet: Facet, results: readonly DbtResult[]): JsonObject {
  const tests = results.filter((result) => result.kind === 'test' || result.kind === 'unit_test').slice(0, mostTests);
  if (tests.length === 0) return {};
  const status = ({ status }: DbtResult): Json => (status === 'pass' ? 'pass' : status === 'skipped' ? 'skip' : 'fail');
  return {
    test: facet('TestRunFacet', {
      tests: tests.map((result) => ({ name: result.name, status: status(result), severity: result.status === 'warn' ? 'warn' : 'error' })),
    }),
  };
}
