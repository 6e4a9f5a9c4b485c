import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { createRig, type Rig } from '../../support/rig.ts';
import { suite } from '../../support/suite.ts';

const root = join(import.meta.dirname, '..', '..', '..');

suite('docs/api.md', ({ test, before, after }) => {
  let source: TestDatabase;
  let warehouse: TestDatabase;
  let rig: Rig;
  before(async () => {
    source = await freshDatabase('apidocs');
    warehouse = await freshDatabase('apidocs_dw');
    await (await source.client()).query(
      'CREATE TABLE users (id int PRIMARY KEY, updated_at timestamptz NOT NULL DEFAULT now()); INSERT INTO users SELECT g FROM generate_series(1, 9) g',
    );
    rig = await createRig({
      'pipelines.yaml': `version: 1
sources: { production: { type: postgres, url: "\${SOURCE_URL}" } }
lake: { type: file, path: lake }
sinks: { warehouse: { type: postgres, url: "\${WAREHOUSE_URL}", schema: staging } }
defaults: { key: id, cursor: updated_at }
tables: { users: {} }
pipelines: { incremental_users: { mode: incremental, tables: [users] } }
`,
    });
    Object.assign(rig.env, { SOURCE_URL: source.url, WAREHOUSE_URL: warehouse.url });
  });
  after(async () => {
    await rig?.cleanup();
    await source?.drop();
    await warehouse?.drop();
  });

  test('what it shows works, in the order in which it stands there', async () => {
    mkdirSync(join(rig.root, 'bin'));
    writeFileSync(join(rig.root, 'bin', 'engine'), `#!/bin/sh\nexec "${process.execPath}" "${join(root, 'bin', 'engine.js')}" "$@"\n`);
    chmodSync(join(rig.root, 'bin', 'engine'), 0o755);
    assert.is((await rig.engine('run', '--pipeline', 'incremental_users')).code, 0);
    const daemon = rig.start('daemon', '--listen', '127.0.0.1:0');
    await daemon.waitFor(/the page and the API are at http:\/\/\S+/);
    const address = /at http:\/\/(\S+)/.exec(daemon.stderr())?.[1] ?? '';
    const page = readFileSync(join(root, 'docs', 'api.md'), 'utf8');
    const blocks = [...page.matchAll(/^```sh test\n(.*?)^```$/gms)].map(([, text]) => text ?? '');
    assert.ok(blocks.length >= 5, `${blocks.length} blocks`);
    for (const block of blocks) {
      const { code, output } = await bash(block.replaceAll('127.0.0.1:4460', address).replaceAll('curl -s', 'curl -sS --fail-with-body'));
      assert.is(code, 0, `${block}\n${output}`);
    }
    assert.match(rig.read('run.txt'), /run .+, 2 nodes/);
    daemon.kill('SIGTERM');
    assert.is((await daemon.ended).code, 143);
  });

  function bash(script: string): Promise<{ readonly code: number | null; readonly output: string }> {
    return new Promise((resolve, reject) => {
      const env = { ...process.env, ...rig.env, PATH: `${join(rig.root, 'bin')}:${process.env.PATH ?? ''}` };
      const child = spawn('bash', ['-e', '-o', 'pipefail', '-c', script], { cwd: rig.root, env, stdio: ['ignore', 'pipe', 'pipe'] });
      let output = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (part: Buffer) => {
          output += part.toString();
        });
      child.once('error', reject);
      child.once('close', (code) => resolve({ code, output }));
    });
  }
});
