import type pg from 'pg';
import * as assert from 'uvu/assert';
import { type HttpListener, listenHttp, listenSmtp } from '../../support/listeners.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { createRig, type Rig } from '../../support/rig.ts';
import { suite } from '../../support/suite.ts';
import { waitUntil } from '../../support/wait.ts';

const yaml = (alerts: string): string => `version: 1
sources: { production: { type: postgres, url: "\${SOURCE_URL}" } }
lake: { type: file, path: lake }
sinks: { warehouse: { type: postgres, url: "\${WAREHOUSE_URL}", schema: staging } }
${alerts}
tables: { users: { key: id, cursor: updated_at } }
pipelines: { users: { mode: incremental, tables: [users], retries: { attempts: 1 } } }
`;
const channels = `alerts:
  channels:
    pager: { type: webhook, url: "\${PAGER_URL}", headers: { Authorization: "Bearer \${PAGER_TOKEN}" } }
    ops: { type: slack, url: "\${SLACK_URL}" }
    quiet: { type: slack, url: "\${QUIET_URL:-off}" }`;

interface Body {
  readonly event: string;
  readonly problem: { readonly key: string; readonly text: string };
}

suite('engine alerts', ({ test, before, after }) => {
  let source: TestDatabase;
  let warehouse: TestDatabase;
  let from: pg.Client;
  let to: pg.Client;
  let pager: HttpListener;
  const rigs: Rig[] = [];
  const servers: { close(): Promise<void> }[] = [];
  before(async () => {
    pager = await listenHttp();
    servers.push(pager);
    source = await freshDatabase('alerts');
    from = await source.client();
    await from.query(
      `CREATE TABLE users (id int PRIMARY KEY, born timestamptz, updated_at timestamptz NOT NULL DEFAULT now()); INSERT INTO users VALUES (1, 'infinity')`,
    );
    warehouse = await freshDatabase('alerts_dw');
    to = await warehouse.client();
  });
  after(async () => {
    for (const rig of rigs) await rig.cleanup();
    for (const server of servers) await server.close();
    await source.drop();
    await warehouse.drop();
  });
  const project = async (text: string): Promise<Rig> => {
    const rig = await createRig({ 'pipelines.yaml': text });
    Object.assign(rig.env, {
      SOURCE_URL: source.url,
      WAREHOUSE_URL: warehouse.url,
      PAGER_URL: `${pager.url}/pager`,
      PAGER_TOKEN: 'top-s3cret',
      SLACK_URL: `${pager.url}/services/T/B/top-s3cret`,
    });
    rigs.push(rig);
    return rig;
  };
  const bodies = (): readonly Body[] => pager.heard.filter(({ path }) => path === '/pager').map(({ body }) => JSON.parse(body) as Body);

  test('a run of the daemon that fails rings, and when it is repaired that is told; both once', async () => {
    const rig = await project(yaml(channels));
    pager.heard.length = 0;
    const slackRefuses = (refuses: boolean): void => {
      pager.answer = ({ path }) => ({ status: refuses && path !== '/pager' ? 500 : 200 });
    };
    slackRefuses(true);
    const first = rig.start('daemon', '--listen', 'off');
    await first.waitFor('leads');
    const trigger = (): Promise<unknown> =>
      to.query(
        `INSERT INTO engine.queue (pipeline, kind, request, asked_by, state, noted_at) VALUES ('users', 'trigger', '{}', 'a test', 'queued', now())`,
      );
    await trigger();
    await first.waitFor('an alarm could not be sent to channel ops, tried again in 10.0 s: 127.0.0.1:');
    await waitUntil(() => bodies().length === 1, 'the alarm', 30_000);
    const [opened] = bodies();
    assert.equal([opened?.event, opened?.problem.key], ['opened', 'failed:users']);
    assert.match(opened?.problem.text ?? '', /^run \S+ failed: extract users: .*infinity/);
    const listed = await rig.engine('alerts', 'ls');
    assert.match(listed.stdout, /^failed {2}users: run \S+ failed: extract users/);
    assert.match(listed.stdout, /opened to pager +sent /);
    assert.match(listed.stdout, /opened to ops +not sent yet, tried 1 time: 127\.0\.0\.1:\d+ answered 500/);
    const status = await rig.engine('status', '--check');
    assert.is(status.code, 1);
    assert.match(status.stdout, /needs attention:\n {2}failed {2}users: run \S+ failed: extract users/);
    assert.match(status.stdout, /alarms that could not be sent yet:\n {2}ops {2}opened failed:users +again after/);
    first.kill('SIGKILL');
    await first.ended;
    slackRefuses(false);
    const second = rig.start('daemon', '--listen', 'off');
    await second.waitFor('leads');
    await from.query(`UPDATE users SET born = now(), updated_at = now()`);
    await trigger();
    await waitUntil(() => bodies().length === 2, 'that it is over', 30_000);
    assert.is(bodies()[1]?.event, 'closed');
    const slack = (): readonly string[] => pager.heard.filter(({ path }) => path.startsWith('/services/')).map(({ body }) => body);
    await waitUntil(() => slack().some((body) => body.includes('over after')), 'that it is over, in Slack as well');
    assert.is(bodies().length, 2, 'the daemon that came after has told nothing again');
    assert.is((await rig.engine('alerts', 'ls')).stdout, 'nothing rings\n');
    const { documents } = await rig.json('alerts', 'ls', '--all');
    assert.equal(
      (documents[0]?.over as readonly { readonly problem: { readonly key: string } }[] | undefined)?.map((i) => i.problem.key),
      ['failed:users'],
    );
    second.kill('SIGTERM');
    assert.is((await second.ended).code, 143);
    assert.match(first.stderr(), /warn: needs attention: failed: users: run \S+ failed/);
    for (const daemon of [first, second]) assert.not.match(daemon.stderr(), /top-s3cret/);
  });

  test('test sends a message to each channel, and says which took it and why others did not', async () => {
    const smtp = await listenSmtp();
    servers.push(smtp);
    const rig = await project(
      yaml(`${channels}\n    mail: { type: email, smtp: "smtp://127.0.0.1:${smtp.port}", from: a@example.com, to: b@example.com }`),
    );
    pager.heard.length = 0;
    const all = await rig.engine('alerts', 'test');
    assert.equal([all.code, all.stdout], [0, '  pager  took it\n  ops    took it\n  mail   took it\n']);
    assert.equal(
      bodies().map(({ event }) => event),
      ['test'],
    );
    assert.is(pager.heard.find(({ path }) => path === '/pager')?.headers.authorization, 'Bearer top-s3cret');
    assert.match(smtp.mails[0]?.source ?? '', /this channel works/);
    await smtp.close();
    servers.pop();
    pager.answer = ({ path }) => ({ status: path === '/pager' ? 200 : 403, body: 'invalid_token top-s3cret' });
    const some = await rig.engine('alerts', 'test');
    pager.answer = () => ({ status: 200 });
    assert.is(some.code, 1);
    assert.match(
      some.stdout,
      /^ {2}pager {2}took it\n {2}ops {4}did not take it: 127\.0\.0\.1:\d+ answered 403: invalid_token \*\*\*\n {2}mail {3}did not take it: /,
    );
    assert.is((await rig.engine('alerts', 'test', '--channel', 'pager')).stdout, '  pager  took it\n');
  });

  test('without a channel, with one that is off or not there, test ends with 2 and says what to do', async () => {
    const bare = await project(yaml(''));
    const none = await bare.engine('alerts', 'test');
    assert.is(none.code, 2);
    assert.match(none.stderr, /pipelines\.yaml names no channel/);
    assert.is((await bare.engine('alerts', 'ls')).stdout, 'nothing rings\n');
    const rig = await project(yaml(channels));
    const off = await rig.engine('alerts', 'test', '--channel', 'quiet');
    assert.equal([off.code, /channel quiet is off/.test(off.stderr)], [2, true]);
    const unknown = await rig.engine('alerts', 'test', '--channel', 'opps');
    assert.equal([unknown.code, /Did you mean ops\?/.test(unknown.stderr)], [2, true]);
    const action = await rig.engine('alerts', 'tst');
    assert.equal([action.code, /Did you mean `engine alerts test`\?/.test(action.stderr)], [2, true]);
  });
});
