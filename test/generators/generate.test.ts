import type pg from 'pg';
import * as assert from 'uvu/assert';
import { EngineError } from '../../engine/error.ts';
import { generateDaily } from '../../generators/daily.ts';
import { generateInitial } from '../../generators/initial.ts';
import { freshDatabase, type TestDatabase } from '../support/postgres.ts';
import { suite } from '../support/suite.ts';

const never = new AbortController().signal;
const quiet = (): void => undefined;

async function content(client: pg.Client, table: string, columns = '*'): Promise<string> {
  const answer = await client.query<{ content: string }>(
    `SELECT md5(string_agg(t::text, E'\\n' ORDER BY t.id)) AS content FROM (SELECT ${columns} FROM public.${table}) AS t`,
  );
  return answer.rows[0]?.content ?? '';
}

async function number(client: pg.Client, sql: string): Promise<number> {
  const answer = await client.query<{ n: string }>(`SELECT (${sql})::text AS n`);
  return Number(answer.rows[0]?.n);
}

async function refusal(of: Promise<unknown>): Promise<EngineError> {
  try {
    await of;
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

suite('generators', (s) => {
  let database: TestDatabase;
  let client: pg.Client;
  const fresh = async (options: { users?: number; transactions?: number; seed?: number; replace?: boolean } = {}): Promise<void> =>
    generateInitial(client, { users: 300, transactions: 3_000, seed: 7, replace: true, signal: never, progress: quiet, ...options });

  s.before(async () => {
    database = await freshDatabase('generate');
    client = await database.client();
    await client.query("SET search_path = ''");
    await client.query("SET timezone = 'UTC'");
  });
  s.after(() => database?.drop());

  s.test('the same seed gives the same rows, another seed gives others', async () => {
    await fresh();
    const first = [await content(client, 'users'), await content(client, 'transactions')];
    await fresh();
    assert.equal([await content(client, 'users'), await content(client, 'transactions')], first);
    await fresh({ seed: 8 });
    assert.is.not(await content(client, 'users'), first[0]);
    assert.is.not(await content(client, 'transactions'), first[1]);
  });

  s.test('texts have quotes, newlines, tabs, backslashes, empty ones, NULLs and letters beyond ASCII', async () => {
    await fresh();
    for (const condition of [
      `description LIKE '%"%'`,
      `description LIKE '%''%'`,
      `description LIKE '%' || chr(10) || '%'`,
      `description LIKE '%' || chr(13) || '%'`,
      `description LIKE '%' || chr(9) || '%'`,
      String.raw`position('\' in description) > 0`,
      `description = ''`,
      'description IS NULL',
      'metadata IS NULL',
      'octet_length(merchant) > length(merchant)',
      'amount < 0',
    ])
      assert.ok((await number(client, `SELECT count(*) FROM public.transactions WHERE ${condition}`)) > 0, condition);
  });

  s.test('the tables have keys, the foreign key, an index on updated_at and counts as asked', async () => {
    await fresh();
    assert.is(await number(client, 'SELECT count(*) FROM public.users'), 300);
    assert.is(await number(client, 'SELECT count(*) FROM public.transactions'), 3_000);
    const kinds = await client.query<{ kinds: string }>(
      `SELECT string_agg(contype::text, '' ORDER BY conrelid::regclass::text, contype) AS kinds FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'f')`,
    );
    assert.is(kinds.rows[0]?.kinds, 'fpp');
    assert.is(await number(client, "SELECT count(*) FROM pg_indexes WHERE schemaname = 'public' AND indexdef LIKE '%(updated_at)'"), 2);
  });

  s.test('a day changes as many rows as asked through the trigger, and adds as many', async () => {
    await fresh();
    const marked = await client.query<{ now: Date }>('SELECT clock_timestamp() AS now');
    const result = await generateDaily(client, { inserts: 200, updates: 100, seed: undefined, signal: never });
    assert.equal(result.tables, { users: { inserted: 20, updated: 10 }, transactions: { inserted: 200, updated: 100 } });
    assert.is(result.day, 1);
    for (const [table, rows, changed] of [
      ['users', 320, 30],
      ['transactions', 3_200, 300],
    ] as const) {
      assert.is(await number(client, `SELECT count(*) FROM public.${table}`), rows);
      const newer = await client.query<{ n: string }>(`SELECT count(*) AS n FROM public.${table} WHERE updated_at >= $1`, [
        marked.rows[0]?.now,
      ]);
      assert.is(Number(newer.rows[0]?.n), changed);
    }
    await client.query("INSERT INTO public.users (email) VALUES ('after@example.com')");
    assert.is(await number(client, "SELECT id FROM public.users WHERE email = 'after@example.com'"), 321);
  });

  s.test('a day is another day each time, and the same seed gives the same days', async () => {
    const but = 'id, user_id, amount, currency, status, merchant, description, metadata, card_token, created_at';
    const days = async (): Promise<string[]> => {
      await fresh();
      const seen = [await content(client, 'transactions', but)];
      for (const day of [1, 2]) {
        const result = await generateDaily(client, { inserts: 50, updates: 50, seed: undefined, signal: never });
        assert.is(result.day, day);
        seen.push(await content(client, 'transactions', but));
      }
      return seen;
    };
    const first = await days();
    assert.is(new Set(first).size, 3);
    assert.equal(await days(), first);
  });

  s.test('an update changes every row that it counts', async () => {
    await fresh();
    await client.query('CREATE TABLE public.before AS SELECT id, status, metadata FROM public.transactions');
    await generateDaily(client, { inserts: 0, updates: 500, seed: undefined, signal: never });
    const changed = await number(
      client,
      'SELECT count(*) FROM public.transactions t JOIN public.before b USING (id) WHERE t.status IS DISTINCT FROM b.status',
    );
    await client.query('DROP TABLE public.before');
    assert.is(changed, 500);
  });

  s.test('sample tables are kept unless replacing them was asked for', async () => {
    await fresh();
    const error = await refusal(fresh({ replace: false }));
    assert.is(error.code, 'generate.exists');
    assert.is(error.trouble, 'refused');
    assert.match(error.hint ?? '', /--replace/);
    assert.is(await number(client, 'SELECT count(*) FROM public.users'), 300);
  });

  s.test('a table of that name that is not sample data is never touched, whatever was agreed to', async () => {
    const other = await freshDatabase('generate_other');
    try {
      const theirs = await other.client();
      await theirs.query('CREATE TABLE public.users (id int)');
      await theirs.query('INSERT INTO public.users VALUES (1)');
      const error = await refusal(
        generateInitial(theirs, { users: 1, transactions: 1, seed: 1, replace: true, signal: never, progress: quiet }),
      );
      assert.is(error.code, 'generate.exists');
      assert.is(await number(theirs, 'SELECT count(*) FROM public.users'), 1);
      const missing = await refusal(generateDaily(theirs, { inserts: 1, updates: 1, seed: undefined, signal: never }));
      assert.is(missing.code, 'generate.nothing-there');
    } finally {
      await other.drop();
    }
  });

  s.test('stopped half way it leaves the tables as they were', async () => {
    await fresh({ users: 10, transactions: 10 });
    const stop = new AbortController();
    const progress = (table: string): void => {
      if (table === 'transactions') stop.abort(new Error('enough'));
    };
    let thrown: unknown;
    try {
      await generateInitial(client, { users: 10, transactions: 200_000, seed: 1, replace: true, signal: stop.signal, progress });
    } catch (error) {
      thrown = error;
    }
    assert.ok(thrown instanceof Error);
    assert.is(await number(client, 'SELECT count(*) FROM public.transactions'), 10);
  });

  s.test('no users and no transactions make two empty tables that a day can fill', async () => {
    await fresh({ users: 0, transactions: 0 });
    const result = await generateDaily(client, { inserts: 5, updates: 5, seed: undefined, signal: never });
    assert.equal(result.tables, { users: { inserted: 1, updated: 0 }, transactions: { inserted: 5, updated: 0 } });
    const error = await refusal(fresh({ users: 0, transactions: 1 }));
    assert.is(error.code, 'generate.no-users');
  });
});
