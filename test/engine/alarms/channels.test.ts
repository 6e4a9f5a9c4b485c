import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Alarm, Channel, Sender } from '../../../engine/alarm.ts';
import { openRinging } from '../../../engine/alarms/index.ts';
import { keepSecret } from '../../../engine/base/secret.ts';
import type { ChannelConfig } from '../../../engine/config.ts';
import { EngineError } from '../../../engine/error.ts';
import type { Problem } from '../../../engine/problem.ts';
import { type HttpListener, listenHttp, listenSmtp } from '../../support/listeners.ts';
import { suite } from '../../support/suite.ts';
import { waitUntil } from '../../support/wait.ts';

const sender: Sender = { version: '1.2.3', project: 'shop', host: 'here' };
const failed: Problem = {
  key: 'failed:users',
  kind: 'failed',
  severity: 'error',
  pipeline: 'users',
  runId: 'RUN1',
  since: '2026-05-04T12:00:00.000Z',
  text: 'run RUN1 failed: load users: the disk is full',
  hint: 'engine logs RUN1 shows what happened.',
};
const stale: Problem = {
  key: 'stale:orders',
  kind: 'stale',
  severity: 'error',
  table: 'orders',
  since: '2026-05-04T12:00:00.000Z',
  text: 'staging is old',
  hint: 'engine why orders',
};
const opened: Alarm = { event: 'opened', incident: 'INC1', problem: failed, at: '2026-05-04T12:00:10.000Z' };
const closed: Alarm = { event: 'closed', incident: 'INC1', problem: failed, at: '2026-05-04T12:14:00.000Z' };

function channel(config: ChannelConfig): Channel {
  const found = openRinging({ channels: { [config.name]: config }, off: [], heartbeat: undefined }, sender)
    .channels()
    .get(config.name);
  if (found === undefined) throw new Error('no channel');
  return found;
}

async function refusal(work: Promise<void>): Promise<string> {
  return work.then(
    () => 'sent',
    (error: unknown) => {
      if (!(error instanceof EngineError) || error.code !== 'alarm.not-sent') throw error;
      return error.message;
    },
  );
}

