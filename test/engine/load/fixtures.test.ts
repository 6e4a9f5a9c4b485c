import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { loadConfig } from '../../../engine/load/index.ts';
import { renderDiagnostics } from '../../../engine/reporters/diagnostic.ts';
import { suite } from '../../support/suite.ts';

/** With `UPDATE_FIXTURES=1` the expected files are written anew; read their diff before you commit it. */
const update = process.env.UPDATE_FIXTURES === '1';
const fixtures = join(import.meta.dirname, '../../fixtures');
const env = {
  SOURCE_URL: 'postgres://reader:top-s3cret@db.example.com/shop',
  SECRET_URL: 'postgres://reader:top-s3cret@db.example.com/shop',
  MYSQL_URL: 'mysql://root:top-s3cret@db.example.com/shop',
  EMPTY_URL: '',
  THREADS: '3',
};

function names(folder: string): readonly string[] {
  return readdirSync(join(fixtures, folder))
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
    .sort();
}

function expectFile(file: string, actual: string): void {
  if (update) writeFileSync(file, actual);
  assert.fixture(actual, readFileSync(file, 'utf8'));
}

suite('configuration files', (s) => {
  for (const name of names('invalid'))
    s.test(`${name}.yaml gives exactly its findings`, async () => {
      const folder = join(fixtures, 'invalid');
      const { config, diagnostics } = await loadConfig({ file: join(folder, `${name}.yaml`), env });
      assert.is(config, undefined);
      assert.ok(diagnostics.length > 0, 'a wrong file has findings');
      const text = renderDiagnostics(diagnostics, { cwd: folder });
      assert.not.match(text, /s3cr3t-word|top-s3cret|s3c:r3t|\bundefined\b|\[object/);
      for (const d of diagnostics) assert.ok(d.hint !== undefined, `${d.code} has a hint`);
      expectFile(join(folder, `${name}.txt`), text);
    });

  s.test('there are 45 wrong files or more', () => {
    assert.ok(names('invalid').length >= 45);
  });

  for (const name of names('valid'))
    s.test(`${name}.yaml is read as its JSON says`, async () => {
      const folder = join(fixtures, 'valid');
      const { config, diagnostics } = await loadConfig({ file: join(folder, `${name}.yaml`), env });
      assert.is(renderDiagnostics(diagnostics, { cwd: folder }), '');
      const text = `${JSON.stringify(config, null, 2)}\n`.replaceAll(fixtures, '<fixtures>');
      expectFile(join(folder, `${name}.json`), text);
    });
});
