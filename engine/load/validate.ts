import type { ErrorObject, ValidateFunction } from 'ajv';
import { below, type Findings } from './findings.ts';
import { explain, type SchemaError } from './plain-words.ts';

let compiled: Promise<ValidateFunction> | undefined;

/** Compiles the schema at first use. */
function validator(): Promise<ValidateFunction> {
  compiled ??= (async () => {
    const [{ Ajv }, { bundledSchema }] = await Promise.all([import('ajv'), import('./schema.ts')]);
    const ajv = new Ajv({
      allErrors: true,
      verbose: true,
      strict: false,
      inlineRefs: false,
      messages: false,
      validateSchema: false,
      logger: false,
    });
    return ajv.compile(bundledSchema());
  })();
  return compiled;
}

/**
 * Checks the data against the schema: each error becomes a finding in plain words. Returns the data without what is wrong, so that
 * every value that is left has the shape of `RawConfig`; what was taken out is marked as spoiled.
 */
export async function validateShape(data: unknown, fromEnvironment: ReadonlySet<string>, findings: Findings): Promise<unknown> {
  const validate = await validator();
  let errors = run(validate, data);
  const numbers = errors.filter((e) => fromEnvironment.has(e.instancePath) && asNumber(e) !== undefined);
  if (numbers.length > 0) {
    for (const error of numbers) put(data, error.instancePath, asNumber(error));
    errors = run(validate, data);
  }
  for (const finding of explain(errors)) {
    if (!findings.spoiled(finding.pointer)) findings.on(finding.pointer, finding.part, finding);
    findings.spoil(finding.pointer);
    if (finding.meant !== undefined) findings.spoil(finding.meant);
  }
  for (const error of errors) {
    const wrong =
      error.keyword === 'additionalProperties' ? below(error.instancePath, String(error.params.additionalProperty)) : error.instancePath;
    if (error.keyword === 'uniqueItems') put(data, below(wrong, Math.max(Number(error.params.i), Number(error.params.j))), undefined);
    else if (takesOut.has(error.keyword)) put(data, wrong, undefined);
  }
  return data;
}

/** Keywords whose errors make a value unusable; a block that lacks a key is still looked into. */
const takesOut = new Set(['additionalProperties', 'type', 'enum', 'const', 'pattern', 'minLength', 'minimum', 'maximum']);

function run(validate: ValidateFunction, data: unknown): readonly SchemaError[] {
  validate(data);
  return (validate.errors ?? []).map((e: ErrorObject) => ({
    keyword: e.keyword,
    instancePath: e.instancePath,
    params: e.params,
    schema: (e.parentSchema ?? {}) as SchemaError['schema'],
    data: e.data,
  }));
}

/** Text out of the environment, where a number is asked for. */
function asNumber(error: SchemaError): number | undefined {
  const wanted = error.schema.type;
  if (error.keyword !== 'type' || typeof error.data !== 'string' || error.data.trim() === '') return undefined;
  return wanted === 'integer' || wanted === 'number' ? (Number.isFinite(Number(error.data)) ? Number(error.data) : undefined) : undefined;
}

/** Sets what a JSON pointer names; undefined takes it out (in a list it leaves a hole that reads as undefined). */
function put(data: unknown, pointer: string, value: unknown): void {
  const steps = pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = steps.pop();
  let at = data as Record<string, unknown> | undefined;
  for (const step of steps) {
    at = at?.[step] as Record<string, unknown> | undefined;
    if (typeof at !== 'object' || at === null) return;
  }
  if (last === undefined || at === undefined) return;
  if (value === undefined && !Array.isArray(at)) delete at[last];
  else at[last] = value;
}
