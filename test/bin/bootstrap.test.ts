import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';

const root = join(import.meta.dirname, '..', '..');

interface Clone {
  readonly folder: string;
  /** Makes the only programs that the bootstrap finds on its PATH. */
  program(name: string, script: string): void;
  run(...args: string[]): { readonly code: number | null; readonly stderr: string; readonly stdout: string };
  /** What npm was asked, call by call. */
  asked(): readonly string[];
}

/** A clone whose npm is a script that writes down what it was asked, and whose tsx says the arguments it was given. */
function withClone(body: (clone: Clone) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'clone-'));
  const path = join(folder, 'path');
  for (const name of ['bin', 'test', 'engine', 'connectors', 'ui', 'path']) mkdirSync(join(folder, name));
  cpSync(join(root, 'bin', 'bootstrap.js'), join(folder, 'bin', 'bootstrap.js'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'package-lock.json'), '{}');
  writeFileSync(join(folder, 'engine', 'main.ts'), 'export {};');
  writeFileSync(join(folder, 'ui', 'main.tsx'), 'export {};');
  writeFileSync(
    join(folder, 'npm.cjs'),
    `const { appendFileSync, mkdirSync, writeFileSync } = require('node:fs');
     appendFileSync('asked', process.argv.slice(2).join(' ') + '\\n');
     if (process.env.NPM_FAILS) { process.stderr.write('no network here\\n'); process.exit(1); }
     if (process.argv[2] === 'ci') { mkdirSync('node_modules/tsx', { recursive: true }); writeFileSync('node_modules/.package-lock.json', '{}');
       writeFileSync('node_modules/tsx/package.json', '{"type":"module","exports":"./index.js"}'); writeFileSync('node_modules/tsx/index.js', 'process.stdout.write("ran " + process.argv.slice(2).join(" ")); process.exit(7);'); }
     else { mkdirSync('dist/ui', { recursive: true }); writeFileSync('dist/main.js', ''); writeFileSync('dist/ui/index.html', ''); }`,
  );
  writeFileSync(join(folder, 'npm-cli.js'), "import './npm.cjs';");
  try {
    body({
      folder,
      program(name, script) {
        writeFileSync(join(path, name), script);
        chmodSync(join(path, name), 0o755);
      },
      run(...args) {
        const ran = spawnSync(process.execPath, [join(folder, 'bin', 'bootstrap.js'), ...args], {
          encoding: 'utf8',
          env: { PATH: path, npm_execpath: join(folder, 'npm-cli.js'), ...(args.includes('--npm-fails') ? { NPM_FAILS: '1' } : {}) },
        });
        return { code: ran.status, stderr: ran.stderr, stdout: ran.stdout };
      },
      asked: () => (existsSync(join(folder, 'asked')) ? readFileSync(join(folder, 'asked'), 'utf8').trim().split('\n') : []),
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const python = (version: string, venv: boolean): string =>
  `#!/bin/sh\ncase "$2" in *ensurepip*) exit ${venv ? 0 : 1};; *) echo ${version};; esac\n`;

suite('bootstrap', (s) => {
  s.test('without Python it says so before anything is installed', () =>
    withClone((clone) => {
      const ran = clone.run('test');
      assert.is(ran.code, 3);
      assert.match(ran.stderr, /Python 3\.10 or newer is needed \(for dbt\), and no Python was found on the PATH/);
      assert.match(ran.stderr, /apt-get install python3 python3-venv/);
      assert.equal(clone.asked(), []);
    }),
  );

  s.test('a Python that is too old is named', () =>
    withClone((clone) => {
      clone.program('python3', python('3.9.18', true));
      const ran = clone.run('test');
      assert.is(ran.code, 3);
      assert.match(ran.stderr, /only python3 3\.9\.18 was found/);
    }),
  );

  s.test('a Python without venv is told with the package to install', () =>
    withClone((clone) => {
      clone.program('python3', python('3.11.2', false));
      const ran = clone.run('test');
      assert.is(ran.code, 3);
      assert.match(ran.stderr, /module venv or ensurepip is missing[\s\S]*apt-get install python3-venv/);
    }),
  );

  s.test("a fresh clone is installed and built once, and the exit code is the target's", () =>
    withClone((clone) => {
      clone.program('python3', python('3.11.2', true));
      const first = clone.run('test', 'plan');
      assert.is(first.stdout, 'ran plan');
      assert.is(first.code, 7);
      assert.equal(clone.asked(), ['ci --no-audit --no-fund --loglevel=error', 'run --silent build']);
      const second = clone.run('test:full');
      assert.is(second.stdout, 'ran --full');
      assert.is(second.stderr, '');
      assert.is(clone.asked().length, 2);
    }),
  );

  s.test('a changed lock file is installed again, a changed source built again', () =>
    withClone((clone) => {
      clone.program('python3', python('3.11.2', true));
      clone.run('test');
      writeFileSync(join(clone.folder, 'package-lock.json'), '{"lockfileVersion":3}');
      const later = new Date(Date.now() + 60_000);
      utimesSync(join(clone.folder, 'engine', 'main.ts'), later, later);
      clone.run('test');
      assert.is(clone.asked().length, 4);
    }),
  );

  s.test('a page that was changed, or is missing, is built again', () =>
    withClone((clone) => {
      clone.program('python3', python('3.11.2', true));
      clone.run('test');
      const later = new Date(Date.now() + 60_000);
      utimesSync(join(clone.folder, 'ui', 'main.tsx'), later, later);
      clone.run('test');
      assert.is(clone.asked().length, 3);
      utimesSync(join(clone.folder, 'ui', 'main.tsx'), 1, 1);
      clone.run('test');
      assert.is(clone.asked().length, 3);
      rmSync(join(clone.folder, 'dist', 'ui'), { recursive: true });
      clone.run('test');
      assert.is(clone.asked().length, 4);
    }),
  );

  s.test('when npm fails its own words are shown', () =>
    withClone((clone) => {
      clone.program('python3', python('3.11.2', true));
      const ran = clone.run('test', '--npm-fails');
      assert.is(ran.code, 3);
      assert.match(ran.stderr, /npm ci failed\nno network here/);
    }),
  );

  s.test('an unknown target is a wrong command line', () =>
    withClone((clone) => {
      assert.is(clone.run('tset').code, 2);
    }),
  );
});
