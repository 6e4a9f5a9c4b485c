import * as assert from 'uvu/assert';
import type { ActionsPage, Queued } from '../../../engine/api.ts';
import type { ConfigPage, DoctorPage, IncidentsPage, SettingsPage } from '../../../engine/api-settings.ts';
import { EngineError } from '../../../engine/error.ts';
import type { Problem } from '../../../engine/problem.ts';
import { configOf, pipelineOf, tableOf } from '../../support/config.ts';
import { suite } from '../../support/suite.ts';
import { createStage, type Stage } from './stage.ts';

const secrets = ['s3cr3t-source', 's3cr3t-hook', 's3cr3t-smtp', 's3cr3t-header', 's3cr3t/odd'];
const problem = (key: string): Problem => ({
  key,
  kind: 'failed',
  severity: 'error',
  pipeline: 'sync',
  since: '2026-01-31T09:00:00.000Z',
  text: 'run 1 failed',
  hint: 'engine logs 1',
});
const config = configOf(
  [tableOf('users')],
  [
    pipelineOf('sync', ['users'], {
      alerts: { lateAfterMs: undefined, freshnessMs: undefined, heldForMs: undefined, to: ['ops', 'mute'] },
    }),
  ],
  {
    sources: {
      production: {
        name: 'production',
        type: 'postgres',
        url: 'postgres://app:s3cr3t-source@db.example:5433/shop?sslpassword=s3cr3t-source',
      },
      odd: { name: 'odd', type: 'postgres', url: 'postgres://app:5/s3cr3t/odd@db.example/shop' },
    },
    alerts: {
      channels: {
        ops: { type: 'slack', name: 'ops', url: 'https://hooks.example/s3cr3t-hook' },
        hook: { type: 'webhook', name: 'hook', url: 'https://hooks.example/s3cr3t-hook', headers: { 'X-Key': 's3cr3t-header' } },
        mail: { type: 'email', name: 'mail', smtp: 'smtps://me:s3cr3t-smtp@mail.example', from: 'a@b.example', to: ['c@d.example'] },
      },
      off: ['mute'],
      heartbeat: { url: 'https://beat.example/s3cr3t-hook', everyMs: 60_000 },
    },
  },
);

