import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from './support/suite.ts';

const root = join(import.meta.dirname, '..');

/** A wrong tree: each file breaks the rules that are named beside it. */
const wrong: readonly { readonly path: string; readonly text: string; readonly rules: readonly string[] }[] = [
  {
    path: 'engine/base/clock.ts',
    text: "import type { Config } from '../config.ts';\nexport type Clock = Config;",
    rules: ['engine-base knows nothing but node'],
  },
  {
    path: 'engine/config.ts',
    text: "import type { Store } from './store.ts';\nexport type Config = Store;",
    rules: ['nouns know one another and base only'],
  },
  {
    path: 'engine/store.ts',
    text: "import { x } from 'pg-copy-streams';\nexport type Store = typeof x;",
    rules: ['contracts know no driver but the types of pg'],
  },
  { path: 'engine/plan.ts', text: "import './run.ts';", rules: ['imports run in no circle'] },
  { path: 'engine/run.ts', text: "import './plan.ts';", rules: [] },
  {
    path: 'engine/reporter.ts',
    text: "import './reporters/human.ts';",
    rules: ['contracts know nouns, base and types only'],
  },
  {
    path: 'engine/reporters/human.ts',
    text: "import '../execute/pool.ts';\nimport './gone.ts';",
    rules: ['load, execute, stores, reporters, exporters, schedule and alarms do not know each other', 'every import can be resolved'],
  },
  {
    path: 'engine/execute/pool.ts',
    text: "import '../commands/run.ts';\nimport '../main.ts';",
    rules: ['commands are known to main only', 'main is imported by nobody'],
  },
  { path: 'engine/commands/run.ts', text: "import '../../connectors/file/index.ts';", rules: ['connectors are known to main only'] },
  { path: 'engine/main.ts', text: 'export {};', rules: [] },
  {
    path: 'connectors/file/index.ts',
    text: "import '../s3/index.ts';\nimport '../../engine/store.ts';",
    rules: ['a connector knows no other connector', 'a connector knows the contract, nouns, base and the lake, and no more of the engine'],
  },
  { path: 'connectors/s3/index.ts', text: 'export {};', rules: [] },
  { path: 'lake/log.ts', text: "import '../engine/plan.ts';", rules: ['the lake knows base, errors and DuckDB only'] },
  {
    path: 'generators/rows.ts',
    text: "import '../lake/log.ts';\nimport '../test/rows.test.ts';",
    rules: ['generators know base, errors, faker and pg only', 'sources know no tests'],
  },
  {
    path: 'ui/page.ts',
    text: "import '../engine/main.ts';\nimport 'pg-copy-streams';",
    rules: [
      'the page talks HTTP only, and takes types, the sum of events and words for figures from the engine',
      'the page knows preact and a chart only',
    ],
  },
  { path: 'generators/page.ts', text: "import '../ui/page.ts';", rules: ['the page is imported by nobody'] },
  { path: 'test/rows.test.ts', text: "import { test } from 'uvu';\ntest.run();", rules: ['uvu is wrapped once'] },
];

suite('floors', (s) => {
  s.test('each rule finds the import that breaks it, and every rule is tried', () => {
    const folder = mkdtempSync(join(tmpdir(), 'floors-'));
    try {
      for (const file of wrong) {
        mkdirSync(dirname(join(folder, file.path)), { recursive: true });
        writeFileSync(join(folder, file.path), file.text);
      }
      for (const file of ['.dependency-cruiser.cjs', 'tsconfig.json', 'package.json']) cpSync(join(root, file), join(folder, file));
      for (const name of ['uvu', 'pg-copy-streams']) {
        mkdirSync(join(folder, 'node_modules', name), { recursive: true });
        writeFileSync(join(folder, 'node_modules', name, 'package.json'), JSON.stringify({ name, main: 'index.js' }));
        writeFileSync(join(folder, 'node_modules', name, 'index.js'), 'export const x = 1;');
      }
      const bin = join(root, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs');
      const ran = spawnSync(process.execPath, [bin, '--output-type', 'json', 'engine', 'connectors', 'lake', 'generators', 'ui', 'test'], {
        cwd: folder,
        encoding: 'utf8',
        maxBuffer: 32 * 1024 * 1024,
      });
      const found = JSON.parse(ran.stdout) as { summary: { violations: { from: string; rule: { name: string } }[] } };
      const seen = new Set(found.summary.violations.map((v) => `${v.from}: ${v.rule.name}`));
      const expected = wrong.flatMap((file) => file.rules.map((rule) => `${file.path}: ${rule}`));
      assert.equal(
        expected.filter((line) => !seen.has(line)),
        [],
      );
      const rules = createRequire(import.meta.url)(join(root, '.dependency-cruiser.cjs')) as { forbidden: { name: string }[] };
      const tried = new Set(wrong.flatMap((file) => file.rules));
      assert.equal(
        rules.forbidden.map((r) => r.name).filter((name) => !tried.has(name)),
        [],
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  s.test('the check command looks at every folder of sources', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
    for (const folder of ['engine', 'connectors', 'lake', 'generators', 'test', 'bench'])
      assert.match(scripts.check ?? '', new RegExp(`depcruise[^&]* ${folder}\\b`));
  });
});
