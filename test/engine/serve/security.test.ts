import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { isSecretOf, makeCredential, parseToken } from '../../../engine/base/credential.ts';
import { EngineError } from '../../../engine/error.ts';
import { createApi } from '../../../engine/serve/server.ts';
import { createPostgresStore } from '../../../engine/stores/postgres.ts';
import { pipelineOf } from '../../support/config.ts';
import { suite } from '../../support/suite.ts';
import { waitUntil } from '../../support/wait.ts';
import { type Answer, askAt, createStage, type Stage, shop } from './stage.ts';

const markup = '<img src=x onerror=alert(1)>';
const proxied = { 'x-forwarded-for': '203.0.113.7' };

/** An address of this machine that others reach. */
function outerAddress(): string | undefined {
  return Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === 'IPv4' && !one.internal)?.address;
}

suite('the server, attacked', ({ test, before, after, skip }) => {
  let stage: Stage;
  let folder: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'engine-page-'));
    mkdirSync(join(folder, 'ui', 'assets'), { recursive: true });
    writeFileSync(join(folder, 'ui', 'index.html'), '<!doctype html><title>the page</title>');
    writeFileSync(join(folder, 'ui', 'assets', 'app-1a2b3c.js'), 'export {};');
    writeFileSync(join(folder, 'secret.txt'), 'secret');
    stage = await createStage({
      uiFolder: join(folder, 'ui'),
      hosts: ['pipelines.example.com'],
      config: async () => ({ ...shop, pipelines: { ...shop.pipelines, [markup]: pipelineOf(markup, ['users']) } }),
    });
    await stage.keepRun('run-1', markup, [{ type: 'log', level: 'info', text: markup }, { type: 'run.succeeded' }]);
  });
  after(async () => {
    await stage?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const refused = (answer: Answer, status: number, code: string): void => {
    assert.equal([answer.status, answer.error?.code], [status, code]);
  };

  test('who comes through a proxy or by another name shows a token; a wrong one is refused', async () => {
    const token = await stage.makeToken('alice');
    for (const headers of [proxied, { forwarded: 'for=203.0.113.7' }, { 'x-real-ip': '203.0.113.7' }, { via: '1.1 proxy' }]) {
      for (const [method, path] of [
        ['GET', '/api/v1/overview'],
        ['GET', '/api/v1/runs/run-1/log.txt'],
        ['GET', '/api/v1/stream'],
        ['GET', '/openapi.json'],
        ['POST', '/api/v1/pipelines/sync/runs'],
        ['DELETE', '/api/v1/queue/1'],
      ] as const)
        refused(await stage.ask(path, { method, headers }), 401, 'token.needed');
    }
    refused(await stage.ask('/api/v1/overview', { host: 'pipelines.example.com' }), 401, 'token.needed');
    const authorized = (given: string): Promise<Answer> =>
      stage.ask('/api/v1/overview', { headers: { ...proxied, authorization: `Bearer ${given}` } });
    assert.is((await authorized(token)).status, 200);
    const other = `${token.slice(0, -2)}${token.endsWith('AA') ? 'BB' : 'AA'}`;
    refused(await authorized(other), 401, 'token.wrong');
    refused(await authorized('engine_0123456789abcdef_nothing'), 401, 'token.wrong');
    assert.is((await stage.queue.waiting()).length, 0);
  });

  const outer = outerAddress();
  if (outer === undefined) skip('from another address a token is needed', 'this machine has no address but its loopback');
  else
    test('from another address a token is needed', async () => {
      const server = await stage.another({ listen: { host: '0.0.0.0', port: 0 } });
      const url = `http://${outer}:${server.address.port}`;
      refused(await askAt(url, '/api/v1/overview'), 401, 'token.needed');
      refused(await askAt(url, '/api/v1/overview', { host: 'localhost' }), 401, 'token.needed');
      const authorization = `Bearer ${await stage.makeToken('bob')}`;
      assert.is((await askAt(url, '/api/v1/overview', { headers: { authorization } })).status, 200);
      await server.close();
    });

  test('who asks by HTTP/1.0, as a proxy does that says nothing of itself, shows a token', async () => {
    const statusOf = (version: string, host: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = open(stage);
        let text = '';
        socket.setEncoding('utf8').on('data', (part: string) => (text += part));
        socket.on('error', reject).on('close', () => resolve(text.slice(0, 12)));
        socket.write(`GET /api/v1/overview HTTP/${version}\r\n${host}Connection: close\r\n\r\n`);
      });
    assert.is(await statusOf('1.0', 'Host: 127.0.0.1\r\n'), 'HTTP/1.1 401');
    assert.is(await statusOf('1.1', 'Host: 127.0.0.1\r\n'), 'HTTP/1.1 200');
    assert.is(await statusOf('1.0', ''), 'HTTP/1.1 421');
    assert.is(await statusOf('1.1', ''), 'HTTP/1.1 400');
    // Of two the first counts, for who it is and for who asks.
    assert.is(await statusOf('1.1', 'Host: evil.example\r\nHost: 127.0.0.1\r\n'), 'HTTP/1.1 421');
  });

  test('with requireToken callers on this machine show one too', async () => {
    const server = await stage.another({ requireToken: true });
    refused(await askAt(server.url, '/api/v1/overview'), 401, 'token.needed');
    assert.equal((await askAt(server.url, '/api/v1/session')).body, { tokenNeeded: true });
    await server.close();
  });

  test('under a name that is not its own it does not answer, the page neither', async () => {
    for (const host of [
      'evil.example',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      'pipelines.example.com.evil.example',
      '[::1',
      'a b',
      '@localhost',
    ])
      for (const path of ['/', '/api/v1/overview', '/assets/app-1a2b3c.js']) assert.is((await stage.ask(path, { host })).status, 421, host);
    for (const host of ['localhost', 'LOCALHOST:80', '127.0.0.1:1', '[::1]:4460', 'localhost.'])
      assert.is((await stage.ask('/api/v1/overview', { host })).status, 200, host);
  });

  test('a page of somebody else may neither act nor read', async () => {
    const path = '/api/v1/pipelines/sync/pause';
    for (const origin of [
      'https://evil.example',
      'null',
      'http://localhost:1',
      'http://127.0.0.1',
      'file://',
      'http://localhost@evil.example',
    ]) {
      refused(await stage.ask(path, { method: 'POST', headers: { origin } }), 403, 'origin.foreign');
      refused(await stage.ask('/api/v1/overview', { headers: { origin } }), 403, 'origin.foreign');
    }
    refused(await stage.ask(path, { method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } }), 403, 'origin.foreign');
    refused(
      await stage.ask('/api/v1/overview', { headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' } }),
      403,
      'origin.foreign',
    );
    for (const written of ['/%61pi/v1/overview', '/api/%761/overview', 'http://localhost/api/v1/overview']) {
      const { status } = await stage.ask(written, { headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' } });
      assert.is(status, 403, written);
    }
    assert.is((await stage.ask('/runs/run-1', { headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' } })).status, 200);
    const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    assert.is((await stage.ask('/runs/run-1', { headers: link })).status, 200);
    assert.is((await stage.ask('/api/v1/runs/run-1', { headers: link })).status, 200);
    for (const [name, value] of [
      ['sec-fetch-dest', 'iframe'],
      ['sec-fetch-dest', 'object'],
      ['sec-purpose', 'prefetch;prerender'],
    ] as const)
      refused(await stage.ask('/api/v1/runs/run-1', { headers: { ...link, [name]: value } }), 403, 'origin.foreign');
    assert.is((await stage.queue.pauses()).size, 0);
    const own = await stage.ask(path, { method: 'POST', headers: { origin: stage.server.url, 'sec-fetch-site': 'same-origin' } });
    assert.is(own.status, 200);
    await stage.queue.unpause('sync');
  });

  test('no page of somebody else has a pipeline planned, in a frame or by a link', async () => {
    let planned = 0;
    const server = await stage.another({
      plan: async (...asked) => {
        planned += 1;
        return stage.parts.plan(...asked);
      },
    });
    const ask = (headers: Readonly<Record<string, string>>): Promise<Answer> =>
      askAt(server.url, '/api/v1/pipelines/sync/plan', { headers: { 'sec-fetch-mode': 'navigate', ...headers } });
    for (const site of ['cross-site', 'same-site'])
      for (const dest of ['document', 'iframe', 'frame', 'embed', 'object', 'empty'])
        refused(await ask({ 'sec-fetch-site': site, 'sec-fetch-dest': dest }), 403, 'origin.foreign');
    assert.is(planned, 0);
    assert.is((await ask({ 'sec-fetch-site': 'none', 'sec-fetch-dest': 'document' })).status, 200, 'typed into the bar of addresses');
    assert.is((await ask({ 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' })).status, 200);
    assert.is(planned, 2);
    await server.close();
  });

  test('what a form of another page can send is refused: only JSON is taken', async () => {
    const path = '/api/v1/pipelines/sync/runs';
    for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data; boundary=x', 'application/xml', ''])
      assert.is(
        (await stage.ask(path, { method: 'POST', body: '{"tables":["users"]}', headers: { 'content-type': type } })).status,
        415,
        type,
      );
    assert.is((await stage.ask(path, { method: 'POST', body: '{"tables":', headers: { 'content-type': 'application/json' } })).status, 400);
    assert.is((await stage.ask(path, { method: 'POST', json: JSON.parse('{"__proto__":{"fullRefresh":true}}') })).status, 400);
    assert.is((await stage.ask(path, { method: 'POST', json: { tables: 'users' } })).status, 400);
    assert.is((await stage.ask(path, { method: 'POST', json: { fullRefresh: 'true' } })).status, 400);
    assert.is((await stage.queue.waiting()).length, 0);
  });

  test('a body of 10 MB is not read to its end', async () => {
    const body = Buffer.alloc(10_000_000, 0x20);
    const headers = { 'content-type': 'application/json' };
    const sent = await stage
      .ask('/api/v1/pipelines/sync/runs', { method: 'POST', body, headers })
      .catch((error: NodeJS.ErrnoException) => error.code ?? '');
    if (typeof sent === 'string') assert.ok(['EPIPE', 'ECONNRESET'].includes(sent), sent);
    else assert.is(sent.status, 413);
    let taken = 0;
    await new Promise<void>((resolve) => {
      const socket = open(stage);
      socket.write(
        'POST /api/v1/session HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n',
      );
      const more = (): void => {
        while (!socket.destroyed && taken < 10_000_000 && socket.write(`10000\r\n${' '.repeat(0x10000)}\r\n`)) taken += 0x10000;
      };
      socket.on('drain', more);
      socket.on('close', () => resolve());
      more();
    });
    assert.ok(taken < 10_000_000, `${taken} bytes were taken`);
    assert.is((await stage.ask('/api/v1/overview')).status, 200);
    assert.is((await stage.ask(`/api/v1/runs?pipeline=${'x'.repeat(20_000)}`)).status, 431);
  });

  for (const [what, head] of [
    ['their head', 'GET /api/v1/overview HTTP/1.1\r\nhost: localhost\r\nx: '],
    ['their body', 'POST /api/v1/session HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 60000\r\n\r\n'],
  ] as const)
    test(`600 connections that send a byte of ${what} now and then keep nobody from being served`, async () => {
      const sockets: Socket[] = [];
      for (let i = 0; i < 600; i += 1) {
        const socket = open(stage);
        socket.write(head);
        sockets.push(socket);
      }
      await Promise.all(
        sockets.map(
          (socket) =>
            new Promise((resolve) => (socket.connecting ? socket.once('connect', resolve).once('close', resolve) : resolve(undefined))),
        ),
      );
      const trickle = setInterval(() => {
        for (const socket of sockets) if (!socket.destroyed) socket.write('x');
      }, 100);
      try {
        const began = Date.now();
        for (let i = 0; i < 20; i += 1) assert.is((await stage.ask('/api/v1/overview')).status, 200);
        assert.ok(Date.now() - began < 15_000, `20 answers took ${Date.now() - began} ms`);
      } finally {
        clearInterval(trickle);
        for (const socket of sockets) socket.destroy();
      }
    });

  test('a connection that the system does not hand over does not end the daemon', async () => {
    const app = await createApi(stage.parts);
    await app.listen({ host: '127.0.0.1', port: 0 });
    const [bound] = app.addresses();
    const before = stage.told.length;
    // What Node does with an accept(2) that failed.
    app.server.emit('error', Object.assign(new Error('accept EPERM'), { code: 'EPERM' }));
    assert.equal(stage.told.slice(before), ['warn: a connection could not be taken: accept EPERM']);
    assert.is((await askAt(`http://127.0.0.1:${typeof bound === 'object' ? bound.port : 0}`, '/api/v1/session')).status, 200);
    await app.close();
  });

  test('no path leads out of the folder of the page', async () => {
    for (const path of [
      '/../secret.txt',
      '/assets/../../secret.txt',
      '/assets/..%2f..%2fsecret.txt',
      '/assets/%2e%2e/%2e%2e/secret.txt',
      '/assets/..%5c..%5csecret.txt',
      '/assets/....//....//secret.txt',
      '/assets/%252e%252e/secret.txt',
      '/assets/app-1a2b3c.js/../../../secret.txt',
      '/assets//etc/passwd',
      '/assets/%00',
      '/assets/%',
      '/%2e%2e%2fsecret.txt',
      '//etc/passwd',
      '/..;/secret.txt',
      '/assets/.env',
      '/.git/config',
      '/api/v1/../../../secret.txt',
    ]) {
      const answer = await stage.ask(path);
      assert.not.match(answer.text, /^secret|root:/, path);
      assert.ok(answer.status < 500, `${path}: ${answer.status}`);
      if (answer.status === 200) assert.match(answer.text, /<title>the page/, path);
    }
    const asset = await stage.ask('/assets/app-1a2b3c.js');
    assert.equal([asset.status, asset.headers['cache-control']], [200, 'public, max-age=31536000, immutable']);
    assert.match(String(asset.headers['content-type']), /javascript/);
    const gone = await stage.ask('/assets/app-0.js');
    assert.equal([gone.status, gone.headers['cache-control']], [404, 'no-store']);
    for (const path of ['/', '/runs/run-1', '/pipelines/a%20b']) {
      const shell = await stage.ask(path);
      assert.equal([shell.status, shell.headers['cache-control']], [200, 'no-cache'], path);
    }
    refused(await stage.ask('/api/v1/nothing'), 404, 'route.unknown');
    refused(await stage.ask('/runs/run-1', { method: 'POST' }), 404, 'route.unknown');
  });

  test('markup in names and texts comes back as JSON or plain text, and nothing else of it is run', async () => {
    const name = encodeURIComponent(markup);
    for (const path of [
      '/api/v1/overview',
      `/api/v1/pipelines/${name}`,
      '/api/v1/runs/run-1',
      '/api/v1/runs/run-1/log',
      '/api/v1/runs/run-1/log.txt',
      `/api/v1/pipelines/x${name}`,
      `/api/v1/tables/${name}`,
    ]) {
      const answer = await stage.ask(path);
      assert.ok(answer.text.includes('<img'), path);
      assert.match(String(answer.headers['content-type']), /^(application\/json|text\/plain); charset=utf-8$/, path);
    }
    for (const path of ['/', '/api/v1/overview', '/assets/app-1a2b3c.js', '/nothing.php', '/api/v1/runs/%']) {
      const { headers } = await stage.ask(path);
      assert.equal(
        [headers['x-content-type-options'], headers['referrer-policy'], headers['x-frame-options']],
        ['nosniff', 'no-referrer', 'DENY'],
        path,
      );
      const policy = String(headers['content-security-policy']);
      assert.match(policy, /default-src 'self';.*frame-ancestors 'none'/, path);
      assert.not.match(policy, /unsafe/);
    }
    assert.is((await stage.ask('/api/v1/overview')).headers['cache-control'], 'no-store');
  });

  test('a browser that logs in gets a cookie that scripts cannot read and other sites do not send; logging out ends it', async () => {
    const token = await stage.makeToken('carol');
    const logged = await stage.ask('/api/v1/session', { method: 'POST', json: { token }, headers: proxied });
    assert.equal(logged.body, { who: 'carol', tokenNeeded: false });
    const [cookie = ''] = logged.headers['set-cookie'] ?? [];
    assert.match(cookie, /^engine_session=[0-9a-f]{16}\.[\w-]{43}; Max-Age=604800; Path=\/; HttpOnly; SameSite=Strict$/);
    const [secure = ''] =
      (await stage.ask('/api/v1/session', { method: 'POST', json: { token }, headers: { ...proxied, 'x-forwarded-proto': 'https' } }))
        .headers['set-cookie'] ?? [];
    assert.match(secure, /; Secure;/);
    assert.not.match(cookie, new RegExp(token.slice(24)));
    const headers = { ...proxied, cookie: cookie.replace(/;.*/, '') };
    assert.is((await stage.ask('/api/v1/overview', { headers })).status, 200);
    assert.equal((await stage.ask('/api/v1/session', { headers })).body, { who: 'carol', tokenNeeded: false });
    const out = await stage.ask('/api/v1/session', { method: 'DELETE', headers });
    assert.match(out.headers['set-cookie']?.[0] ?? '', /^engine_session=; .*Expires=Thu, 01 Jan 1970/);
    refused(await stage.ask('/api/v1/overview', { headers }), 401, 'token.needed');
  });

  test('a revoked token ends with every browser that was logged in with it', async () => {
    const token = await stage.makeToken('dave');
    const logged = await stage.ask('/api/v1/session', { method: 'POST', json: { token }, headers: proxied });
    const headers = { ...proxied, cookie: (logged.headers['set-cookie']?.[0] ?? '').replace(/;.*/, '') };
    assert.is((await stage.ask('/api/v1/overview', { headers })).status, 200);
    await stage.access.revokeToken('dave');
    refused(await stage.ask('/api/v1/overview', { headers }), 401, 'token.needed');
    refused(await stage.ask('/api/v1/overview', { headers: { ...proxied, authorization: `Bearer ${token}` } }), 401, 'token.wrong');
  });

  test('a stream ends when its token is revoked or its browser logs out, and not while it may go on', async () => {
    const clock = { ...stage.parts.clock, sleep: (ms: number, signal?: AbortSignal) => stage.parts.clock.sleep(Math.min(ms, 100), signal) };
    const server = await stage.another({ clock });
    const token = await stage.makeToken('grace');
    const login = await askAt(server.url, '/api/v1/session', { method: 'POST', json: { token }, headers: proxied });
    const cookie = (login.headers['set-cookie']?.[0] ?? '').replace(/;.*/, '');
    await stage.keepRun('run-live', 'sync');
    const ended = new Set<string>();
    const listen = (name: string, path: string, headers: Readonly<Record<string, string>>): Promise<Answer> =>
      askAt(server.url, path, { headers }).finally(() => ended.add(name));
    const all = [
      listen('browser', '/api/v1/stream', { ...proxied, cookie }),
      listen('program', '/api/v1/runs/run-live/stream', { ...proxied, authorization: `Bearer ${token}` }),
      listen('local', '/api/v1/stream', {}),
    ];
    await askAt(server.url, '/api/v1/session', { method: 'DELETE', headers: { ...proxied, cookie } });
    await waitUntil(() => ended.has('browser'), 'the stream of the browser ends');
    assert.not.ok(ended.has('program'));
    await stage.access.revokeToken('grace');
    await waitUntil(() => ended.has('program'), 'the stream of the program ends');
    assert.not.ok(ended.has('local'));
    await server.close();
    for (const answer of await Promise.all(all)) assert.is(answer.status, 200);
  });

  test('while the store is away nobody who is not known learns where it is', async () => {
    const gone = createPostgresStore({
      connect: async () => {
        throw new EngineError('outside', 'postgres.connect', 'cannot connect to warehouse.internal:5432', { retryable: true });
      },
      schema: 'engine',
      clock: stage.parts.clock,
    });
    if (gone.access === undefined) throw new Error('a store on Postgres has it');
    const server = await stage.another({ access: gone.access });
    const token = await stage.makeToken('heidi');
    const answers = [
      await askAt(server.url, '/api/v1/session', { method: 'POST', json: { token } }),
      await askAt(server.url, '/api/v1/session', { headers: { ...proxied, authorization: `Bearer ${token}` } }),
      await askAt(server.url, '/api/v1/overview', { headers: { ...proxied, authorization: `Bearer ${token}` } }),
    ];
    for (const answer of answers) {
      assert.is(answer.status, 503);
      assert.not.match(answer.text, /internal/);
    }
    assert.match((await askAt(server.url, '/api/v1/actions')).text, /warehouse\.internal/);
    await server.close();
    await gone.close();
  });

  test('nothing that is kept can be used as a token or a cookie, and no log has one', async () => {
    const token = await stage.makeToken('erin');
    const logged = await stage.ask('/api/v1/session', { method: 'POST', json: { token }, headers: proxied });
    await stage.ask('/api/v1/overview', { headers: { ...proxied, authorization: `Bearer ${token}` } });
    const cookie = /engine_session=[0-9a-f]+\.([\w-]+)/.exec(logged.headers['set-cookie']?.[0] ?? '')?.[1] ?? 'none';
    const client = await stage.database.client();
    const { rows } = await client.query<{ row: string }>(
      'SELECT row_to_json(t)::text AS row FROM engine.tokens t UNION ALL SELECT row_to_json(s)::text FROM engine.sessions s UNION ALL SELECT row_to_json(a)::text FROM engine.actions a',
    );
    const kept = rows.map(({ row }) => row).join('\n') + JSON.stringify(stage.logged) + stage.told.join('\n');
    const secret = parseToken(token)?.secret ?? '';
    assert.is(secret.length, 43);
    assert.ok(kept.includes('erin'));
    assert.not.ok(kept.includes(secret));
    assert.not.ok(kept.includes(cookie));
    const hash = /"hash":"([0-9a-f]{64})"/.exec(kept)?.[1] ?? '';
    assert.is(hash.length, 64);
  });

  test('a secret is compared in constant time: as long for one that begins right as for one that does not', () => {
    const { secret, hash } = makeCredential();
    assert.ok(isSecretOf(secret, hash));
    assert.not.ok(isSecretOf(secret, undefined));
    assert.not.ok(isSecretOf(`${secret.slice(0, -1)}${secret.endsWith('A') ? 'B' : 'A'}`, hash));
    assert.not.ok(isSecretOf('', hash));
    // The hash of nothing that is kept: what is compared where there is no such id.
    assert.not.ok(isSecretOf('', '0'.repeat(64)));
    const source = isSecretOf.toString();
    assert.match(source, /timingSafeEqual/);
  });

  test('who guesses waits longer each time, whatever it says of itself; who is right does not', async () => {
    const server = await stage.another({});
    const token = await stage.makeToken('frank');
    const before = (await stage.access.actions({ limit: 1 }))[0]?.id ?? 0;
    const login = (i: number, given: string): Promise<Answer> =>
      askAt(server.url, '/api/v1/session', { method: 'POST', json: { token: given }, headers: { 'x-forwarded-for': `203.0.113.${i}` } });
    const took: number[] = [];
    for (let i = 0; i < 3; i += 1) {
      const began = Date.now();
      refused(await login(i, `engine_${'0'.repeat(16)}_${'A'.repeat(43)}`), 401, 'token.wrong');
      took.push(Date.now() - began);
    }
    assert.ok((took[0] ?? 0) >= 240 && (took[1] ?? 0) >= 490 && (took[2] ?? 0) >= 990, took.join(', '));
    const began = Date.now();
    assert.is((await login(9, token)).status, 200);
    assert.ok(Date.now() - began < 900);
    const rows = (await stage.access.actions({ limit: 50 })).filter(({ id, outcome }) => id > before && outcome.startsWith('refused'));
    assert.is(rows.length, 1, 'one row a minute');
  });
});

function open(stage: Stage): Socket {
  const socket = connect(stage.server.address.port, '127.0.0.1');
  socket.on('error', () => socket.destroy());
  socket.resume();
  return socket;
}
