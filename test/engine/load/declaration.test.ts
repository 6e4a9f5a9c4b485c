import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Config } from '../../../engine/config.ts';
import { type Declaration, declarationOf } from '../../../engine/load/declaration.ts';
import { loadConfig } from '../../../engine/load/index.ts';
import { suite } from '../../support/suite.ts';

const text = `version: 1
sources:
  # the shop's own
  production: { type: postgres, url: "postgresql://reader:s3cr3t-word@db.example:5433/shop" }
  other:
    type: postgres
    # before: postgresql://app:s3cr3t-comment@old.example/shop
    url: \${OTHER_URL}

lake: { type: file, path: .engine/lake }
sinks:
  warehouse: { type: postgres, url: embedded, schema: staging }

dbt: { project: dbt, sink: warehouse }

defaults: { source: production, sink: warehouse, cursor: updated_at }

tables:
  users: { key: id }
  # of the other one

  orders:
    source: other
    key:
      - id
    # where it is needed
    where: "status <> 'draft'"
  # nobody's
  idle: { key: id }

pipelines:
  # every quarter of an hour
  # on the minute
  sync:
    mode: incremental
    tables: [users]
    dbt: [users]
    retries: { attempts: 2 }

  both: { mode: full, tables: [orders, users] }
  any: { mode: full, tables: ["public.*"] }
`;

suite('what declares a pipeline', ({ test, before, after }) => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'declaration-'));
    mkdirSync(join(folder, 'dbt'));
    writeFileSync(join(folder, 'dbt', 'dbt_project.yml'), 'name: shop\n');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const loaded = async (yaml: string): Promise<Config> => {
    const file = join(folder, 'pipelines.yaml');
    writeFileSync(file, yaml);
    const { config, diagnostics } = await loadConfig({ file, env: { OTHER_URL: 'embedded' } });
    assert.equal(diagnostics, []);
    if (config === undefined) throw new Error('it has findings');
    return config;
  };
  const declared = async (yaml: string, name: string, tables?: readonly string[]): Promise<Declaration> => {
    const config = await loaded(yaml);
    const pipeline = config.pipelines[name];
    if (pipeline === undefined) throw new Error(`no pipeline ${name}`);
    return declarationOf(yaml, config, pipeline, tables ?? pipeline.tables);
  };
  const shown = ({ lines }: Declaration): string => lines.map((line) => line.text).join('\n');

  test('is its own block with the comments above it, its tables, defaults, source, sink, lake and dbt, and no more', async () => {
    const found = await declared(text, 'sync');
    assert.is(
      shown(found),
      `sources:
  # the shop's own
  production: { type: postgres, url: "postgresql://reader:***@db.example:5433/shop" }
lake: { type: file, path: .engine/lake }
sinks:
  warehouse: { type: postgres, url: embedded, schema: staging }
dbt: { project: dbt, sink: warehouse }
defaults: { source: production, sink: warehouse, cursor: updated_at }
tables:
  users: { key: id }
pipelines:
  # every quarter of an hour
  # on the minute
  sync:
    mode: incremental
    tables: [users]
    dbt: [users]
    retries: { attempts: 2 }`,
    );
    assert.equal(
      found.parts.map(({ kind, name, line }) => `${line} ${kind} ${name}`),
      ['4 source production', '10 lake ', '12 sink warehouse', '14 dbt ', '16 defaults ', '19 table users', '34 pipeline sync'],
    );
  });

  test('each line is that of the file, secrets apart; variables stay as they are written', async () => {
    const found = await declared(text, 'both');
    const file = text.split('\n');
    for (const { line, text: said } of found.lines) if (!/\*\*\*/.test(said)) assert.is(said, file[line - 1], `line ${line}`);
    assert.not.match(shown(found), /s3cr3t/);
    assert.match(shown(found), /url: \$\{OTHER_URL\}/);
    assert.match(shown(found), /# where it is needed\n {4}where: "status <> 'draft'"\npipelines:/);
    assert.not.match(shown(found), /idle|nobody|dbt:/);
    assert.equal(
      found.parts.filter(({ kind }) => kind === 'source').map(({ name }) => name),
      ['production', 'other'],
    );
  });

  test('a pattern brings the defaults and their source, and of the declared tables those that a run had', async () => {
    const none = await declared(text, 'any', []);
    assert.match(shown(none), /production/);
    assert.not.match(shown(none), /users:|orders:/);
    const some = await declared(text, 'any', ['users', 'found_by_the_pattern']);
    assert.match(shown(some), /tables:\n {2}users: \{ key: id \}\npipelines:\n {2}any:/);
  });

  test('what an alias or a merge brings from elsewhere is shown where it is written; Windows line ends and a mark at the beginning change nothing', async () => {
    const yaml = `\uFEFF${text
      .replace('  users: { key: id }', '  users: &plain\n    key: id\n')
      .replace('  idle: { key: id }', '  idle:\n    <<: *plain\n    cursor: at\n')
      .replace('tables: ["public.*"]', 'tables: [idle]')
      .replaceAll('\n', '\r\n')}`;
    const found = await declared(yaml, 'any');
    assert.match(shown(found), /tables:\n {4}key: id\n {2}# nobody's\n {2}idle:\n {4}<<: \*plain\n {4}cursor: at\npipelines:/);
    const file = yaml.slice(1).split('\r\n');
    for (const { line, text: said } of found.lines) if (!/\*\*\*/.test(said)) assert.is(said, file[line - 1]);
  });
});
