import * as assert from 'uvu/assert';
import type { Config, LakeConfig } from '../../../engine/config.ts';
import type { Connection, DatabaseParameters } from '../../../engine/connector.ts';
import { EngineError } from '../../../engine/error.ts';
import { type Places, placesOf, tableDataset } from '../../../engine/exporters/places.ts';
import { buildGraph } from '../../../engine/graph.ts';
import type { Plan } from '../../../engine/plan.ts';
import { configOf, pipelineOf, tableOf } from '../../support/config.ts';
import { suite } from '../../support/suite.ts';

const pipeline = pipelineOf('shop', ['users'], { dbt: ['users'] });
const config = configOf([tableOf('users')], [pipeline]);
const at = (host: string, port: number, database: string): DatabaseParameters => ({ host, port, database }) as DatabaseParameters;

/** Where the nodes of the real graph read and write, with databases that answer like that. */
async function placesIn(
  lake: LakeConfig,
  parameters: (kind: string) => DatabaseParameters | Promise<DatabaseParameters>,
  embedded = false,
): Promise<Places> {
  const found: Config = { ...config, lake };
  const { nodes } = buildGraph(found, pipeline, [tableOf('users')], true);
  const connection = (kind: string, name: string): Connection => ({
    name,
    type: 'postgres',
    database: {
      parameters: async () => parameters(kind),
      connect: () => Promise.reject(new Error('nobody connects')),
      ...(embedded
        ? {
            embedded: {
              folder: '/x',
              isRunning: async () => true,
              keep: async () => undefined,
              stop: async (): Promise<'not running'> => 'not running',
            },
          }
        : {}),
    },
    close: async () => undefined,
  });
  return placesOf({ config: found, plan: { nodes } as unknown as Plan, connection: async (kind, name) => connection(kind, name) });
}

const servers = (kind: string): DatabaseParameters =>
  kind === 'source' ? at('db.example.com', 5432, 'shop') : at('/run/postgresql', 5433, 'dw');

suite('where nodes read and write, by the naming rules of OpenLineage', ({ test }) => {
  test('tables of databases, in a folder and in a bucket', async () => {
    const places = await placesIn({ type: 'file', path: '/srv/lake' }, servers);
    const extract = places.node('extract users');
    assert.equal(extract.lake, { namespace: 'file', name: '/srv/lake/users', folder: 'users' });
    if (extract.source === undefined) throw new Error('no source');
    assert.equal(tableDataset(extract.source.server, extract.source.schema, extract.source.name), {
      namespace: 'postgres://db.example.com:5432',
      name: 'shop.public.users',
    });
    const { sink } = places.node('load users');
    if (sink === undefined) throw new Error('no sink');
    assert.equal(tableDataset(sink.server, sink.schema, sink.name), {
      namespace: 'postgres://%2Frun%2Fpostgresql:5433',
      name: 'dw.staging.users',
    });
    assert.equal(places.warehouse, { host: '/run/postgresql', port: 5433, database: 'dw' });
    assert.equal(places.node('dbt'), {});
    const bucket = { type: 's3', bucket: 'lake', region: undefined, endpoint: undefined, forcePathStyle: undefined } as const;
    const s3 = { ...bucket, checksums: 'when_supported', caFile: undefined } as const;
    for (const [prefix, name] of [
      ['', 'users'],
      ['a/b', 'a/b/users'],
    ] as const)
      assert.equal((await placesIn({ ...s3, prefix }, servers)).node('extract users').lake, {
        namespace: 's3://lake',
        name,
        folder: 'users',
      });
  });

  test('an embedded server has no port that lasts, and is not started to be named', async () => {
    const places = await placesIn({ type: 'file', path: '/srv/lake' }, () => Promise.reject(new Error('it is not to be started')), true);
    const { source } = places.node('extract users');
    if (source === undefined) throw new Error('no source');
    assert.match(tableDataset(source.server, source.schema, source.name).namespace, /^postgres:\/\/embedded$/);
  });

  test('a URL that cannot be read leaves the database out, and is no error here: the run says it', async () => {
    const places = await placesIn({ type: 'file', path: '/srv/lake' }, () => Promise.reject(new EngineError('usage', 'url', 'no URL')));
    assert.equal(Object.keys(places.node('extract users')), ['lake']);
    assert.is(places.warehouse, undefined);
  });
});
