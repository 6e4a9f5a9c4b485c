import pg from 'pg';
import { systemClock } from '../../../engine/base/clock.ts';
import { EngineError } from '../../../engine/error.ts';
import { createPostgresStore } from '../../../engine/stores/postgres.ts';

/** A process that begins a run, holds a lease, says so on stdout, looks after its lease twice a second and stays until it is killed. Arguments: URL, schema. */
const [url = '', schema = ''] = process.argv.slice(2);
const store = createPostgresStore({
  connect: async () => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return client;
  },
  schema,
  clock: systemClock,
});
const who = { runId: 'theirs', host: 'there', pid: process.pid };
await store.append([
  {
    seq: 1,
    at: new Date(systemClock.now()).toISOString(),
    ...who,
    type: 'run.started',
    pipeline: 'p',
    mode: 'full',
    trigger: 'cli',
    nodes: [],
    engine: '0',
    request: {},
  },
]);
const lease = await store.lease('t', who);
process.stdout.write('held\n');
setInterval(() => {
  lease.check().catch((error: unknown) => process.stdout.write(`${error instanceof EngineError ? error.code : String(error)}\n`));
}, 500);
