import { suggest } from '../base/suggest.ts';
import { below, type Finding, pointerSteps } from './findings.ts';
import { comesLater } from './later.ts';

/** What ajv says of one error (ajv's docs, "Error objects"), with the schema that was broken. */
export interface SchemaError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly schema: {
    readonly type?: string | readonly string[];
    readonly properties?: Readonly<Record<string, unknown>>;
    readonly enum?: readonly unknown[];
    readonly examples?: readonly unknown[];
    readonly patternErrorMessage?: string;
  };
  readonly data: unknown;
}

/** A finding on a pointer; `meant` is the pointer of the key that was most likely meant. */
export interface PlacedFinding extends Finding {
  readonly pointer: string;
  readonly part: 'key' | 'value';
  readonly meant?: string | undefined;
}

/** The errors in plain words. What only follows from another one is left out: a required key that is there but misspelt, all about a lake whose type is not known. */
export function explain(errors: readonly SchemaError[]): readonly PlacedFinding[] {
  const found = errors.map((e) => explainOne(e)).filter((f) => f !== undefined);
  const meant = new Set(found.map((f) => f.meant));
  const strangeTypes = errors.filter((e) => e.keyword === 'enum' && e.instancePath.endsWith('/type')).map((e) => e.instancePath);
  return found.filter((f) => {
    if (f.code === 'config.missing' && meant.has(f.pointer)) return false;
    return !strangeTypes.some((type) => f.pointer !== type && f.pointer.startsWith(type.slice(0, -'type'.length)));
  });
}

function explainOne(error: SchemaError): PlacedFinding | undefined {
  const { keyword, instancePath: pointer, params, schema, data } = error;
  const name = nameOf(pointer);
  const example = exampleHint(pointer, schema.examples?.[0]);
  const value = { pointer, part: 'value' as const };
  switch (keyword) {
    case 'additionalProperties':
      return unknownKey(pointer, String(params.additionalProperty), Object.keys(schema.properties ?? {}));
    case 'required': {
      const key = String(params.missingProperty);
      const inner = (schema.properties?.[key] ?? {}) as SchemaError['schema'];
      return {
        pointer: below(pointer, key),
        part: 'key',
        code: 'config.missing',
        message: `${pointer === '' ? 'the file' : name} has no \`${key}\``,
        hint: exampleHint(below(pointer, key), inner.examples?.[0] ?? requiredExamples[key]),
      };
    }
    case 'type': {
      if (data === null)
        return {
          ...value,
          part: 'key',
          code: 'config.empty',
          message: `${name} is empty`,
          hint: example ?? `It takes ${wanted(schema.type)}.`,
        };
      if (typeof data === 'number' && schema.patternErrorMessage?.includes(' a whole number ') === true)
        return {
          ...value,
          code: 'config.type',
          message: `${name} is the number ${data}, without a unit`,
          hint: schema.patternErrorMessage,
        };
      return {
        ...value,
        code: 'config.type',
        message: `${name} is ${kindOf(data)}; it takes ${wanted(schema.type)}`,
        hint: example ?? (typeof data === 'object' ? `It takes ${wanted(schema.type)}.` : `Put it in quotes: '${String(data)}'.`),
      };
    }
    case 'enum':
      return wrongChoice(error, name);
    case 'pattern':
      return { ...value, code: 'config.value', message: `${name} cannot be ${show(data)}`, hint: schema.patternErrorMessage ?? example };
    case 'minLength':
      return { ...value, code: 'config.value', message: `${name} is an empty text`, hint: example };
    case 'minimum':
    case 'maximum':
      return {
        ...value,
        code: 'config.value',
        message: `${name} is ${show(data)}; it must be ${keyword === 'minimum' ? 'at least' : 'at most'} ${String(params.limit)}`,
        hint: example,
      };
    case 'minItems':
    case 'minProperties':
      return { ...value, part: 'key', code: 'config.empty', message: `${name} is empty`, hint: example };
    case 'uniqueItems': {
      const second = Math.max(Number(params.i), Number(params.j));
      const item = Array.isArray(data) ? data[second] : undefined;
      return {
        pointer: below(pointer, second),
        part: 'value',
        code: 'config.twice',
        message: `${name} names ${show(item)} twice`,
        hint: 'Remove one of them.',
      };
    }
    default:
      // `if` only says that its `then` has failed, which is told by itself.
      return keyword === 'if' ? undefined : { ...value, code: 'config.value', message: `${name} is not right (${keyword})`, hint: example };
  }
}

