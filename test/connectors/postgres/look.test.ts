import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from 'pg';
import * as assert from 'uvu/assert';
import { look } from '../../../connectors/postgres/look.ts';
import { openServer } from '../../../connectors/postgres/open-server.ts';
import { preview } from '../../../connectors/postgres/preview.ts';
import type { PostgresServer } from '../../../connectors/postgres/server.ts';
import { onVisit } from '../../../connectors/postgres/visit.ts';
import { systemClock } from '../../../engine/base/clock.ts';
import type { Preview, PreviewRequest } from '../../../engine/connector.ts';
import { errorOf } from '../../support/engine-error.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { suite } from '../../support/suite.ts';
import { waitUntil } from '../../support/wait.ts';

const scope = { root: '/nonexistent', clock: systemClock, engine: '0.0.0', log: () => undefined };
const never = new AbortController().signal;

suite('a look at a Postgres server', ({ test, before, after }) => {
  let database: TestDatabase;
  let server: PostgresServer;
  before(async () => {
    database = await freshDatabase('look');
    server = openServer('here', { url: database.url }, scope);
    const client = await database.client();
    await client.query(`
      CREATE SCHEMA "Odd ""one";
      CREATE TABLE "Odd ""one"."a,b" (id bigint PRIMARY KEY, amount numeric(12,2), "at" timestamptz NOT NULL);
      INSERT INTO "Odd ""one"."a,b" SELECT g, g, '2026-01-01Z'::timestamptz + g * interval '1 min' FROM generate_series(1, 500) g;
      CREATE VIEW public.seen AS SELECT * FROM "Odd ""one"."a,b";
      CREATE TABLE parts (id int, day date) PARTITION BY RANGE (day);
      CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
      CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
      INSERT INTO parts SELECT g, '2026-01-15'::date FROM generate_series(1, 30) g UNION ALL SELECT g, '2026-02-15'::date FROM generate_series(1, 12) g;
      CREATE TABLE fresh (id int);
      CREATE TABLE people (id int PRIMARY KEY, email text, note text, raw bytea, at timestamptz);
      INSERT INTO people SELECT g, 'p' || g || '@example.com', CASE g WHEN 40 THEN repeat('ä', 5000) WHEN 39 THEN '' END, decode(repeat('00ff', CASE g WHEN 40 THEN 500 ELSE 2 END), 'hex'),
        CASE WHEN g <= 40 THEN '2026-01-01Z'::timestamptz + g * interval '1 min' END FROM generate_series(1, 45) g;
      CREATE TABLE wide (id int, at timestamptz, filler text);
      ALTER TABLE wide ALTER filler SET STORAGE PLAIN;
      INSERT INTO wide SELECT g, '2026-01-01Z'::timestamptz + (CASE WHEN g % 2 = 0 THEN g ELSE 100000 - g END) * interval '1 min', repeat('x', 7000) FROM generate_series(1, 2500) g;
      ANALYZE "Odd ""one"."a,b", parts_1, parts_2, people, wide;`);
    await client.end();
  });
  after(async () => {
    await server.close();
    await database.drop();
  });

  test('tells columns, rows and bytes as the catalog and the statistics have them, partitions together, whatever names hold', async () => {
    const found = await look(server, {
      relations: [
        { schema: 'Odd "one', name: 'a,b' },
        { schema: 'public', name: 'seen' },
        { schema: 'public', name: 'parts' },
        { schema: 'public', name: 'fresh' },
        { schema: 'public', name: "nothing' --" },
      ],
      signal: never,
    });
    const told = new Map(found.map((one) => [one.relation.name, one]));
    assert.equal([...told.keys()].sort(), ['a,b', 'fresh', 'parts', 'seen']);
    const odd = told.get('a,b');
    assert.equal(
      odd?.columns.map(({ name, type, notNull }) => `${name} ${type}${notNull ? ' not null' : ''}`),
      ['id bigint not null', 'amount numeric(12,2)', 'at timestamp with time zone not null'],
    );
    assert.is(odd?.rows, 500);
    assert.ok((odd?.bytes ?? 0) >= 8_192);
    assert.equal([told.get('parts')?.kind, told.get('parts')?.rows], ['partitioned', 42]);
    assert.equal([told.get('seen')?.kind, told.get('seen')?.rows, told.get('seen')?.bytes], ['view', undefined, undefined]);
    assert.is(told.get('fresh')?.rows, undefined, 'nobody has counted yet');
  });

  test('is given up where a server takes the connection and says nothing more; a session that begins after that is ended', async () => {
    let ended = 0;
    let begin: (client: Client) => void = () => undefined;
    const silent = {
      ...server,
      visit: () =>
        new Promise<Client>((resolve) => {
          begin = resolve;
        }),
    };
    const visited = { label: 'look', patienceMs: 20, signal: never };
    const error = await errorOf(onVisit(silent, visited, 'looking', async () => undefined));
    assert.equal([error.code, error.trouble], ['postgres.timeout', 'outside']);
    const late = {
      end: async () => {
        ended += 1;
      },
    };
    begin(late as unknown as Client);
    await waitUntil(() => ended === 1, 'the late session to be ended');
    const over = new AbortController();
    const left = onVisit(silent, { ...visited, patienceMs: 60_000, signal: over.signal }, 'looking', async () => undefined).catch(
      (e: unknown) => e,
    );
    over.abort();
    assert.is(((await left) as Error).name, 'AbortError');
  });

  test('does not wait for a lock that somebody holds on the table', async () => {
    const holder = await database.client();
    await holder.query('BEGIN; LOCK TABLE people IN ACCESS EXCLUSIVE MODE');
    try {
      const [people] = await look(server, { relations: [{ schema: 'public', name: 'people' }], signal: never });
      assert.is(people?.rows, 45);
      assert.is((await errorOf(read({}))).code, 'postgres.lock');
    } finally {
      await holder.query('ROLLBACK');
      await holder.end();
    }
  });

  const read = ({ hidden = [], ...over }: Partial<PreviewRequest> & { readonly hidden?: readonly string[] }): Promise<Preview> =>
    preview(server, {
      relation: { schema: 'public', name: 'people' },
      isHidden: (column) => hidden.includes(column),
      newestBy: 'at',
      rows: 5,
      signal: never,
      ...over,
    });

  test('the newest rows, long values cut, NULL apart from an empty text, and no value of a hidden column', async () => {
    const { columns, rows, order } = await read({ hidden: ['email'] });
    assert.is(order, 'newest');
    assert.equal(
      columns.map(({ name, hidden }) => `${name}${hidden ? ' hidden' : ''}`),
      ['id', 'email hidden', 'note', 'raw', 'at'],
    );
    assert.equal(
      rows.map(([id]) => id?.text),
      ['40', '39', '38', '37', '36'],
    );
    const [first, second, third] = rows;
    assert.equal(first?.[2], { text: 'ä'.repeat(200), cut: true });
    assert.equal(second?.[2], { text: '', cut: false });
    assert.is(third?.[2], null);
    assert.equal(first?.[3], { text: `\\x${'00ff'.repeat(50)}`, cut: true });
    assert.equal(second?.[3], { text: '\\x00ff00ff', cut: false });
    assert.equal(first?.[4], { text: '2026-01-01 00:40:00+00', cut: false });
    assert.ok(rows.every((row) => row[1] === null));
    assert.not.match(JSON.stringify(rows), /example\.com/);
  });

  test('without a column to go by, or with one that is hidden, those that were written last', async () => {
    const written = await read({ newestBy: undefined, rows: 3 });
    assert.is(written.order, 'written');
    assert.equal(
      written.rows.map(([id]) => id?.text),
      ['45', '44', '43'],
    );
    const hidden = await read({ hidden: ['at'], rows: 3 });
    assert.is(hidden.order, 'written');
    assert.is((await read({ hidden: ['id', 'email', 'note', 'raw', 'at'] })).rows.length, 5);
  });

  test('of a table that is too large to sort only the last blocks are read, unless an index leads to the newest', async () => {
    const relation = { schema: 'public', name: 'wide' };
    const client = await database.client();
    const blocksRead = async (): Promise<number> => {
      const { rows } = await client.query<{ n: string }>(
        `SELECT heap_blks_read + heap_blks_hit AS n FROM pg_statio_user_tables WHERE relname = 'wide'`,
      );
      return Number(rows[0]?.n);
    };
    // Sessions that end tell their counts.
    await client.query('SELECT pg_stat_force_next_flush()');
    const before = await blocksRead();
    const written = await read({ relation });
    assert.is(written.order, 'written');
    assert.ok(written.rows.every(([id]) => Number(id?.text) > 2_400));
    assert.ok((await blocksRead()) - before < 300, 'the table has 2,500 blocks');
    await client.query('CREATE INDEX ON wide (at)');
    const newest = await read({ relation });
    assert.is(newest.order, 'newest');
    assert.equal(
      newest.rows.map(([id]) => id?.text),
      ['1', '3', '5', '7', '9'],
    );
    await client.end();
  });

  test('what is not there, cannot be reached or takes too long is said', async () => {
    assert.is((await errorOf(read({ relation: { schema: 'public', name: 'gone' } }))).code, 'postgres.no-relation');
    const client = await database.client();
    await client.query('CREATE VIEW slow AS SELECT pg_sleep(60)::text AS at');
    await client.end();
    const over = new AbortController();
    const slow = read({ relation: { schema: 'public', name: 'slow' }, signal: over.signal });
    const began = Date.now();
    setTimeout(() => over.abort(new Error('nobody waits any more')), 200);
    await slow.then(
      () => assert.unreachable(),
      (error: unknown) => assert.is((error as Error).message, 'nobody waits any more'),
    );
    assert.ok(Date.now() - began < 2_000);
    const gone = openServer('gone', { url: 'postgresql://a@127.0.0.1:1/x?sslmode=disable' }, scope);
    assert.is((await errorOf(look(gone, { relations: [{ schema: 'a', name: 'b' }], signal: never }))).code, 'postgres.refused');
  });

  test('an embedded server that does not run is not started, and nothing is made for it', async () => {
    const root = await mkdtemp(join(tmpdir(), 'engine-look-'));
    const embedded = openServer('production', { url: 'embedded' }, { ...scope, root });
    try {
      assert.is((await errorOf(look(embedded, { relations: [{ schema: 'a', name: 'b' }], signal: never }))).code, 'embedded.not-running');
      assert.equal(await readdir(root), []);
    } finally {
      await embedded.close();
      await rm(root, { recursive: true });
    }
  });
});
