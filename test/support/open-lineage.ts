import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { projectRoot } from './build.ts';
import { pythonWith } from './python-packages.ts';

export type FacetDocument = { readonly _producer: string; readonly _schemaURL: string; readonly [key: string]: unknown };
export type Facets = Readonly<Record<string, FacetDocument>>;

export interface DatasetDocument {
  readonly namespace: string;
  readonly name: string;
  readonly facets?: Facets;
  readonly inputFacets?: Facets;
  readonly outputFacets?: Facets;
}

/** An event as an endpoint gets it. */
export interface LineageEvent {
  readonly eventType: string;
  readonly eventTime: string;
  readonly schemaURL: string;
  readonly run: { readonly runId: string; readonly facets: Facets };
  readonly job: { readonly namespace: string; readonly name: string; readonly facets: Facets };
  readonly inputs: readonly DatasetDocument[];
  readonly outputs: readonly DatasetDocument[];
}

/** The columns that a dataset's schema facet has. */
export function columnsIn(dataset: DatasetDocument | undefined): readonly { readonly name: string; readonly type?: string }[] {
  const fields = dataset?.facets?.schema?.fields;
  return Array.isArray(fields) ? (fields as readonly { readonly name: string; readonly type?: string }[]) : [];
}

const folder = join(projectRoot, 'test/fixtures/openlineage');

function specification(): Ajv2020 {
  // The specification's schemas have words of their own (`example`) and write types beside `allOf`.
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    if (file.endsWith('.json')) ajv.addSchema(JSON.parse(readFileSync(join(folder, file), 'utf8')) as object);
  return ajv;
}

let loaded: Ajv2020 | undefined;

/** What the specification's own schemas find wrong with events and, each by the schema that it names, their facets. */
export function lineageFindings(events: readonly object[]): readonly string[] {
  loaded ??= specification();
  const ajv = loaded;
  const check = (what: string, schema: string, value: unknown): readonly string[] => {
    const validate = typeof schema === 'string' ? ajv.getSchema(schema) : undefined;
    if (validate === undefined) return [`${what}: there is no schema ${schema}`];
    return validate(value) ? [] : (validate.errors ?? []).map((e) => `${what}${e.instancePath}: ${e.message}`);
  };
  return events.flatMap((given, at) => {
    const event = given as LineageEvent;
    const of = `${at} ${event.eventType} ${event.job?.name}`;
    const facets: readonly (readonly [string, Facets | undefined])[] = [
      ['run', event.run?.facets],
      ['job', event.job?.facets],
      ...[...(event.inputs ?? []), ...(event.outputs ?? [])].flatMap((dataset) => [
        [dataset.name, dataset.facets] as const,
        [dataset.name, dataset.inputFacets] as const,
        [dataset.name, dataset.outputFacets] as const,
      ]),
    ];
    return [
      ...check(of, event.schemaURL, event),
      ...facets.flatMap(([place, found]) =>
        Object.entries(found ?? {}).flatMap(([name, facet]) => check(`${of} ${place}.${name}`, facet._schemaURL, facet)),
      ),
    ];
  });
}

/** Puts each event together from the classes of the specification's Python client, which know no key but those of the specification. */
const script = `
import importlib, json, pkgutil, sys, types, typing, attr
import openlineage.client.generated as generated
from openlineage.client import event_v2

modules = [importlib.import_module(generated.__name__ + '.' + m.name) for m in pkgutil.iter_modules(generated.__path__)]
by_schema = {}
for module in modules:
    for value in vars(module).values():
        if isinstance(value, type) and attr.has(value) and value.__module__ == module.__name__ and '_get_schema' in vars(value):
            by_schema[value._get_schema()] = value

def build(kind, value):
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return build([k for k in typing.get_args(kind) if k is not type(None)][0], value)
    if origin is list: return [build(typing.get_args(kind)[0], v) for v in value]
    if origin is dict: return {k: build(typing.get_args(kind)[1], v) for k, v in value.items()}
    if isinstance(kind, type) and attr.has(kind):
        module = sys.modules[kind.__module__]
        hints = typing.get_type_hints(kind, vars(module), {**vars(typing), **vars(module)})
        return kind(**{k: build(hints[k], v) if k in hints else v for k, v in value.items()})
    if kind in (str, int, bool) and type(value) is not kind: raise TypeError(f'{value!r} is no {kind.__name__}')
    return value

def facets(found):
    made = {}
    for name, body in (found or {}).items():
        kind = by_schema[body['_schemaURL']]
        made[name] = build(kind, {k: v for k, v in body.items() if not k.startswith('_')})
    return made

wrong = []
for at, e in enumerate(json.load(sys.stdin)):
    try:
        event_v2.RunEvent(
            eventType=event_v2.RunState(e['eventType']), eventTime=e['eventTime'], producer=e['producer'],
            run=event_v2.Run(runId=e['run']['runId'], facets=facets(e['run']['facets'])),
            job=event_v2.Job(namespace=e['job']['namespace'], name=e['job']['name'], facets=facets(e['job']['facets'])),
            inputs=[event_v2.InputDataset(namespace=d['namespace'], name=d['name'], facets=facets(d.get('facets')), inputFacets=facets(d.get('inputFacets'))) for d in e['inputs']],
            outputs=[event_v2.OutputDataset(namespace=d['namespace'], name=d['name'], facets=facets(d.get('facets')), outputFacets=facets(d.get('outputFacets'))) for d in e['outputs']])
    except Exception as error:
        wrong.append(f"{at} {e['eventType']} {e['job']['name']}: {type(error).__name__}: {error}")
print(json.dumps(wrong))
`;

/** What the specification's Python client finds wrong with events: a second witness, which shares no code with the schemas' validator. */
export async function lineageFindingsOfClient(events: readonly object[]): Promise<readonly string[]> {
  const python = await pythonWith(['openlineage-python==1.54.0']);
  return new Promise((resolve, reject) => {
    const child = execFile(python, ['-c', script], { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error !== null) reject(new Error(`${error.message}\n${stderr}`));
      else resolve(JSON.parse(stdout) as readonly string[]);
    });
    child.stdin?.end(JSON.stringify(events));
  });
}