const requiredExamples: Readonly<Record<string, unknown>> = {
  url: '${SOURCE_URL:-embedded}',
  cron: '*/15 * * * *',
  lake: { type: 'file', path: '.engine/lake' },
};

const partsOfUrl = ['host', 'port', 'user', 'username', 'password', 'database', 'dbname', 'sslmode', 'sslrootcert'];

function unknownKey(pointer: string, key: string, known: readonly string[]): PlacedFinding {
  const kind = kindOfBlock(pointer);
  const place = { pointer: below(pointer, key), part: 'key' as const };
  const where = pointer === '' ? 'at the top of the file' : `in ${nameOf(pointer)}`;
  if (comesLater(kind, key))
    return {
      ...place,
      code: 'config.later',
      message: `\`${key}\` comes with a later version`,
      hint: 'Remove it for now: nothing would come of it.',
    };
  const other = pointer === '/lake' ? otherLake(key, known) : undefined;
  if (other !== undefined) return { ...place, code: 'config.unknown-key', ...other };
  if (kind === 'defaults' && (key === 'table' || key === 'into'))
    return {
      ...place,
      code: 'config.unknown-key',
      message: `\`${key}\` belongs to one table, not in \`defaults\``,
      hint: 'Write it at the table.',
    };
  const near = suggest(key, known);
  if (near === undefined && known.includes('url') && partsOfUrl.includes(key))
    return {
      ...place,
      code: 'config.unknown-key',
      message: `unknown key \`${key}\` ${where}`,
      hint: 'It is part of the URL: `url: ${SOURCE_URL}`, with `SOURCE_URL=postgres://...` in `.env`.',
      meant: below(pointer, 'url'),
    };
  return {
    ...place,
    code: 'config.unknown-key',
    message: `unknown key \`${key}\` ${where}`,
    hint: near === undefined ? `The keys here are: ${known.join(', ')}.` : `Did you mean \`${near}\`?`,
    meant: near === undefined ? undefined : below(pointer, near),
  };
}

/** A key of the other kind of lake. */
function otherLake(key: string, known: readonly string[]): Pick<Finding, 'message' | 'hint'> | undefined {
  const isFile = known.includes('path');
  const keysOfOther = isFile ? s3Keys : ['path'];
  if (!keysOfOther.includes(key)) return undefined;
  const [own, other] = isFile ? ['file', 's3'] : ['s3', 'file'];
  const hint = isFile ? 'Write `type: s3` if a bucket is meant; a folder has `path` only.' : 'On S3 the place is `bucket` and `prefix`.';
  return { message: `\`${key}\` belongs to a lake of type \`${other}\`, and this one is of type \`${own}\``, hint };
}

const s3Keys = ['bucket', 'prefix', 'region', 'endpoint', 'forcePathStyle', 'checksums', 'caFile'];

