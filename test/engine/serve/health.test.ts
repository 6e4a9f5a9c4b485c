import fastify, { type FastifyInstance } from 'fastify';
import * as assert from 'uvu/assert';
import { EngineError } from '../../../engine/error.ts';
import { healthRoutes, type Readiness } from '../../../engine/serve/health.ts';
import { createPulse, type Pulse } from '../../../engine/serve/pulse.ts';
import { createTestClock, type TestClock } from '../../support/clock.ts';
import { suite } from '../../support/suite.ts';

interface Stage {
  readonly clock: TestClock;
  readonly pulse: Pulse;
  readonly server: FastifyInstance;
  readonly stop: AbortController;
  exists: () => Promise<boolean>;
  asked: number;
  ready(): Promise<{ readonly code: number; readonly body: Readiness }>;
}

function stage(): Stage {
  const clock = createTestClock();
  const pulse = createPulse(clock);
  const server = fastify();
  const stop = new AbortController();
  const it: Stage = {
    clock,
    pulse,
    server,
    stop,
    asked: 0,
    exists: async () => true,
    async ready() {
      const { statusCode, body } = await server.inject('/readyz');
      return { code: statusCode, body: JSON.parse(body) as Readiness };
    },
  };
  const store = {
    exists: () => {
      it.asked += 1;
      return it.exists();
    },
  };
  healthRoutes(server, { store, clock, pulse, signal: stop.signal });
  return it;
}

suite('health', ({ test }) => {
  test('a daemon whose scheduler takes its turns and whose store answers is ready, leading or not', async () => {
    const { pulse, ready } = stage();
    pulse.turned(false);
    assert.equal(await ready(), {
      code: 200,
      body: {
        ready: true,
        checks: {
          store: { ok: true },
          migrated: { ok: true },
          scheduler: { ok: true, leads: false, lastTurnSeconds: 0 },
          staying: { ok: true },
        },
      },
    });
    pulse.turned(true);
    assert.is((await ready()).body.checks.scheduler.leads, true);
  });

  test('before the first turn, and half a minute after the last one, it is not', async () => {
    const { clock, pulse, ready } = stage();
    const never = await ready();
    assert.is(never.code, 503);
    assert.equal(never.body.checks.scheduler, { ok: false, leads: false });
    pulse.turned(true);
    await clock.advance(30_000);
    assert.is((await ready()).code, 200);
    await clock.advance(1_000);
    const late = await ready();
    assert.is(late.code, 503);
    assert.equal(late.body.checks.scheduler, { ok: false, leads: false, lastTurnSeconds: 31 });
    pulse.turned(true);
    assert.is((await ready()).code, 200);
  });

  test('a store that fails, is not migrated or is newer than the engine is named by its code, and by nothing that tells where it is', async () => {
    const it = stage();
    it.pulse.turned(true);
    it.exists = async () => {
      throw new EngineError('outside', 'store.failed', 'the state store at db.example.com failed');
    };
    const failed = await it.ready();
    assert.is(failed.code, 503);
    assert.equal(failed.body.checks.store, { ok: false, code: 'store.failed' });
    assert.not.match(JSON.stringify(failed), 'example.com');
    await it.clock.advance(1_000);
    it.exists = async () => false;
    const behind = await it.ready();
    assert.equal([behind.code, behind.body.checks.store, behind.body.checks.migrated], [503, { ok: true }, { ok: false }]);
    await it.clock.advance(1_000);
    it.exists = async () => {
      throw new EngineError('refused', 'store.newer', 'too new');
    };
    assert.equal((await it.ready()).body.checks.migrated, { ok: false, code: 'store.newer' });
    await it.clock.advance(1_000);
    it.exists = async () => true;
    assert.is((await it.ready()).code, 200);
  });

  test('a store that hangs is asked once, and each caller is answered in time', async () => {
    const it = stage();
    it.pulse.turned(true);
    let answer = (_: boolean): void => undefined;
    it.exists = () => new Promise((resolve) => (answer = resolve));
    for (let i = 0; i < 3; i += 1) {
      const asked = it.ready();
      await it.clock.sleeping(3_000);
      await it.clock.advance(3_000);
      assert.equal((await asked).body.checks.store, { ok: false, code: 'store.silent' });
    }
    assert.is(it.asked, 1);
    answer(true);
    it.pulse.turned(true);
    assert.is((await it.ready()).code, 200);
    assert.is(it.asked, 1, 'what it said at last is known');
  });

  test('once it was told to stop it is not ready, and still alive', async () => {
    const { pulse, stop, ready, server } = stage();
    pulse.turned(true);
    stop.abort();
    const { code, body } = await ready();
    assert.equal([code, body.checks.staying], [503, { ok: false }]);
    assert.is((await server.inject('/healthz')).statusCode, 200);
  });
});
