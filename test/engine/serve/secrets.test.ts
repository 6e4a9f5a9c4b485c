import * as assert from 'uvu/assert';
import type { ConfigPage, DoctorPage, SettingsPage } from '../../../engine/api-settings.ts';
import { pageOf } from '../../support/page-of.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { createRig, type Rig } from '../../support/rig.ts';
import { suite } from '../../support/suite.ts';
import { waitUntil } from '../../support/wait.ts';
import { type Answer, type Asking, askAt } from './stage.ts';

suite('a daemon whose configuration has secrets', ({ test, before, after }) => {
  let source: TestDatabase;
  let warehouse: TestDatabase;
  let rig: Rig;
  before(async () => {
    source = await freshDatabase('secrets');
    warehouse = await freshDatabase('secrets_dw');
    const { hostname, port, pathname } = new URL(source.url);
    rig = await createRig({
      'pipelines.yaml': `version: 1
sources:
  production: { type: postgres, url: "\${SOURCE_URL}" }
  # before: postgres://old:s3cr3t-comment@old.example/shop
  wrong: { type: postgres, url: "postgres://nobody:s3cr3t-inline@${hostname}:${port}${pathname}" }
lake: { type: file, path: lake }
sinks: { warehouse: { type: postgres, url: "\${WAREHOUSE_URL}", schema: staging } }
alerts:
  channels:
    ops: { type: slack, url: "http://127.0.0.1:9/services/s3cr3t-slack" }
    hook:
      type: webhook
      url: \${HOOK_URL}
      headers: { X-Key: s3cr3t-header }
    mail: { type: email, smtp: "smtp://me:s3cr3t-smtp@127.0.0.1:9", from: a@b.example, to: c@d.example }
  heartbeat: { url: "http://127.0.0.1:9/s3cr3t-beat", every: 1m }
defaults: { key: id, cursor: updated_at, source: production }
tables: { users: {} }
pipelines: { sync: { mode: incremental, tables: [users], alerts: { to: [ops, hook, mail] } } }
`,
    });
    Object.assign(rig.env, {
      SOURCE_URL: source.url,
      WAREHOUSE_URL: warehouse.url,
      HOOK_URL: 'http://127.0.0.1:9/hooks/s3cr3t-from-env',
    });
  });
  after(async () => {
    await rig?.cleanup();
    await source?.drop();
    await warehouse?.drop();
  });

  test('tells none of them: not in its settings, its file, its health, what it did, nor after the file was edited into one with findings', async () => {
    const made = await rig.engine('token', 'create', 'anna');
    const token = /\S+\s*$/.exec(made.stdout)?.[0].trim() ?? '';
    assert.ok(token.length > 30, made.stdout);
    const daemon = rig.start('daemon', '--listen', '127.0.0.1:0');
    const url = await pageOf(daemon);
    const password = new URL(source.url).password;
    const secrets = ['s3cr3t', token, token.slice(-20), ...(password.length > 2 ? [password] : [])];
    const ask = async <T>(path: string, asking?: Asking): Promise<Answer<T>> => {
      const answer = await askAt<T>(url, `/api/v1${path}`, asking);
      for (const secret of secrets) assert.not.ok(answer.text.includes(secret), `${path} tells ${secret}: ${answer.text}`);
      return answer;
    };
    const settings = await ask<SettingsPage>('/settings');
    assert.equal([settings.status, settings.body.sources.length, settings.body.channels.length], [200, 2, 3]);
    assert.is(settings.body.tokens[0]?.name, 'anna');
    const config = (await ask<ConfigPage>('/config')).body;
    assert.equal([config.inForce, config.findings, config.refused], [true, [], undefined]);
    assert.ok(
      config.lines.some((line) => line.includes('headers: ***')),
      config.lines.join('\n'),
    );

    const doctor = await ask<DoctorPage>('/doctor', { method: 'POST' });
    assert.is(doctor.status, 200, doctor.text);
    const checks = doctor.body.last?.checks ?? [];
    assert.ok(checks.some(({ part, outcome }) => part === 'source production' && outcome === 'ok'));
    assert.ok(checks.some(({ part, outcome }) => part === 'source wrong' && outcome === 'fail'));
    await ask('/doctor');
    for (const channel of ['ops', 'hook', 'mail'])
      assert.is((await ask(`/alerts/${channel}/test`, { method: 'POST' })).status, 503, channel);

    rig.write('pipelines.yaml', rig.read('pipelines.yaml').replace('mode: incremental', 'mode: incremental, shedule: s3cr3t-odd'));
    const asItIs = () => askAt<ConfigPage>(url, '/api/v1/config');
    await waitUntil(async () => (await asItIs()).body.refused !== undefined, 'the edited file is refused');
    const edited = await asItIs();
    for (const secret of secrets.filter((each) => each !== 's3cr3t')) assert.not.ok(edited.text.includes(secret));
    const { findings, lines, inForce, refused } = edited.body;
    assert.equal([inForce, refused?.why, findings.length], [false, 'it has findings', 1]);
    const { line = 0, column = 0, length = 0, message = '' } = findings[0] ?? {};
    assert.match(message, /shedule/);
    assert.is(lines[line - 1]?.slice(column - 1, column - 1 + length), 'shedule');
    rig.write('pipelines.yaml', rig.read('pipelines.yaml').replace(', shedule: s3cr3t-odd', ''));
    await waitUntil(async () => (await ask<ConfigPage>('/config')).body.inForce === true, 'the corrected file is in force');
    assert.is((await ask<SettingsPage>('/settings')).body.config.refused, undefined);
    await ask('/actions');
    await ask('/incidents');
    daemon.kill('SIGTERM');
    await daemon.ended;
  });
});
