import type { Field } from '../../lake/action.ts';
import type { Lake } from '../../lake/lake.ts';
import { readTable } from '../../lake/log.ts';
import type { Clock } from '../base/clock.ts';
import { percentDecoded } from '../base/percent.ts';
import { keepHeader, keepSecret } from '../base/secret.ts';
import type { Config } from '../config.ts';
import type { Connection } from '../connector.ts';
import type { Exporter, ExporterParts } from '../exporter.ts';
import type { Plan } from '../plan.ts';
import type { ParentJob } from './open-lineage.ts';
import { noPlaces, type Places, placesOf } from './places.ts';

export interface ExportersParts extends ExporterParts {
  readonly clock: Clock;
  readonly engine: string;
  /** What is run, and where it reads and writes; undefined: a run that another process began, which nothing in this process's environment started. */
  readonly work:
    | {
        readonly config: Config;
        readonly plan: Plan;
        connection(kind: 'source' | 'sink', name: string): Promise<Connection>;
        lake(): Promise<Lake>;
      }
    | undefined;
}

type Environment = ExporterParts['env'];

/** Whether this environment asks for traces. */
export function tracesWanted(env: Environment): boolean {
  if (isTrue(env.OTEL_SDK_DISABLED)) return false;
  const exporters = given(env.OTEL_TRACES_EXPORTER)?.split(',');
  if (exporters !== undefined) return exporters.some((name) => name.trim() === 'otlp');
  return given(env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) !== undefined || given(env.OTEL_EXPORTER_OTLP_ENDPOINT) !== undefined;
}

/** Whether this environment asks for lineage. */
export function lineageWanted(env: Environment): boolean {
  return given(env.OPENLINEAGE_URL) !== undefined && !isTrue(env.OPENLINEAGE_DISABLED);
}

/** The exporters that the environment asks for, as one. Where it asks for none nothing is loaded, and undefined is returned. Never throws. */
export async function openExporters(parts: ExportersParts): Promise<Exporter | undefined> {
  const { env, warn } = parts;
  const [traces, lineage] = [tracesWanted(env), lineageWanted(env)];
  if (!traces && !lineage) return undefined;
  const places = parts.work === undefined ? noPlaces : await placesOf(parts.work);
  const open = [
    ...(traces ? [await guarded('traces', warn, () => openTraces(parts, places))] : []),
    ...(lineage ? [await guarded('lineage', warn, () => openLineageEvents(parts, places))] : []),
  ];
  return {
    event(event) {
      for (const one of open) one.event(event);
    },
    catchUp(events) {
      for (const one of open) one.catchUp(events);
    },
    async close() {
      await Promise.all(open.map((one) => one.close()));
    },
  };
}

/** One that has a defect is said once, and is not used from then on: it is no reason for a run to fail. */
async function guarded(what: string, warn: (text: string) => void, make: () => Promise<Exporter | undefined>): Promise<Exporter> {
  let inner: Exporter | undefined;
  const broken = (error: unknown): void => {
    inner = undefined;
    warn(`${what} are not sent: ${error instanceof Error ? error.message : String(error)}`);
  };
  try {
    inner = await make();
  } catch (error) {
    broken(error);
  }
  const use = (work: (exporter: Exporter) => void): void => {
    if (inner === undefined) return;
    try {
      work(inner);
    } catch (error) {
      broken(error);
    }
  };
  return {
    event: (event) => use((exporter) => exporter.event(event)),
    catchUp: (events) => use((exporter) => exporter.catchUp(events)),
    close: async () => {
      await inner?.close().catch(broken);
    },
  };
}

async function openTraces({ env, warn, work }: ExportersParts, places: Places): Promise<Exporter | undefined> {
  const protocol = given(env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL) ?? given(env.OTEL_EXPORTER_OTLP_PROTOCOL) ?? 'http/protobuf';
  if (protocol !== 'http/protobuf' && protocol !== 'http/json') {
    warn(
      `traces are not sent: OTEL_EXPORTER_OTLP_PROTOCOL is ${protocol}, and this engine speaks http/protobuf and http/json (a collector takes both at port 4318)`,
    );
    return undefined;
  }
  keepHeaders(env.OTEL_EXPORTER_OTLP_HEADERS);
  keepHeaders(env.OTEL_EXPORTER_OTLP_TRACES_HEADERS);
  const { openTracing, parseTraceparent } = await import('./tracing.ts');
  const { openTelemetry } = await import('./open-telemetry.ts');
  const caller = work === undefined ? undefined : parseTraceparent(env.TRACEPARENT);
  return openTelemetry({ tracing: openTracing(protocol, warn), plan: work?.plan, places, caller });
}