suite('settings, health and what was done, by the API', ({ test, before, after }) => {
  let stage: Stage;
  const sent: string[] = [];
  let wait: Promise<unknown> = Promise.resolve();
  before(async () => {
    stage = await createStage({
      config: async () => config,
      settings: {
        standing: () => ({ takenAt: '2026-01-31T09:00:00.000Z', refused: { at: '2026-01-31T10:00:00.000Z', why: 'it has findings' } }),
        file: async () => ({ file: '/project/pipelines.yaml', inForce: false, lines: ['version: 1'], findings: [], unreadable: undefined }),
        doctor: async () => {
          await wait;
          return [{ part: 'lake', subject: 'folder', outcome: 'ok', message: 'written to postgres://app:s3cr3t-source@db.example/shop' }];
        },
        testChannel: async (_config, name) => {
          sent.push(name);
          if (name === 'hook') throw new EngineError('outside', 'alarm.not-sent', 'hooks.example answered 404');
        },
      },
    });
  });
  after(() => stage?.close());
  const get = async <T>(path: string) => (await stage.ask<T>(`/api/v1${path}`)).body;
  const post = <T>(path: string) => stage.ask<T>(`/api/v1${path}`, { method: 'POST' });

  test('what is in force is told without a secret, places that leave a doubt included', async () => {
    await stage.makeToken('anna');
    const answer = await stage.ask<SettingsPage>('/api/v1/settings');
    assert.is(answer.status, 200);
    for (const secret of secrets) assert.not.ok(answer.text.includes(secret), secret);
    const { body } = answer;
    assert.equal(
      body.sources.map(({ place }) => place),
      ['db.example:5433/shop', 'as it is written in pipelines.yaml'],
    );
    assert.equal(
      body.channels.map(({ name, type, off, pipelines }) => [name, type, off, pipelines]),
      [
        ['ops', 'slack', false, ['sync']],
        ['hook', 'webhook', false, []],
        ['mail', 'email', false, []],
        ['mute', undefined, true, ['sync']],
      ],
    );
    assert.equal(
      body.tokens.map(({ name }) => name),
      ['anna'],
    );
    assert.equal(Object.keys(body.tokens[0] ?? {}).sort(), ['createdAt', 'name']);
    assert.ok((body.state.bytes ?? 0) > 100_000, String(body.state.bytes));
    assert.equal(body.config.refused, { at: '2026-01-31T10:00:00.000Z', why: 'it has findings' });
    assert.is((await get<ConfigPage>('/config')).inForce, false);
  });

  test('a look at everything is made when it is asked for, once at a time, recorded, and kept', async () => {
    assert.equal(await get('/doctor'), {});
    let over: (value?: unknown) => void = () => undefined;
    wait = new Promise((resolve) => {
      over = resolve;
    });
    const first = post('/doctor');
    let busy = await post('/doctor');
    while (busy.status === 200) busy = await post('/doctor');
    assert.equal([busy.status, busy.error?.code], [429, 'doctor.busy']);
    assert.ok((await get<DoctorPage>('/doctor')).runningSince !== undefined);
    over();
    assert.is((await first).status, 200);
    const { last, runningSince } = await get<DoctorPage>('/doctor');
    assert.is(runningSince, undefined);
    assert.equal([last?.by, last?.checks[0]?.outcome], ['local', 'ok']);
    assert.not.match(JSON.stringify(last), /s3cr3t-source/);
    const { actions } = await get<ActionsPage>('/actions?action=doctor');
    assert.is(actions[0]?.outcome, '1 ok, 0 to look at, 0 failed');
    assert.match(actions.at(-1)?.outcome ?? '', /^refused: somebody looks already/);
  });

  test('a channel is tested when somebody asks, and what became of it is told and recorded', async () => {
    assert.equal((await post('/alerts/ops/test')).body, { outcome: 'taken' });
    const failed = await post('/alerts/hook/test');
    assert.equal([failed.status, failed.error?.message], [503, 'hook did not take it: hooks.example answered 404']);
    assert.equal([(await post('/alerts/mute/test')).status, (await post('/alerts/opps/test')).error?.hint], [409, 'Did you mean ops?']);
    assert.equal(sent, ['ops', 'hook']);
    const { actions } = await get<ActionsPage>('/actions?action=test-channel');
    assert.equal(
      actions.map(({ subject, outcome }) => [subject, outcome.startsWith('refused')]),
      [
        ['opps', true],
        ['mute', true],
        ['hook', true],
        ['ops', false],
      ],
    );
  });

  test('a token is revoked at once, and that is recorded', async () => {
    const token = await stage.makeToken('bert');
    const mine = { headers: { authorization: `Bearer ${token}`, 'x-forwarded-for': '10.0.0.9' } };
    assert.is((await stage.ask('/api/v1/settings', mine)).status, 200);
    assert.is((await stage.ask('/api/v1/tokens/bert', { method: 'DELETE' })).status, 200);
    assert.is((await stage.ask('/api/v1/settings', mine)).status, 401);
    assert.is((await stage.ask('/api/v1/tokens/bert', { method: 'DELETE' })).error?.code, 'token.unknown');
    assert.equal((await get<ActionsPage>('/actions?action=revoke-token&refused=true')).actions.length, 1);
  });

  test('what was done is found by who, what, and the pipeline that it was about', async () => {
    await post('/pipelines/sync/pause');
    await post('/pipelines/sync/resume');
    await post('/pipelines/nobody/pause');
    const { entry } = (await post<Queued>('/pipelines/sync/runs')).body;
    await stage.ask(`/api/v1/queue/${entry.id}`, { method: 'DELETE' });
    await stage.keepRun('run-1', 'sync', [{ type: 'run.succeeded' }]);
    await stage.keepRun('run-2', 'elsewhere', [{ type: 'run.succeeded' }]);
    await post('/runs/run-1/retry');
    await post('/runs/run-2/retry');
    const found = async (query: string): Promise<readonly string[]> =>
      (await get<ActionsPage>(`/actions?${query}`)).actions.map(({ action, subject }) => `${action} ${subject}`);
    assert.equal(await found('pipeline=sync'), ['retry run-1', `dequeue ${entry.id}`, 'trigger sync', 'resume sync', 'pause sync']);
    assert.equal(await found('pipeline=sync&refused=true'), ['retry run-1']);
    assert.equal(await found('pipeline=nobody'), ['pause nobody']);
    assert.equal(await found('action=pause'), ['pause nobody', 'pause sync']);
    assert.equal(await found('who=nobody'), []);
    assert.ok((await found('who=local&limit=2')).length === 2);
    assert.is((await stage.ask('/api/v1/actions?action=steal')).status, 400);
  });

  test('what rang is told page by page, the newest first', async () => {
    const lead = await stage.store.lease('daemon', stage.parts.self);
    const ids = ['01A', '01B', '01C', '01D'];
    for (const [n, id] of ids.entries())
      await stage.store.incidents?.record(lead, {
        // Two at the same moment.
        at: new Date(Date.parse('2026-01-31T09:00:00Z') + Math.floor(n / 2) * 60_000).toISOString(),
        opened: [{ id, problem: problem(`failed:${id}`), channels: id === '01D' ? ['ops'] : [], over: false }],
        closed: n === 2 ? ['01A'] : [],
      });
    const first = await get<IncidentsPage>('/incidents?limit=2');
    assert.equal(
      first.incidents.map(({ id }) => id),
      ['01D', '01C'],
    );
    assert.equal(
      first.incidents[0]?.deliveries.map(({ channel, state, attempts }) => [channel, state, attempts]),
      [['ops', 'due', 0]],
    );
    const second = await get<IncidentsPage>(`/incidents?limit=2&before=${first.next}`);
    assert.equal(
      second.incidents.map(({ id, closedAt }) => [id, closedAt]),
      [
        ['01B', undefined],
        ['01A', '2026-01-31T09:01:00.000Z'],
      ],
    );
    assert.equal((await get<IncidentsPage>('/incidents?limit=2&before=01A')).incidents, []);
  });

  test('none of it is done for a page of another server, or for somebody without a token', async () => {
    for (const [method, path] of [
      ['POST', '/doctor'],
      ['POST', '/alerts/ops/test'],
      ['DELETE', '/tokens/anna'],
    ] as const) {
      const foreign = await stage.ask(`/api/v1${path}`, { method, headers: { origin: 'https://evil.example' } });
      assert.is(foreign.status, 403, path);
      const stranger = await stage.ask(`/api/v1${path}`, { method, headers: { 'x-forwarded-for': '10.0.0.9' } });
      assert.is(stranger.status, 401, path);
    }
    for (const path of ['/settings', '/config', '/doctor', '/incidents', '/schedule?from=2026-01-01'])
      assert.is((await stage.ask(`/api/v1${path}`, { headers: { 'x-forwarded-for': '10.0.0.9' } })).status, 401, path);
  });
});
