import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { createRig, type Rig } from '../../support/rig.ts';
import { suite } from '../../support/suite.ts';

const fixture = (name: string): string => readFileSync(join(import.meta.dirname, '../../fixtures', name), 'utf8');

suite('engine validate and engine schema', (s) => {
  let rig: Rig;
  s.before(async () => {
    rig = await createRig();
  });
  s.after(() => rig.cleanup());

  s.test('a right file gives one line and exit code 0', async () => {
    rig.write('pipelines.yaml', fixture('valid/smallest.yaml'));
    const { code, stdout, stderr } = await rig.engine('validate');
    assert.is(stdout, 'pipelines.yaml: 1 table, 1 pipeline, no findings\n');
    assert.is(stderr, '');
    assert.is(code, 0);
    const quiet = await rig.engine('validate', '--quiet');
    assert.equal([quiet.code, quiet.stdout, quiet.stderr], [0, '', '']);
    assert.match((await rig.engine('validate', '--quiet', '--json')).stdout, '"ok":true');
  });

  s.test('a wrong file gives its findings on stdout and exit code 2', async () => {
    rig.write('unknown-table.yaml', fixture('invalid/unknown-table.yaml'));
    const { code, stdout } = await rig.engine('validate', '--config', 'unknown-table.yaml');
    assert.is(stdout, fixture('invalid/unknown-table.txt'));
    assert.is(code, 2);
  });

  s.test('`--json` gives one document with the same findings', async () => {
    rig.write('wrong.yaml', fixture('invalid/url-of-another-database.yaml'));
    const { code, stdout } = await rig.engine('validate', '--json', '--config', 'wrong.yaml');
    assert.is(code, 2);
    const document = JSON.parse(stdout) as Record<string, unknown>;
    assert.is(document.format_version, 1);
    assert.is(document.ok, false);
    assert.equal(document.findings, [
      {
        severity: 'error',
        code: 'config.url',
        message: 'a URL that begins with `mysql:` does not lead to a Postgres server',
        hint: 'Write `embedded`, or `postgres://user@host:5432/database` (`postgresql://` is the same).',
        file: 'wrong.yaml',
        line: 5,
        column: 10,
        length: 24,
        text: '    url: mysql://root:***@db/shop',
      },
    ]);
  });

  s.test('the file is found from a folder below; without one the exit code is 2 with the way out', async () => {
    mkdirSync(join(rig.root, 'empty'), { recursive: true });
    const { code, stderr } = await rig.engine('validate', '--config', 'empty');
    assert.is(code, 2);
    assert.match(stderr, 'there is no such file');
    assert.match(stderr, '--config FILE');
  });

  s.test('`engine schema` prints one document that is a JSON Schema', async () => {
    const { code, stdout } = await rig.engine('schema');
    assert.is(code, 0);
    const schema = JSON.parse(stdout) as { $schema: string; properties: object };
    assert.is(schema.$schema, 'http://json-schema.org/draft-07/schema#');
    assert.ok('pipelines' in schema.properties);
    // Examples of URLs are no secrets; `***` alone is what a mask writes.
    assert.not.match(stdout, /\*\*\*@|\.schema\.json#/);
  });

  s.test('`engine schema --markdown` prints the reference page', async () => {
    const { code, stdout } = await rig.engine('schema', '--markdown');
    assert.is(code, 0);
    assert.is(stdout, readFileSync(join(import.meta.dirname, '../../../docs/reference/configuration.md'), 'utf8'));
  });
});