/** `name=value,name=value`, percent-encoded, as the OpenTelemetry specification has it; what follows a `;` in a value is not sent. */
function keepHeaders(list: string | undefined): void {
  for (const header of list?.split(',') ?? []) {
    const [pair = ''] = header.split(';');
    const [name, value] = [pair.slice(0, pair.indexOf('=')).trim(), pair.slice(pair.indexOf('=') + 1).trim()];
    for (const text of new Set([value, percentDecoded(value)])) if (text !== undefined) keepHeader(name, text);
  }
}

async function openLineageEvents({ env, warn, work, clock, engine }: ExportersParts, places: Places): Promise<Exporter | undefined> {
  const base = given(env.OPENLINEAGE_URL) ?? '';
  const url = endpointOf(base, given(env.OPENLINEAGE_ENDPOINT) ?? 'api/v1/lineage');
  if (url === undefined) {
    warn('lineage is not sent: OPENLINEAGE_URL is no http or https URL');
    return undefined;
  }
  const key = given(env.OPENLINEAGE_API_KEY);
  keepSecret(key);
  keepSecret(decodeURIComponent(url.password));
  const { createSender } = await import('./http-sender.ts');
  const { openLineage } = await import('./open-lineage.ts');
  const authorization =
    key !== undefined
      ? `Bearer ${key}`
      : url.username !== ''
        ? `Basic ${Buffer.from(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`).toString('base64')}`
        : undefined;
  if (authorization !== undefined) keepHeader('authorization', authorization);
  url.username = '';
  url.password = '';
  return openLineage({
    sender: createSender({
      url,
      headers: { 'content-type': 'application/json', ...(authorization === undefined ? {} : { authorization }) },
      clock,
      warn,
    }),
    namespace: given(env.OPENLINEAGE_NAMESPACE) ?? 'default',
    engine,
    parent: work === undefined ? undefined : parentOf(env),
    plan: work?.plan,
    places,
    fields: async (folder) => (work === undefined ? undefined : readFields(clock, work.lake, folder)),
  });
}

const readWithinMs = 5_000;

/** Read beside the run, from the log that its extract has just written; a lake that does not answer in time leaves the event without columns. */
async function readFields(clock: Clock, lake: () => Promise<Lake>, folder: string): Promise<readonly Field[] | undefined> {
  const over = new AbortController();
  const read = lake()
    .then((open) => readTable(open, folder))
    .then(
      (state) => state.fields,
      () => undefined,
    );
  const late = clock.sleep(readWithinMs, over.signal).catch(() => undefined);
  const fields = await Promise.race([read, late]);
  over.abort();
  return fields ?? undefined;
}

function endpointOf(base: string, endpoint: string): URL | undefined {
  const text = `${base.replace(/\/+$/, '')}/${endpoint.replace(/^\/+/, '')}`;
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.protocol === 'http:' || url.protocol === 'https:' ? url : undefined;
}

/** `OPENLINEAGE_PARENT_ID`, as other OpenLineage clients take it: `namespace/job/run id`; a namespace may have slashes. */
function parentOf(env: Environment): ParentJob | undefined {
  const [, namespace, name, runId] =
    /^(.+)\/([^/]+)\/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/i.exec(env.OPENLINEAGE_PARENT_ID ?? '') ?? [];
  return namespace === undefined || name === undefined || runId === undefined ? undefined : { namespace, name, runId };
}

/** Empty is as good as unset, as the OpenTelemetry specification has it. */
function given(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === '' ? undefined : value.trim();
}

function isTrue(value: string | undefined): boolean {
  return value?.trim().toLowerCase() === 'true';
}
