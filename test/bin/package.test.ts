import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { ensureBuilt } from '../support/build.ts';
import { suite } from '../support/suite.ts';

const root = join(import.meta.dirname, '..', '..');

suite('the package', (s) => {
  let folder = '';
  let installed = '';
  const engine = (...args: string[]): ReturnType<typeof spawnSync> =>
    spawnSync(process.execPath, [join(installed, 'bin', 'engine.js'), ...args], { cwd: installed, encoding: 'utf8' });

  s.before(async () => {
    await ensureBuilt();
    folder = mkdtempSync(join(tmpdir(), 'package-'));
    const packed = spawnSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], {
      cwd: root,
      encoding: 'utf8',
    });
    assert.is(packed.status, 0, packed.stderr);
    const file = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '';
    assert.is(spawnSync('tar', ['-xzf', file], { cwd: folder }).status, 0);
    installed = join(folder, 'package');
    symlinkSync(join(root, 'node_modules'), join(installed, 'node_modules'));
  });
  s.after(() => {
    if (folder !== '') rmSync(folder, { recursive: true, force: true });
  });

  s.test('runs from what is packed, without the sources', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    const asked = engine('--version');
    assert.is(asked.stdout, `${version}\n`, String(asked.stderr));
    const found = readdirSync(installed, { recursive: true, encoding: 'utf8' });
    assert.equal(
      found.filter((path) => path.endsWith('.ts') && !path.startsWith('node_modules')),
      [],
    );
  });

  s.test('has the schemas, the migrations and the sample project', () => {
    const validated = engine('validate');
    assert.is(validated.status, 0, String(validated.stderr));
    assert.is(engine('schema').status, 0);
    for (const folderName of ['engine/stores/migrations', 'dbt/models', 'schemas'])
      assert.ok(readdirSync(join(installed, folderName)).length > 0, folderName);
  });

  s.test('has the page, with nothing inline that its own security policy would refuse', () => {
    const shell = readFileSync(join(installed, 'dist', 'ui', 'index.html'), 'utf8');
    const assets = [...shell.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map(([, path]) => path ?? '');
    assert.ok(assets.length >= 3, shell);
    for (const path of assets) {
      assert.match(path, /-[\w-]{8}\.(js|css|svg)$/);
      assert.ok(readFileSync(join(installed, 'dist', 'ui', path), 'utf8').length > 0, path);
    }
    assert.not.match(shell, /<script(?![^>]*src=)|<style|style=|\son\w+=/);
  });

  s.test('holds nothing that was made while running', () => {
    const found = readdirSync(join(installed, 'dbt'), { recursive: true, encoding: 'utf8' });
    assert.equal(
      found.filter((path) => /(^|\/)(target|logs|__pycache__|\.user\.yml)/.test(path)),
      [],
    );
  });

  s.test('a clone that has not been built says how to build it', () => {
    const clone = mkdtempSync(join(tmpdir(), 'unbuilt-'));
    try {
      for (const path of ['package.json', join('bin', 'engine.js')]) cpSync(join(root, path), join(clone, path));
      const ran = spawnSync(process.execPath, [join(clone, 'bin', 'engine.js'), '--help'], { encoding: 'utf8' });
      assert.is(ran.status, 3);
      assert.match(ran.stderr, /the engine has not been built[\s\S]*npm ci && npm run build/);
    } finally {
      rmSync(clone, { recursive: true, force: true });
    }
  });
});
