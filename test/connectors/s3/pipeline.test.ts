import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import * as assert from 'uvu/assert';
import { openS3 } from '../../../connectors/s3/client.ts';
import { openS3Lake } from '../../../connectors/s3/lake.ts';
import { s3Settings } from '../../../connectors/s3/settings.ts';
import { makeCertificates } from '../../support/certificates.ts';
import { differenceOf } from '../../support/compare.ts';
import { readDelta, storageOptions } from '../../support/deltalake.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { createRig, type Rig } from '../../support/rig.ts';
import { onEachS3, type S3Server, startS3 } from '../../support/s3.ts';

const yaml = `
version: 1
sources: { production: { type: postgres, url: "\${SOURCE_URL}" } }
lake: { type: s3, bucket: lake, prefix: "team a/data", endpoint: "\${LAKE_ENDPOINT}" }
sinks: { warehouse: { type: postgres, url: "\${WAREHOUSE_URL}", schema: staging } }
defaults: { cursor: updated_at }
tables:
  users: { lake: { targetFileSize: 1MB } }
pipelines:
  full: { mode: full, tables: [users] }
  changed: { mode: incremental, tables: [users] }
`;

await onEachS3('a pipeline with its lake on S3', ({ test, before, after }, s3, kind) => {
  let server: S3Server;
  let source: TestDatabase;
  let warehouse: TestDatabase;
  let from: pg.Client;
  let to: pg.Client;
  let rig: Rig;

  before(async () => {
    server = s3();
    source = await freshDatabase('s3');
    warehouse = await freshDatabase('s3_dw');
    from = await source.client();
    to = await warehouse.client();
    await from.query('CREATE TABLE users (id int PRIMARY KEY, name text, updated_at timestamptz NOT NULL DEFAULT now())');
    await from.query('INSERT INTO users SELECT g, md5(g::text) || md5((-g)::text), now() FROM generate_series(1, 200000) g');
    rig = await createRig({ 'pipelines.yaml': yaml });
    Object.assign(rig.env, server.env, { SOURCE_URL: source.url, WAREHOUSE_URL: warehouse.url, LAKE_ENDPOINT: server.endpoint });
  });
  after(async () => {
    await rig?.cleanup();
    await source?.drop();
    await warehouse?.drop();
  });

  const run = async (...args: readonly string[]): Promise<string> => {
    const done = await rig.engine('run', ...args);
    assert.is(done.code, 0, `${done.stdout}\n${done.stderr}`);
    assert.not.match(done.stdout + done.stderr, /AWS SDK|NodeVersionSupportWarning|Warning:/);
    return done.stdout;
  };
  const stagingIsTheSource = async (): Promise<void> => {
    const d = await differenceOf(from, { schema: 'public', name: 'users' }, to, { schema: 'staging', name: 'users' });
    assert.equal([d.onlyLeft.slice(0, 3), d.onlyRight.slice(0, 3)], [[], []]);
  };

  test('a full run and two incremental ones end with staging as the source', async () => {
    await run('--pipeline', 'full');
    await stagingIsTheSource();
    await from.query("UPDATE users SET name = 'changed', updated_at = now() WHERE id % 100 = 0");
    await from.query("INSERT INTO users SELECT g, 'new', now() FROM generate_series(200001, 200100) g");
    await run('--pipeline', 'changed');
    await stagingIsTheSource();
    await run('--pipeline', 'changed');
    await stagingIsTheSource();
  });

  test('several parts came of the full extract, and none is left on this machine', async () => {
    const s3 = openS3(s3Settings({ bucket: 'lake', prefix: 'team a/data', endpoint: server.endpoint }));
    const lake = openS3Lake(s3, rig.root);
    const parts: string[] = [];
    for await (const file of lake.list('users'))
      if (file.path.endsWith('.parquet') && !file.path.includes('_delta_log')) parts.push(file.path);
    await s3.close();
    assert.ok(parts.length >= 4, `${parts.length} parts`);
    assert.equal(readdirSync(join(rig.root, '.engine', 'tmp')), []);
  });

  test('delta-rs reads the table from the bucket: each key at its latest is the source', async () => {
    const table = await readDelta(
      `s3://lake/team a/data/users`,
      'SELECT count(DISTINCT id) AS keys, max(id) AS newest FROM t',
      'nothing',
      storageOptions(server),
    );
    assert.is(table.version, 2);
    assert.equal(table.rows, [{ keys: 200100, newest: 200100 }]);
  });

  test('engine query and engine plan read the lake', async () => {
    const asked = await rig.json('query', '--json', "SELECT count(*) AS n, count(*) FILTER (name = 'changed') AS changed FROM users");
    assert.is(asked.code, 0, asked.stderr);
    assert.match(asked.stdout, /200100/);
    const planned = await rig.engine('plan', '--pipeline', 'changed');
    assert.is(planned.code, 0, planned.stderr);
  });

  test('engine doctor finds the lake in order', async () => {
    const done = await rig.engine('doctor');
    assert.match(done.stdout, /of eight writers one wins/, `${done.stdout}\n${done.stderr}`);
    assert.is(done.code, 0, done.stdout);
  });

  test('a lake behind TLS is trusted by the file in the configuration, or by NODE_EXTRA_CA_CERTS', async () => {
    const certificates = makeCertificates(rig.root, 'nobody');
    const secure = await startS3(kind, { certificate: { cert: certificates.serverCert, key: certificates.serverKey } });
    try {
      const tls = yaml.replace('"${LAKE_ENDPOINT}"', secure.endpoint);
      rig.write('tls.yaml', tls);
      rig.write('ca.yaml', tls.replace('type: s3,', 'type: s3, caFile: ca.crt,'));
      const show = (config: string) => rig.engine('query', '--config', join(rig.root, config), 'SHOW TABLES');
      const refused = await show('tls.yaml');
      assert.is(refused.code, 3, refused.stdout);
      assert.match(refused.stderr, /certificate is not trusted/);
      const trusted = await show('ca.yaml');
      assert.is(trusted.code, 0, trusted.stderr);
      rig.env.NODE_EXTRA_CA_CERTS = certificates.authority;
      const extra = await show('tls.yaml');
      assert.is(extra.code, 0, extra.stderr);
    } finally {
      delete rig.env.NODE_EXTRA_CA_CERTS;
      await secure.close();
    }
  });

  test('a bucket that is not there is a failure of the world, with the way out and without the secret', async () => {
    rig.write('other.yaml', yaml.replace('bucket: lake', 'bucket: not-there'));
    const done = await rig.engine('run', '--config', join(rig.root, 'other.yaml'), '--pipeline', 'full');
    assert.is(done.code, 3, done.stdout);
    assert.match(done.stdout + done.stderr, /no such bucket/);
    assert.not.match(done.stdout + done.stderr, new RegExp(server.credentials.secretAccessKey.replace('+', '\\+')));
  });
});
