import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { PipelinePage, Queued, RunPage } from '../../engine/api.ts';
import type { QueueEntry } from '../../engine/queue.ts';
import type { RunState } from '../../engine/run.ts';
import { pageOf } from '../support/page-of.ts';
import { freshDatabase, type TestDatabase } from '../support/postgres.ts';
import { createRig, type Rig } from '../support/rig.ts';

/** The sample project with a daemon that has been at work on real rows for a while, and not everything went well. */
export interface World {
  /** Where the page is. */
  readonly url: string;
  /** A run that failed, and one that succeeded. */
  readonly failed: string;
  readonly succeeded: string;
  close(): Promise<void>;
}

const rounds = 12;

/**
 * Runs the four pipelines again and again with changes between; then dbt's tests of `users` begin to fail, and a transaction in the source that is left open keeps the
 * fence of `transactions` back. Takes some two minutes.
 */
export async function makeWorld(tell: (text: string) => void): Promise<World> {
  const source = await freshDatabase('production');
  const warehouse = await freshDatabase('warehouse');
  const rig = await createRig();
  Object.assign(rig.env, { SOURCE_URL: source.url, WAREHOUSE_URL: warehouse.url, MASK_SALT: 'not a secret: rows are made up' });
  const close = async (): Promise<void> => {
    await rig.cleanup();
    await source.drop();
    await warehouse.drop();
  };
  try {
    return { ...(await live(rig, source, tell)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function live(rig: Rig, source: TestDatabase, tell: (text: string) => void): Promise<Omit<World, 'close'>> {
  await engine(rig, 'init', '.');
  rig.write('pipelines.yaml', withLimits(rig.read('pipelines.yaml')));
  await engine(rig, 'generate', 'initial', '--users', '2000', '--transactions', '40000', '--seed', '1');
  const daemon = rig.start('daemon', '--listen', '127.0.0.1:0');
  const url = await pageOf(daemon, { leads: true });
  const client = await source.client();
  await ended(url, await trigger(url, 'batch_users_full_update'), 'succeeded');
  await ended(url, await trigger(url, 'batch_transactions_full_update'), 'succeeded');
  let succeeded = '';
  for (let round = 1; round <= rounds; round += 1) {
    tell(`round ${round} of ${rounds}`);
    await engine(rig, 'generate', 'daily', '--inserts', String(100 + 90 * (round % 4)), '--updates', String(400 + 150 * (round % 3)));
    const entry = await trigger(url, 'incremental_users');
    succeeded = await ended(url, await trigger(url, 'incremental_transactions'), 'succeeded');
    await ended(url, entry, 'succeeded');
  }
  await oneIsCancelled(url, source);
  tell('a value that no test of dbt allows, and a transaction that is left open');
  await client.query("UPDATE public.users SET status = 'purged', updated_at = now() WHERE id % 400 = 0");
  const failed = await ended(url, await trigger(url, 'incremental_users'), 'failed');
  await leaveOpen(await source.client());
  // Longer than the limit.
  await sleep(2_000);
  await ended(url, await trigger(url, 'incremental_transactions'), 'succeeded');
  return { url, failed, succeeded };
}

/** Limits to hold tables against, and schedules that do not interfere with what is asked for here. */
function withLimits(yaml: string): string {
  return yaml
    .replace('  cursor: updated_at\n', '  cursor: updated_at\n  alerts: { freshness: 45m, heldFor: 1s }\n')
    .replace('"*/15 * * * *"', '"0 * * * *"')
    .replace('"5,20,35,50 * * * *"', '"* * * * *"');
}

/** Nobody goes on with it: it is over for good. */
async function oneIsCancelled(url: string, source: TestDatabase): Promise<void> {
  const locker = await source.client();
  await locker.query('BEGIN; LOCK TABLE public.transactions IN ACCESS EXCLUSIVE MODE');
  const entry = await trigger(url, 'incremental_transactions');
  const runId = await started(url, entry);
  await ask(url, `/runs/${runId}/cancel`, 'POST');
  await locker.query('ROLLBACK');
  await locker.end();
  await ended(url, entry, 'cancelled');
}

async function leaveOpen(client: pg.Client): Promise<void> {
  await client.query("SET application_name = 'month-end report'");
  await client.query('BEGIN; UPDATE public.transactions SET updated_at = now() WHERE id = 1');
}

async function engine(rig: Rig, ...args: readonly string[]): Promise<void> {
  const { code, stderr } = await rig.engine(...args);
  if (code !== 0) throw new Error(`engine ${args.join(' ')} ended with ${code}: ${stderr}`);
}

async function ask<T>(url: string, path: string, method = 'GET'): Promise<T> {
  const answer = await fetch(`${url}/api/v1${path}`, { method });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as T;
}

async function trigger(url: string, pipeline: string): Promise<QueueEntry> {
  return (await ask<Queued>(url, `/pipelines/${pipeline}/runs`, 'POST')).entry;
}

async function started(url: string, { id, pipeline }: QueueEntry): Promise<string> {
  for (;;) {
    const { entries } = await ask<PipelinePage>(url, `/pipelines/${pipeline}`);
    const runId = entries.find((entry) => entry.id === id)?.runId;
    if (runId !== undefined) return runId;
    await sleep(200);
  }
}

async function ended(url: string, entry: QueueEntry, state: RunState): Promise<string> {
  const runId = await started(url, entry);
  for (;;) {
    const { run } = await ask<RunPage>(url, `/runs/${runId}`);
    if (run.endedAt !== undefined) {
      if (run.state !== state) throw new Error(`run ${runId} of ${run.pipeline} is ${run.state}, not ${state}`);
      return runId;
    }
    await sleep(200);
  }
}
