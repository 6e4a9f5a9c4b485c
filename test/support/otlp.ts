import { execFile } from 'node:child_process';
import type { Heard } from './listeners.ts';
import { pythonWith } from './python-packages.ts';

/** A span as a collector understands it; ids in hex, times in nanoseconds, attributes by name. */
export interface SpanDocument {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly status: { readonly code?: string; readonly message?: string };
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly events: readonly { readonly name: string; readonly attributes: Readonly<Record<string, string | number | boolean>> }[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly resource: Readonly<Record<string, string | number | boolean>>;
}

/** Reads requests by the protobuf definitions of the OpenTelemetry project; JSON by its rules (ids in hex) and with no key that the definitions do not have. */
const script = `
import base64, binascii, json, sys
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

def ids(value):
    if isinstance(value, list): return [ids(v) for v in value]
    if isinstance(value, dict):
        return {k: base64.b64encode(binascii.unhexlify(v)).decode() if k in ('traceId', 'spanId', 'parentSpanId') else ids(v) for k, v in value.items()}
    return value

def plain(v):
    kind = v.WhichOneof('value')
    if kind == 'array_value': return ','.join(str(plain(x)) for x in v.array_value.values)
    return getattr(v, kind) if kind else None

def attributes(found): return {a.key: plain(a.value) for a in found}

spans = []
for kind, body in json.load(sys.stdin):
    request = ExportTraceServiceRequest()
    raw = base64.b64decode(body)
    if kind.startswith('application/json'): json_format.ParseDict(ids(json.loads(raw)), request, ignore_unknown_fields=False)
    else: request.ParseFromString(raw)
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for s in scope.spans:
                spans.append({
                    'traceId': s.trace_id.hex(), 'spanId': s.span_id.hex(), 'parentSpanId': s.parent_span_id.hex(), 'name': s.name,
                    'startTimeUnixNano': str(s.start_time_unix_nano), 'endTimeUnixNano': str(s.end_time_unix_nano),
                    'status': json_format.MessageToDict(s.status), 'attributes': attributes(s.attributes),
                    'events': [{'name': e.name, 'attributes': attributes(e.attributes)} for e in s.events],
                    'links': [{'traceId': l.trace_id.hex(), 'spanId': l.span_id.hex()} for l in s.links],
                    'resource': attributes(resource.resource.attributes)})
print(json.dumps(spans))
`;

/** The spans in what a collector heard. Throws when the official definitions cannot read it. */
export async function spansIn(heard: readonly Heard[]): Promise<readonly SpanDocument[]> {
  const python = await pythonWith(['opentelemetry-proto==1.45.2']);
  return new Promise((resolve, reject) => {
    const child = execFile(python, ['-c', script], { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error !== null) reject(new Error(`${error.message}\n${stderr}`));
      else resolve(JSON.parse(stdout) as readonly SpanDocument[]);
    });
    child.stdin?.end(JSON.stringify(heard.map((h) => [h.headers['content-type'] ?? '', h.bytes.toString('base64')])));
  });
}

/** What the comments of trace.proto ask for and a span does not have: ids of 16 and 8 bytes that are not zero, times in order, names, ids that are there once, parents that exist. */
export function spanFindings(spans: readonly SpanDocument[]): readonly string[] {
  const ids = new Set(spans.map((span) => span.spanId));
  return [
    ...(ids.size === spans.length ? [] : [`${spans.length} spans have ${ids.size} ids`]),
    ...spans.flatMap((span) => {
      const wrong = (what: string): string => `${span.name} ${span.spanId}: ${what}`;
      const bad = (id: string, bytes: number): boolean => id.length !== bytes * 2 || /^0*$/.test(id);
      return [
        ...(bad(span.traceId, 16) ? [wrong(`trace id ${span.traceId}`)] : []),
        ...(bad(span.spanId, 8) ? [wrong('span id')] : []),
        ...(span.parentSpanId === '' || ids.has(span.parentSpanId) ? [] : [wrong(`its parent ${span.parentSpanId} is not there`)]),
        ...(span.name === '' ? [wrong('no name')] : []),
        ...(BigInt(span.startTimeUnixNano) > 0n && BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano)
          ? []
          : [wrong(`from ${span.startTimeUnixNano} to ${span.endTimeUnixNano}`)]),
      ];
    }),
  ];
}