function wrongChoice(error: SchemaError, name: string): PlacedFinding {
  const { instancePath: pointer, schema, data, params } = error;
  const choices = ((params.allowedValues ?? schema.enum ?? []) as readonly unknown[]).map(String);
  const place = { pointer, part: 'value' as const };
  if (pointer === '/version')
    return {
      ...place,
      code: 'config.version',
      message: `version ${show(data)} of this file is not known to this engine`,
      hint: 'Write `version: 1`.',
    };
  const near = typeof data === 'string' ? suggest(data, choices) : undefined;
  const list = choices.length === 1 ? `It takes only \`${choices[0]}\`.` : `It is one of: ${[...new Set(choices.map(String))].join(', ')}.`;
  return {
    ...place,
    code: 'config.value',
    message: `${name} cannot be ${show(data)}`,
    hint: near === undefined ? list : `Did you mean \`${near}\`? ${list}`,
  };
}

/** What stands at a pointer, for a person: `` `key` of table `users` ``, `item 2 of `tables` of pipeline `nightly` ``. */
export function nameOf(pointer: string): string {
  const steps = pointerSteps(pointer);
  const [section, name, ...rest] = steps[0] === 'alerts' && steps[1] === 'channels' ? steps.slice(1) : steps;
  if (section === undefined) return 'the file';
  const singular: Readonly<Record<string, string>> = {
    sources: 'source',
    sinks: 'sink',
    tables: 'table',
    pipelines: 'pipeline',
    channels: 'channel',
  };
  const kind = singular[section];
  const whole = kind === undefined || name === undefined ? `\`${section}\`` : `${kind} \`${name}\``;
  const inner = kind === undefined || name === undefined ? [...(name === undefined ? [] : [name]), ...rest] : rest;
  return [...inner].reduce((around, step) => `${/^\d+$/.test(step) ? `item ${Number(step) + 1}` : `\`${step}\``} of ${around}`, whole);
}

function kindOfBlock(pointer: string): string {
  const [section, name, inner] = pointerSteps(pointer);
  if (section === 'tables' && name !== undefined) return inner ?? 'table';
  if (section === 'pipelines' && name !== undefined) return inner ?? 'pipeline';
  return section === 'defaults' && name !== undefined ? name : (section ?? 'file');
}

function kindOf(data: unknown): string {
  if (Array.isArray(data)) return 'a list';
  if (typeof data === 'object') return 'a block of keys';
  if (typeof data === 'string') return `the text ${show(data)}`;
  return typeof data === 'boolean' ? `\`${String(data)}\`` : `the number ${String(data)}`;
}

const words: Readonly<Record<string, string>> = {
  string: 'a text',
  integer: 'a whole number',
  number: 'a number',
  boolean: '`true` or `false`',
  array: 'a list',
  object: 'keys and values',
};

function wanted(type: string | readonly string[] | undefined): string {
  const kinds = (typeof type === 'string' ? [type] : (type ?? [])).filter((t) => t !== 'null').map((t) => words[t] ?? t);
  return kinds.join(' or ');
}

function exampleHint(pointer: string, example: unknown): string | undefined {
  const key = pointerSteps(pointer).at(-1);
  if (example === undefined || key === undefined || /^\d+$/.test(key)) return undefined;
  return `For example: \`${key}: ${flow(example)}\`.`;
}

/** A value in the short form of YAML. */
export function flow(value: unknown, inside = false): string {
  if (Array.isArray(value)) return `[${value.map((v) => flow(v, true)).join(', ')}]`;
  if (typeof value === 'object' && value !== null && Object.keys(value).length === 0) return '{}';
  if (typeof value === 'object' && value !== null)
    return `{ ${Object.entries(value)
      .map(([key, v]) => `${key}: ${flow(v, true)}`)
      .join(', ')} }`;
  if (typeof value !== 'string') return String(value);
  const quoted = /^[*@&!%{[\]}"'#|>-]|: | #/.test(value) || (inside && /[{}[\],]/.test(value));
  return quoted ? (value.includes('"') ? `'${value}'` : `"${value}"`) : value;
}

/** A value from the file, short, in backticks. */
export function show(value: unknown): string {
  const text = typeof value === 'string' ? value : flow(value);
  return text.length > 60 ? `\`${text.slice(0, 57)}...\`` : `\`${text}\``;
}
