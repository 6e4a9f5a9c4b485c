import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Client } from 'pg';
import * as assert from 'uvu/assert';
import { systemClock } from '../../../engine/base/clock.ts';
import { EngineError } from '../../../engine/error.ts';
import type { Store } from '../../../engine/store.ts';
import { createPostgresStore } from '../../../engine/stores/postgres.ts';
import { storeConformance } from '../../conformance/store.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { suite } from '../../support/suite.ts';
import { waitUntil } from '../../support/wait.ts';

const schema = 'odd "state" schema';

storeConformance('postgres', async (clock) => {
  const database = await freshDatabase('store');
  const stores: Store[] = [];
  return {
    async open() {
      const store = createPostgresStore({ connect: () => database.client(), schema, clock });
      stores.push(store);
      return store;
    },
    async remove() {
      for (const store of stores) await store.close();
      await database.drop();
    },
  };
});

suite('store on postgres', ({ test }) => {
  const withDatabase = (title: string, body: (database: TestDatabase, open: () => Store) => Promise<void>): void =>
    test(title, async () => {
      const database = await freshDatabase('store');
      const stores: Store[] = [];
      try {
        await body(database, () => {
          const store = createPostgresStore({ connect: () => database.client(), schema, clock: systemClock });
          stores.push(store);
          return store;
        });
      } finally {
        for (const store of stores) await store.close();
        await database.drop();
      }
    });

  withDatabase('a schema that is newer than the engine is refused', async (database, open) => {
    await open().migrate();
    const client = await database.client();
    await client.query('INSERT INTO "odd ""state"" schema".migrations (number, name) VALUES (999, $1)', ['future']);
    for (const work of [() => open().migrate(), () => open().exists()]) {
      const error = await work().then(
        () => undefined,
        (e: unknown) => e,
      );
      assert.is(error instanceof EngineError ? error.code : error, 'store.newer');
    }
    await client.end();
  });

  withDatabase('looking whether the store exists creates nothing', async (database, open) => {
    assert.is(await open().exists(), false);
    const client = await database.client();
    const { rows } = await client.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema]);
    assert.is(rows.length, 0);
    await client.end();
  });

  withDatabase('a role without rights is told which one it lacks', async (database, open) => {
    const client = await database.client();
    const role = `poor_${database.name}`;
    await client.query(`CREATE ROLE "${role}"`);
    const connect = async () => {
      const session = await database.client();
      await session.query(`SET ROLE "${role}"`);
      return session;
    };
    const poor = createPostgresStore({ connect, schema, clock: systemClock });
    const error = await poor.migrate().then(
      () => undefined,
      (e: unknown) => e,
    );
    assert.is(error instanceof EngineError ? error.code : error, 'store.no-right');
    await poor.close();
    await open().migrate();
    await client.query(`DROP ROLE "${role}"`);
    await client.end();
  });

  withDatabase('a process that was killed frees its leases and its run', async (database, open) => {
    const store = open();
    await store.migrate();
    const child = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'hold-lease.ts'), database.url, schema], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const refused = await store.lease('t', { runId: 'mine', host: 'here', pid: 1 }).then(
      () => undefined,
      (e: unknown) => e,
    );
    assert.is(refused instanceof EngineError ? refused.code : refused, 'lease.held');
    child.kill('SIGKILL');
    await once(child, 'close');
    // The server notices a closed socket as soon as it looks; ask until then.
    const deadline = Date.now() + 10_000;
    while ((await store.leases()).length > 0 && Date.now() < deadline) await new Promise((resolve) => setImmediate(resolve));
    assert.ok((await store.lease('t', { runId: 'mine', host: 'here', pid: 1 })).token > 1);
    assert.equal(await store.sweep(), ['theirs']);
  });

  withDatabase(
    'a process that stands still counts as dead after ten seconds, and has lost its lease when it wakes up',
    async (database, open) => {
      const store = open();
      await store.migrate();
      const child = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'hold-lease.ts'), database.url, schema], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      try {
        let said = '';
        child.stdout.on('data', (chunk: Buffer) => {
          said += chunk.toString();
        });
        await waitUntil(() => said.includes('held'), 'the lease to be held', 20_000);
        child.kill('SIGSTOP');
        const began = Date.now();
        assert.is((await store.leases()).length, 1, 'its sessions and locks are still there');
        await waitUntil(async () => (await store.leases()).length === 0, 'the process to count as dead', 20_000);
        assert.ok(Date.now() - began > 5_000);
        assert.equal(await store.sweep(), ['theirs']);
        assert.ok((await store.lease('t', { runId: 'mine', host: 'here', pid: 1 })).token > 1);
        child.kill('SIGCONT');
        await waitUntil(() => said.includes('lease.lost'), 'it to find out', 20_000);
        assert.is((await store.leases())[0]?.runId, 'mine');
      } finally {
        child.kill('SIGKILL');
      }
    },
  );

  withDatabase(
    'a process that stands still in the middle of a transaction holds nobody up for longer than it takes to count as dead',
    async (database, open) => {
      const taker = open();
      await taker.migrate();
      const sessions: Client[] = [];
      const sleeper = createPostgresStore({
        connect: async (label) => {
          const client = await database.client();
          if (label === 'state') sessions.push(client);
          return client;
        },
        schema,
        clock: systemClock,
      });
      await sleeper.lease('t', { runId: 'theirs', host: 'there', pid: 1 });
      const session = sessions[0];
      if (session === undefined) throw new Error('no session of the store');
      // As if it had been stopped here: the row is changed and the transaction open.
      await session.query('BEGIN');
      await session.query(`UPDATE "odd ""state"" schema".leases SET token = token`);
      const began = Date.now();
      await taker.lease('t', { runId: 'theirs', host: 'here', pid: 2 });
      const tookMs = Date.now() - began;
      assert.ok(tookMs > 5_000 && tookMs < 20_000, `took ${tookMs} ms`);
      await sleeper.close();
    },
  );

  withDatabase('a store that was made anew counts its tokens in another scope', async (database, open) => {
    const first = open();
    await first.migrate();
    const one = await first.lease('t', { runId: 'r1', host: 'here', pid: 1 });
    assert.is((await first.lease('u', { runId: 'r1', host: 'here', pid: 1 })).scope, one.scope);
    await first.close();
    const client = await database.client();
    await client.query('DROP SCHEMA "odd ""state"" schema" CASCADE');
    await client.end();
    const second = open();
    await second.migrate();
    assert.is.not((await second.lease('t', { runId: 'r1', host: 'here', pid: 1 })).scope, one.scope);
  });

  withDatabase('a lost session does not lose the lease while nobody else takes it', async (database, open) => {
    const store = open();
    await store.migrate();
    const lease = await store.lease('t', { runId: 'r1', host: 'here', pid: 1 });
    const client = await database.client();
    await client.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    );
    const until = Date.now() + 10_000;
    let error: unknown = new Error('never tried');
    while (error !== undefined && Date.now() < until)
      error = await lease
        .check()
        .then(() => store.leases())
        .then(
          (held) => (held.length === 1 ? undefined : new Error('the lease is not held')),
          (e: unknown) => e,
        );
    assert.is(error, undefined);
    await client.end();
  });
});