suite('alarms by HTTP', ({ test, before, after }) => {
  let server: HttpListener;
  before(async () => {
    server = await listenHttp();
  });
  after(() => server.close());
  const fresh = (): void => {
    server.heard.length = 0;
    server.answer = () => ({ status: 200 });
  };
  const webhook = (headers: Readonly<Record<string, string>> = {}): Channel =>
    channel({ type: 'webhook', name: 'pager', url: `${server.url}/in?token=abc`, headers });
  const slack = (): Channel => channel({ type: 'slack', name: 'ops', url: `${server.url}/services/T/B/X` });
  const texts = (): readonly string[] => server.heard.map(({ body }) => (JSON.parse(body) as { text: string }).text);

  test('a webhook gets JSON with its headers, and the same key for the same alarm', async () => {
    fresh();
    const pager = webhook({ Authorization: 'Bearer top-s3cret' });
    await pager.send([opened]);
    await pager.send([opened]);
    await pager.send([closed]);
    const [first, again, over] = server.heard;
    assert.equal([first?.method, first?.path], ['POST', '/in?token=abc']);
    assert.equal(JSON.parse(first?.body ?? ''), {
      format_version: 1,
      event: 'opened',
      incident: 'INC1',
      problem: failed,
      at: opened.at,
      engine: sender,
    });
    assert.is(first?.headers.authorization, 'Bearer top-s3cret');
    assert.is(first?.headers['content-type'], 'application/json');
    assert.is(first?.headers['idempotency-key'], again?.headers['idempotency-key']);
    assert.is.not(first?.headers['idempotency-key'], over?.headers['idempotency-key']);
  });

  test('docs/alarms.md shows what a webhook gets', async () => {
    fresh();
    const page = readFileSync(join(import.meta.dirname, '../../../docs/alarms.md'), 'utf8');
    const shown = JSON.parse(/```json\n([\s\S]*?)```/.exec(page)?.[1] ?? '') as Alarm & { readonly engine: Sender };
    const { event, incident, problem, at, engine } = shown;
    const pager = openRinging(
      { channels: { p: { type: 'webhook', name: 'p', url: server.url, headers: {} } }, off: [], heartbeat: undefined },
      engine,
    );
    await pager.channels().get('p')?.send([{ event, incident, problem, at }]);
    assert.equal(JSON.parse(server.heard[0]?.body ?? ''), shown);
  });

  test('Slack gets a text: what, why, what to do, since when; and how long it was', async () => {
    fresh();
    await slack().send([opened]);
    await slack().send([closed]);
    assert.equal(JSON.parse(server.heard[0]?.body ?? '').mrkdwn, false);
    assert.equal(texts(), [
      '\u{1F534} [shop] users failed\nrun RUN1 failed: load users: the disk is full\nengine logs RUN1 shows what happened.\nsince 2026-05-04T12:00:00.000Z\n\nshop on here, engine 1.2.3',
      '\u{1F7E2} [shop] over after 14 m 0 s: users failed\nIt was: run RUN1 failed: load users: the disk is full\nfrom 2026-05-04T12:00:00.000Z to 2026-05-04T12:14:00.000Z\n\nshop on here, engine 1.2.3',
    ]);
  });

  test('several alarms make one message', async () => {
    fresh();
    await slack().send([opened, { ...opened, incident: 'INC2', problem: stale }, { ...opened, incident: 'INC3' }]);
    assert.is(server.heard.length, 1);
    assert.match(texts()[0] ?? '', /^\u{1F534} \[shop\] 3 alarms: users failed, and 2 more\nusers failed\n {2}run RUN1/u);
    assert.match(texts()[0] ?? '', /\n\ntable orders is stale\n {2}staging is old\n/);
  });

  test('however much there is to say, Slack gets a text that Discord takes too, and a line of it is not endless', async () => {
    fresh();
    const long = { ...failed, text: `run RUN1 failed: ${'&'.repeat(100_000)}` };
    await slack().send([{ ...opened, problem: long }]);
    await slack().send(
      Array.from({ length: 20 }, (_, i) => ({ ...opened, incident: `INC${i}`, problem: { ...failed, pipeline: `users_${i}` } })),
    );
    const [one = '', many = ''] = texts();
    for (const text of [one, many]) {
      assert.ok(text.length <= 1_900, String(text.length));
      assert.match(text, /\n\.\.\. there is more: engine status shows all of it$/);
    }
    assert.match(one, /^\u{1F534} \[shop\] users failed\n/u);
    assert.match(many, /^\u{1F534} \[shop\] 20 alarms: users_0 failed, and 19 more\nusers_0 failed\n {2}run RUN1 failed: load users/u);
  });

  test('markup and commands in names and errors are shown, not followed', async () => {
    fresh();
    const problem = { ...failed, pipeline: '<!channel>', text: 'a & b <https://evil|x>\n\u202e@everyone <@U1> me@example.com' };
    await slack().send([{ ...opened, problem }]);
    const [text = ''] = texts();
    assert.match(text, /\[shop\] &lt;!channel&gt; failed\n/);
    assert.match(text, /a &amp; b &lt;https:\/\/evil\|x&gt; @\u200beveryone &lt;@\u200bU1&gt; me@example\.com\n/);
  });

  test('a secret that got into a problem is not sent on', async () => {
    fresh();
    keepSecret('hunter2-secret');
    const problem = { ...failed, text: 'password hunter2-secret refused, postgres://me:other-secret@db/x' };
    await webhook().send([{ ...opened, problem }]);
    await slack().send([{ ...opened, problem }]);
    for (const { body } of server.heard) assert.not.match(body, /hunter2-secret|other-secret/);
  });

  test('whatever is no 2xx is an error that says what was answered', async () => {
    fresh();
    server.answer = () => ({ status: 500, body: 'no\n\u0007service' });
    assert.match(await refusal(webhook().send([opened])), /^127\.0\.0\.1:\d+ answered 500: no service$/);
    server.answer = () => ({ status: 404 });
    assert.match(await refusal(slack().send([opened])), /answered 404$/);
  });

  test('a server that repeats the address does not have its secrets shown', async () => {
    fresh();
    const to = channel({ type: 'webhook', name: 'x', url: `${server.url}/hooks/T0PS3CRET/a1b2c3d4e5?key=s3same`, headers: {} });
    for (const body of [
      'Cannot POST /hooks/T0PS3CRET/a1b2c3d4e5?key=s3same',
      '<pre>Cannot POST /hooks/T0PS3CRET/a1b2c3d4e5</pre>',
      'no hook a1b2c3d4e5',
      'what is ?key=s3same',
    ]) {
      server.answer = () => ({ status: 404, body });
      const said = await refusal(to.send([opened]));
      assert.match(said, /answered 404: .*\*\*\*/);
      assert.not.match(said, /T0PS|a1b2|s3same/);
    }
  });

  test('an answer without an end is not read to its end', async () => {
    let sent = 0;
    let isClosed = false;
    const endless = createServer((request, response) => {
      request.resume();
      response.writeHead(request.url === '/good' ? 200 : 500);
      const part = 'x'.repeat(65_536);
      const more = (): void => {
        sent += part.length;
        if (!response.destroyed && response.write(part)) setImmediate(more);
      };
      response.on('drain', more);
      response.on('close', () => {
        isClosed = true;
      });
      more();
    });
    await new Promise<void>((resolve) => endless.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(endless.address() as AddressInfo).port}`;
    const to = (path: string): Channel => channel({ type: 'webhook', name: 'x', url: url + path, headers: {} });
    try {
      assert.is(await refusal(to('/good').send([opened])), 'sent');
      assert.match(await refusal(to('/bad').send([opened])), /answered 500: x{200}$/);
      await waitUntil(() => isClosed, 'the answer is let go');
      assert.ok(sent < 50_000_000, String(sent));
    } finally {
      endless.closeAllConnections();
      endless.close();
    }
  });

  test('a redirection is not followed: the secrets stay', async () => {
    fresh();
    const other = await listenHttp();
    try {
      server.answer = () => ({ status: 307, headers: { location: `${other.url}/stolen?token=1` } });
      const said = await refusal(webhook({ Authorization: 'Bearer top-s3cret' }).send([opened]));
      assert.match(said, /answered 307: it sends one on to 127\.0\.0\.1:\d+, which is not followed$/);
      assert.is(other.heard.length, 0);
    } finally {
      await other.close();
    }
  });

  test('a server that is not there, or has no name, is an error without the URL', async () => {
    const gone = await listenHttp();
    await gone.close();
    const to = (url: string): Channel => channel({ type: 'webhook', name: 'x', url, headers: {} });
    assert.match(await refusal(to(`${gone.url}/secret-path`).send([opened])), /^127\.0\.0\.1:\d+ refused the connection$/);
    assert.match(await refusal(to('http://nowhere.invalid/secret-path').send([opened])), /^nowhere\.invalid is not known by that name$/);
  });

  test('the heartbeat is a GET', async () => {
    fresh();
    const ringing = openRinging({ channels: {}, off: [], heartbeat: { url: `${server.url}/ping/1`, everyMs: 60_000 } }, sender);
    await ringing.beat();
    assert.equal(
      server.heard.map(({ method, path }) => [method, path]),
      [['GET', '/ping/1']],
    );
  });
});

suite('alarms by e-mail', ({ test }) => {
  const email = (smtp: string, over: Partial<ChannelConfig> = {}): Channel =>
    channel({
      type: 'email',
      name: 'mail',
      smtp,
      from: 'Engine <engine@example.com>',
      to: ['a@example.com', 'b@example.com'],
      ...over,
    } as ChannelConfig);

  test('a mail in plain text, with a login, to all; the end answers the beginning', async () => {
    const server = await listenSmtp({ login: true });
    try {
      const mail = email(`smtp://me:p%40ss%20word@127.0.0.1:${server.port}`);
      await mail.send([{ ...opened, problem: { ...failed, pipeline: 'users\r\nBcc: evil@example.com' } }]);
      await mail.send([closed]);
      const [first, over] = server.mails;
      assert.equal([first?.from, first?.to, first?.user], ['engine@example.com', ['a@example.com', 'b@example.com'], 'me']);
      const source = first?.source ?? '';
      assert.match(source, /^Subject: \[shop\] users Bcc: evil@example\.com failed\r$/m);
      assert.not.match(source, /^Bcc:/m);
      assert.match(source, /^Content-Type: text\/plain; charset=utf-8\r$/m);
      assert.match(source, /^run RUN1 failed: load users: the disk is full\r$/m);
      assert.match(over?.source ?? '', /^Subject: \[shop\] over after 14 m 0 s: users failed\r$/m);
      const id = /^Message-ID: (\S+)\r$/m.exec(source)?.[1];
      assert.ok(id !== undefined && over?.source.includes(`In-Reply-To: ${id}`));
    } finally {
      await server.close();
    }
  });

  test('a wrong password, a refused server: an error without the password', async () => {
    const server = await listenSmtp({ login: true });
    const said = await refusal(email(`smtp://me:wr0ng-one@127.0.0.1:${server.port}`).send([opened]));
    assert.match(said, /^127\.0\.0\.1:\d+ did not take the e-mail: .*535/);
    assert.not.match(said, /wr0ng-one/);
    await server.close();
    assert.match(await refusal(email(`smtp://127.0.0.1:${server.port}`).send([opened])), /did not take the e-mail: connect ECONNREFUSED/);
  });

  test('a certificate that nobody vouches for is refused, and no password is sent without TLS', async () => {
    const server = await listenSmtp({ startTls: true });
    assert.match(await refusal(email(`smtp://localhost:${server.port}`).send([opened])), /certificate/);
    await server.close();
    const plain = await listenSmtp({ login: true });
    try {
      // Another name for this machine, which is not known to be this machine.
      assert.match(await refusal(email(`smtp://me:p%40ss%20word@0.0.0.0:${plain.port}`).send([opened])), /STARTTLS/);
      assert.is(plain.mails.length, 0);
    } finally {
      await plain.close();
    }
  });
});
