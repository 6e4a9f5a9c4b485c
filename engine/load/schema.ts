import email from '../../schemas/channels/email.schema.json' with { type: 'json' };
import slack from '../../schemas/channels/slack.schema.json' with { type: 'json' };
import webhook from '../../schemas/channels/webhook.schema.json' with { type: 'json' };
import dbt from '../../schemas/connections/dbt.schema.json' with { type: 'json' };
import file from '../../schemas/connections/file.schema.json' with { type: 'json' };
import postgres from '../../schemas/connections/postgres.schema.json' with { type: 'json' };
import s3 from '../../schemas/connections/s3.schema.json' with { type: 'json' };
import dbtBuild from '../../schemas/nodes/dbt.build.schema.json' with { type: 'json' };
import postgresExtract from '../../schemas/nodes/postgres.extract.schema.json' with { type: 'json' };
import postgresLoad from '../../schemas/nodes/postgres.load.schema.json' with { type: 'json' };
import pipelines from '../../schemas/pipelines.schema.json' with { type: 'json' };
import type { Json, JsonObject } from '../base/json.ts';

/** The schemas that `pipelines.schema.json` refers to, by their path from it. */
const parts: Readonly<Record<string, JsonObject>> = {
  'connections/postgres': postgres,
  'connections/file': file,
  'connections/s3': s3,
  'connections/dbt': dbt,
  'nodes/postgres.extract': postgresExtract,
  'nodes/postgres.load': postgresLoad,
  'nodes/dbt.build': dbtBuild,
  'channels/slack': slack,
  'channels/webhook': webhook,
  'channels/email': email,
};

/** The JSON Schema of pipelines.yaml as one document: what it refers to in other files is among its `definitions`. */
export function bundledSchema(): JsonObject {
  const definitions = Object.fromEntries(
    Object.entries(parts).map(([path, part]) => [nameOf(path), inside(withoutDialect(part), nameOf(path))]),
  );
  const whole = inside(pipelines, undefined) as JsonObject;
  return { ...whole, definitions: { ...(whole.definitions as JsonObject), ...(definitions as JsonObject) } };
}

function nameOf(path: string): string {
  return path.replace('/', '.');
}

function withoutDialect(part: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(part).filter(([key]) => key !== '$schema'));
}

/** The same schema with its references pointing into the bundle. */
function inside(schema: Json, part: string | undefined): Json {
  if (Array.isArray(schema)) return schema.map((item: Json) => inside(item, part));
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => {
      if (key !== '$ref' || typeof value !== 'string') return [key, inside(value, part)];
      if (value.startsWith('#/')) return [key, part === undefined ? value : `#/definitions/${part}${value.slice(1)}`];
      const [path, pointer] = value.split('.schema.json#');
      if (path === undefined || pointer === undefined || parts[path] === undefined) throw new RangeError(`no schema for ${value}`);
      return [key, `#/definitions/${nameOf(path)}${pointer}`];
    }),
  );
}
