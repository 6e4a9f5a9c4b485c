import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Ajv } from 'ajv';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { parseDuration } from '../../../engine/base/duration.ts';
import { parseSize } from '../../../engine/base/size.ts';
import { parseUnits } from '../../../engine/base/units.ts';
import { referencePage } from '../../../engine/load/reference.ts';
import { bundledSchema } from '../../../engine/load/schema.ts';
import { suite } from '../../support/suite.ts';

const root = join(import.meta.dirname, '../../..');

interface Field {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly markdownDescription?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Field>>;
}

/** Every field of a schema with the name that a message can give it. */
function* fields(schema: unknown, path: string): Generator<readonly [string, Field]> {
  if (typeof schema !== 'object' || schema === null) return;
  for (const [key, value] of Object.entries(schema)) {
    if (key === 'properties') for (const [name, field] of Object.entries(value as Record<string, Field>)) yield [`${path}/${name}`, field];
    yield* fields(value, `${path}/${key}`);
  }
}

suite('the schema', (s) => {
  s.test('it is a valid draft-07 schema, in strict mode too', () => {
    const ajv = new Ajv({ strict: true, allowUnionTypes: true, strictTypes: false, strictRequired: false });
    ajv.addVocabulary(['markdownDescription', 'patternErrorMessage']);
    ajv.compile(bundledSchema());
  });

  s.test('every field has help and an example that it accepts itself, and accepts its default', () => {
    const schema = bundledSchema();
    const ajv = new Ajv({ strict: false });
    ajv.addSchema(schema, 'all');
    let seen = 0;
    for (const [name, field] of fields(schema, '')) {
      if (field.$ref !== undefined) continue;
      seen += 1;
      assert.ok((field.markdownDescription ?? '').length > 10, `${name} has help`);
      assert.ok((field.examples ?? []).length > 0, `${name} has an example`);
      const validate = ajv.compile({ ...field, definitions: schema.definitions });
      for (const value of [...(field.examples ?? []), ...(field.default === undefined ? [] : [field.default])])
        assert.ok(validate(value), `${name}: ${JSON.stringify(value)} ${ajv.errorsText(validate.errors)}`);
    }
    assert.ok(seen > 40, `${seen} fields`);
  });

  s.test('the files in schemas/ refer to one another as an editor resolves them', () => {
    const ajv = new Ajv({ strict: false });
    for (const folder of ['connections', 'nodes', 'channels'])
      for (const file of readdirSync(join(root, 'schemas', folder)))
        ajv.addSchema(JSON.parse(readFileSync(join(root, 'schemas', folder, file), 'utf8')), `file:///schemas/${folder}/${file}`);
    const main = JSON.parse(readFileSync(join(root, 'schemas/pipelines.schema.json'), 'utf8'));
    const validate = ajv.compile({ ...main, $id: 'file:///schemas/pipelines.schema.json' });
    assert.ok(validate(parse(readFileSync(join(root, 'pipelines.yaml'), 'utf8'))), ajv.errorsText(validate.errors));
    assert.not(validate({ version: 1, sources: { a: { type: 'postgres', url: 5 } } }));
  });

  s.test('what the patterns accept, durations and sizes can be read from', () => {
    const text = JSON.stringify(bundledSchema());
    const patterns = new Set([...text.matchAll(/"pattern":"((?:[^"\\]|\\.)*)"/g)].map((m) => JSON.parse(`"${m[1]}"`) as string));
    const duration = [...patterns].filter((p) => p.includes('ms|s|m') && !p.includes('unit'));
    const lookback = [...patterns].filter((p) => p.includes('unit'));
    const size = [...patterns].filter((p) => p.includes('kKMGT'));
    assert.is(duration.length, 1);
    assert.is(lookback.length, 1);
    assert.is(size.length, 1);
    for (const value of ['5s', '1000 units', '1 unit', '1000units', '-1 units', '1.5 units', 'units', '5'])
      assert.is(new RegExp(lookback[0] ?? '').test(value), (parseDuration(value) ?? parseUnits(value)) !== undefined, value);
    for (const value of ['500ms', '5s', '15m', '2h', '1d', '0s', '1.5h', '5', 's', '1h30m', '-5s', ' 5s', '5S'])
      assert.is(new RegExp(duration[0] ?? '').test(value), parseDuration(value) !== undefined, value);
    for (const value of ['64MB', '512MiB', '1kB', '1KB', '1KiB', '3TB', '5B', '64', 'MB', '64mb', '64Mb', '1.5GB', '64 MB'])
      assert.is(new RegExp(size[0] ?? '').test(value), parseSize(value) !== undefined, value);
  });

  s.test('docs/reference/configuration.md is up to date (UPDATE_FIXTURES=1 writes it)', () => {
    const file = join(root, 'docs/reference/configuration.md');
    const page = referencePage(bundledSchema());
    if (process.env.UPDATE_FIXTURES === '1') {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, page);
    }
    assert.fixture(readFileSync(file, 'utf8'), page);
  });
});
