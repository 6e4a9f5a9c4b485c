import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer, type Server } from 'node:net';
import * as assert from 'uvu/assert';
import type { ActionsPage, PipelinePage, Queued, RunsPage } from '../../../engine/api.ts';
import type { Overview } from '../../../engine/api-overview.ts';
import type { PipelineYaml } from '../../../engine/api-pipeline.ts';
import type { TablePage, VersionsPage } from '../../../engine/api-table.ts';
import type { Plan } from '../../../engine/plan.ts';
import { makeCertificates } from '../../support/certificates.ts';
import { pageOf } from '../../support/page-of.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { createRig, type Rig, type Running } from '../../support/rig.ts';
import { suite } from '../../support/suite.ts';
import { waitUntil } from '../../support/wait.ts';
import { askAt } from '../serve/stage.ts';

const yaml = (daemon: string): string => `version: 1
sources: { production: { type: postgres, url: "\${SOURCE_URL}" } }
lake: { type: file, path: lake }
sinks: { warehouse: { type: postgres, url: "\${WAREHOUSE_URL}", schema: staging } }
defaults: { key: id, cursor: updated_at }
tables: { users: {} }
pipelines: { users: { mode: incremental, tables: [users] } }
daemon: ${daemon}
`;

suite('the page and the API of engine daemon', ({ test, before, after }) => {
  let source: TestDatabase;
  let warehouse: TestDatabase;
  let rig: Rig;
  before(async () => {
    source = await freshDatabase('page');
    warehouse = await freshDatabase('page_dw');
    await (await source.client()).query(
      'CREATE TABLE users (id int PRIMARY KEY, updated_at timestamptz NOT NULL DEFAULT now()); INSERT INTO users SELECT g FROM generate_series(1, 9) g',
    );
    rig = await createRig({ 'pipelines.yaml': yaml('{}') });
    Object.assign(rig.env, { SOURCE_URL: source.url, WAREHOUSE_URL: warehouse.url });
  });
  after(async () => {
    await rig?.cleanup();
    await source?.drop();
    await warehouse?.drop();
  });
  const stopped = async (daemon: Running): Promise<void> => {
    daemon.kill('SIGTERM');
    assert.is((await daemon.ended).code, 143);
  };
  const taken = async (port: number): Promise<Server> => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return server;
  };
  const portOf = (server: Server): number => {
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  };

  test('a run that is asked for by the API is done and followed to its end; so is one by hand', async () => {
    const daemon = rig.start('daemon', '--listen', '127.0.0.1:0');
    const url = await pageOf(daemon);
    await daemon.waitFor('leads');
    const planned = (await askAt<Plan>(url, '/api/v1/pipelines/users/plan')).body;
    assert.equal(
      planned.nodes.map(({ id }) => id),
      ['extract users', 'load users'],
    );
    assert.is((await askAt(url, '/api/v1/pipelines/users/plan?tables=cats')).status, 400);
    const asked = await askAt<Queued>(url, '/api/v1/pipelines/users/runs', { method: 'POST', json: { tables: ['users'] } });
    let runId: string | undefined;
    await waitUntil(async () => {
      const { entries } = (await askAt<PipelinePage>(url, '/api/v1/pipelines/users')).body;
      runId = entries.find(({ id }) => id === asked.body.entry.id)?.runId;
      return runId !== undefined;
    }, 'the run of what was queued');
    const stream = await askAt(url, `/api/v1/runs/${runId}/stream`);
    assert.match(stream.text, /"type":"run.succeeded"}\n\n$/);
    const { load, lagMs = -1 } = (await askAt<TablePage>(url, '/api/v1/tables/users')).body;
    const { versions } = (await askAt<VersionsPage>(url, '/api/v1/tables/users/versions')).body;
    assert.equal([versions.length, versions[0]?.rows, load?.rows], [1, 9, 9]);
    assert.ok(lagMs >= 0 && lagMs < 120_000);
    const overview = async () => (await askAt<Overview>(url, '/api/v1/overview')).body;
    const shown = await overview();
    assert.equal([shown.daemon.leader?.pid, shown.daemon.self.leads, shown.pipelines[0]?.runs.length], [daemon.pid, true, 1]);

    const byHand = rig.start('run', '--pipeline', 'users');
    await waitUntil(async () => (await overview()).pipelines[0]?.runs.length === 2, 'the run by hand');
    assert.is((await byHand.ended).code, 0);
    await waitUntil(async () => (await askAt<RunsPage>(url, '/api/v1/runs?state=succeeded')).body.runs.length === 2, 'its end');

    const declared = async () => (await askAt<PipelineYaml>(url, '/api/v1/pipelines/users/yaml')).body;
    const inForce = await declared();
    assert.is(inForce.newer, false);
    const file = rig.read('pipelines.yaml');
    rig.write('pipelines.yaml', `# moved\n${file.replace('[users]', '[nobody]')}`);
    assert.equal(await declared(), { ...inForce, newer: true });
    rig.write('pipelines.yaml', `# moved\n${file}`);
    const moved = await declared();
    assert.equal(
      moved.lines.map(({ line, text }) => [line - 1, text]),
      inForce.lines.map(({ line, text }) => [line, text]),
    );
    assert.is(moved.newer, false);
    rig.write('pipelines.yaml', file);
    await stopped(daemon);
  });

  test('where another has the address the daemon goes on without a page and says so; it takes the address when that one is gone', async () => {
    const other = await taken(0);
    rig.write('pipelines.yaml', yaml(`{ listen: "127.0.0.1:${portOf(other)}" }`));
    const daemon = rig.start('daemon');
    await daemon.waitFor(/warn: no page and no API here: 127\.0\.0\.1:\d+ is taken/);
    await daemon.waitFor('leads');
    other.close();
    const url = await pageOf(daemon);
    assert.is((await askAt(url, '/api/v1/overview')).status, 200);
    await stopped(daemon);
    rig.write('pipelines.yaml', yaml('{}'));
  });

  test('an address of the command line that is taken is exit 3, one that makes no sense exit 2; off is off', async () => {
    const other = await taken(0);
    const refused = await rig.engine('daemon', '--listen', `127.0.0.1:${portOf(other)}`);
    other.close();
    assert.is(refused.code, 3);
    assert.match(refused.stderr, /is taken/);
    assert.is((await rig.engine('daemon', '--listen', 'somewhere')).code, 2);
    const daemon = rig.start('daemon', '--listen', 'off');
    await daemon.waitFor('leads');
    assert.not.match(daemon.stderr(), /page/);
    await stopped(daemon);
  });

  test('an address that others reach needs a token, and warns without TLS; a token is shown once and ends when it is revoked', async () => {
    const refused = await rig.engine('daemon', '--listen', '0.0.0.0:0');
    assert.is(refused.code, 2);
    assert.match(refused.stderr, /there is no token .*\n.*engine token create NAME/s);
    assert.match((await rig.engine('token', 'ls')).stdout, /no tokens/);
    assert.is((await rig.engine('token', 'create', 'a b')).code, 2);
    assert.is((await rig.engine('token', 'create', 'local')).code, 2);
    assert.is((await rig.engine('token', 'revoke', 'alice')).code, 2);
    const token = (await rig.engine('token', 'create', 'alice')).stdout.trim();
    assert.match(token, /^engine_[0-9a-f]{16}_[\w-]{43}$/);
    assert.is((await rig.engine('token', 'create', 'alice')).code, 4);
    const listed = await rig.engine('token', 'ls');
    assert.match(listed.stdout, /^ *alice +made \S+ +never used/);
    assert.not.ok(listed.stdout.includes(token.slice(30)));

    const daemon = rig.start('daemon', '--listen', '0.0.0.0:0');
    const url = (await pageOf(daemon)).replace('0.0.0.0', '127.0.0.1');
    await daemon.waitFor(/warn: 0\.0\.0\.0:0 is reached without TLS/);
    const ask = () => askAt(url, '/api/v1/overview', { headers: { 'x-forwarded-for': '203.0.113.7', authorization: `Bearer ${token}` } });
    assert.is((await ask()).status, 200);
    assert.is((await rig.engine('token', 'revoke', 'alice')).code, 0);
    assert.is((await ask()).status, 401);
    const { actions } = (await askAt<ActionsPage>(url, '/api/v1/actions')).body;
    assert.equal(
      actions.slice(0, 2).map(({ action, subject, from }) => [action, subject, from]),
      [
        ['revoke-token', 'alice', 'command line'],
        ['create-token', 'alice', 'command line'],
      ],
    );
    await stopped(daemon);
  });

  test('with a certificate it answers by HTTPS, and its cookies are Secure; a file that is not there is exit 3', async () => {
    const certificates = makeCertificates(rig.root, 'client');
    rig.write('pipelines.yaml', yaml('{ tls: { cert: server.crt, key: server.key }, listen: "localhost:0" }'));
    const token = (await rig.engine('token', 'create', 'bob')).stdout.trim();
    const daemon = rig.start('daemon');
    const url = await pageOf(daemon);
    assert.match(url, /^https:\/\/localhost:\d+$/);
    const cookie = await new Promise<string>((resolve, reject) => {
      const asked = request(
        `${url}/api/v1/session`,
        { method: 'POST', ca: readFileSync(certificates.authority), headers: { 'content-type': 'application/json' } },
        (answer) => {
          answer.resume();
          resolve(`${answer.statusCode} ${answer.headers['set-cookie']?.[0]} ${answer.headers['strict-transport-security']}`);
        },
      );
      asked.on('error', reject);
      asked.end(JSON.stringify({ token }));
    });
    assert.match(cookie, /^200 engine_session=\S+; .*HttpOnly; Secure; SameSite=Strict undefined$/);
    await stopped(daemon);
    rig.write('pipelines.yaml', yaml('{ tls: { cert: gone.crt, key: server.key } }'));
    const refused = await rig.engine('daemon');
    assert.equal([refused.code, /gone\.crt cannot be read/.test(refused.stderr)], [3, true]);
    rig.write('pipelines.yaml', yaml('{}'));
  });
});
