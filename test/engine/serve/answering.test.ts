import * as assert from 'uvu/assert';
import { look } from '../../../connectors/postgres/look.ts';
import { openServer } from '../../../connectors/postgres/open-server.ts';
import type { ConnectionState, ConnectionsPage } from '../../../engine/api-connections.ts';
import { systemClock } from '../../../engine/base/clock.ts';
import { EngineError } from '../../../engine/error.ts';
import type { Routes } from '../../../engine/serve/parts.ts';
import { suite } from '../../support/suite.ts';
import { waitUntil } from '../../support/wait.ts';
import { askAt, createStage } from './stage.ts';

const gone = (): never => {
  throw new EngineError('outside', 'postgres.refused', 'connecting to 10.0.0.1: refused', { hint: 'Is it at work?', retryable: true });
};

const scope = { root: '/nonexistent', clock: systemClock, engine: '0.0.0', log: () => undefined };

suite('what runs need', ({ test }) => {
  test('is looked at when somebody asks, and told with since when and why it does not answer', async () => {
    const stage = await createStage();
    let looks = 0;
    let away = false;
    let nowMs = Date.parse('2026-01-31T09:00:00.000Z');
    const link: typeof stage.parts.link = async (config, kind, name) => {
      const connection = await stage.parts.link(config, kind, name);
      if (kind !== 'source') return connection;
      return {
        ...connection,
        look: async (request) => {
          looks += 1;
          return away ? gone() : (connection.look?.(request) ?? []);
        },
      };
    };
    const server = await stage.another({ link, clock: { ...systemClock, now: () => nowMs } });
    const source = async (): Promise<ConnectionState | undefined> =>
      (await askAt<ConnectionsPage>(server.url, '/api/v1/connections')).body.connections.find(({ kind }) => kind === 'source');
    try {
      const all = (await askAt<ConnectionsPage>(server.url, '/api/v1/connections')).body.connections;
      assert.equal(
        all.map(({ kind, state }) => `${kind} ${state}`),
        ['source answers', 'lake answers', 'sink answers', 'store answers'],
      );
      away = true;
      // Within half a minute it is not looked at again, however many ask.
      nowMs += 29_000;
      assert.is((await source())?.state, 'answers');
      assert.is(looks, 1);
      nowMs += 2_000;
      const [one, other] = await Promise.all([source(), source()]);
      assert.equal(one, other);
      assert.is(looks, 2);
      assert.equal(
        [one?.state, one?.why, one?.hint, one?.since],
        ['silent', 'connecting to 10.0.0.1: refused', 'Is it at work?', '2026-01-31T09:00:31.000Z'],
      );
      nowMs += 60_000;
      assert.equal([(await source())?.since, (await source())?.checkedAt], ['2026-01-31T09:00:31.000Z', '2026-01-31T09:01:31.000Z']);
      away = false;
      nowMs += 60_000;
      assert.equal([(await source())?.state, (await source())?.since], ['answers', '2026-01-31T09:02:31.000Z']);
    } finally {
      await stage.close();
    }
  });

  test('that hangs is silent after three seconds, and is not asked again before it has come back; an own server is not started for a look', async () => {
    const stage = await createStage();
    let begun = 0;
    let release: () => void = () => undefined;
    const hangs = new Promise<void>((resolve) => {
      release = resolve;
    });
    const link: typeof stage.parts.link = async (config, kind, name) => {
      const connection = await stage.parts.link(config, kind, name);
      return kind === 'source'
        ? {
            ...connection,
            look: async (request) => {
              begun += 1;
              await hangs;
              return connection.look?.({ ...request, signal: new AbortController().signal }) ?? [];
            },
          }
        : { ...connection, look: (request) => look(openServer(name, { url: 'embedded' }, scope), request) };
    };
    let nowMs = Date.parse('2026-01-31T09:00:00.000Z');
    const server = await stage.another({ link, clock: { ...systemClock, now: () => nowMs } });
    const states = async (): Promise<readonly string[]> =>
      (await askAt<ConnectionsPage>(server.url, '/api/v1/connections')).body.connections.map(({ kind, state }) => `${kind} ${state}`);
    try {
      assert.equal(await states(), ['source silent', 'lake answers', 'sink idle', 'store answers']);
      nowMs += 31_000;
      assert.is((await states())[0], 'source silent');
      assert.is(begun, 1);
      release();
      await waitUntil(async () => {
        nowMs += 31_000;
        return (await states())[0] === 'source answers';
      }, 'the source to answer again');
    } finally {
      release();
      await stage.close();
    }
  });

  test('is told of all, whatever the look at one of them ends with', async () => {
    const stage = await createStage();
    const link: typeof stage.parts.link = async (config, kind, name) => {
      const connection = await stage.parts.link(config, kind, name);
      return kind === 'source'
        ? { ...connection, look: () => Promise.reject(new TypeError('a defect at postgres://me:s3cr3t@here/')) }
        : connection;
    };
    const server = await stage.another({ link });
    try {
      const { status, body, text } = await askAt<ConnectionsPage>(server.url, '/api/v1/connections');
      assert.is(status, 200);
      assert.equal(
        body.connections.map(({ kind, state }) => `${kind} ${state}`),
        ['source silent', 'lake answers', 'sink answers', 'store answers'],
      );
      assert.not.match(text, /s3cr3t/);
    } finally {
      await stage.close();
    }
  });

  test('an answer that is late blames nothing that is not known', async () => {
    const stage = await createStage();
    const slow: Routes = (app) => void app.get('/slow', { handlerTimeout: 50, config: { open: true } }, () => new Promise(() => undefined));
    try {
      const { status, error } = await askAt((await stage.another({ routes: [slow] })).url, '/slow');
      assert.equal([status, error?.code], [503, 'answer.late']);
      assert.match(
        error?.hint ?? '',
        /^Ask again in a while\. engine doctor says whether the state store, sources, sinks and the lake answer\.$/,
      );
    } finally {
      await stage.close();
    }
  });
});
