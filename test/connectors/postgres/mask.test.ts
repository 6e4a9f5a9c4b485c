import { createHmac } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import * as assert from 'uvu/assert';
import { checkHash, hashSql, maskKeyOf, refuseMasks } from '../../../connectors/postgres/mask.ts';
import { sessionSettings, settingsSql } from '../../../connectors/postgres/session.ts';
import type { ColumnsConfig, MaskKind, TableConfig } from '../../../engine/config.ts';
import type { EventBody } from '../../../engine/event.ts';
import { openClusters, type TestClusters } from '../../support/cluster.ts';
import { lakeRows } from '../../support/lake-rows.ts';
import { factsOf, type NodeRig, nodeRig, tableConfig } from '../../support/nodes.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { suite } from '../../support/suite.ts';
import { failureOf, take } from '../../support/take.ts';
import { zooSql, zooTypes } from '../../support/zoo.ts';

const salt = 'a salt with "quotes", \'others\', \\ and ü — 0123456789';
const hashed = (text: string, by = salt): string => createHmac('sha256', by).update(text).digest('hex');
const masking = (mask: Readonly<Record<string, MaskKind>>, more: Partial<ColumnsConfig> = {}): { readonly columns: ColumnsConfig } => ({
  columns: { include: undefined, exclude: [], rename: {}, types: {}, mask, ...more },
});
const withSalt = { maskSalt: salt };

/** All that lies in a folder, as one text. */
function everythingIn(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

suite('masked columns', ({ test, before, after }) => {
  let db: TestDatabase;
  let client: pg.Client;
  const rigs: NodeRig[] = [];

  before(async () => {
    db = await freshDatabase('mask');
    client = await db.client();
  });
  after(async () => {
    for (const rig of rigs) await rig.close();
    await db.drop();
  });

  const rigOn = async (settings: Parameters<typeof nodeRig>[1] = {}): Promise<NodeRig> => {
    const rig = await nodeRig({ source: db.url }, settings);
    rigs.push(rig);
    return rig;
  };
  const people = async (): Promise<void> => {
    await client.query(`
      SET search_path = public;
      DROP SCHEMA IF EXISTS staging CASCADE; DROP SCHEMA IF EXISTS engine CASCADE;
      DROP TABLE IF EXISTS people CASCADE;
      CREATE TABLE people (id int PRIMARY KEY, email text, phone varchar(20), born date, updated_at timestamptz NOT NULL DEFAULT now());
      INSERT INTO people SELECT g, 'person' || g || '@example.com', '+41 79 000 00 ' || g, '1980-01-01'::date + g, now() - interval '1 year' FROM generate_series(1, 20) g;
      INSERT INTO people (id) VALUES (21)`);
  };
  const mask = { email: 'hash', phone: 'redact', born: 'null' } as const;
  const table = tableConfig('people', masking(mask));

  test('every type of Postgres, hashed, redacted and as NULL: NULL stays NULL, nothing else of the value is in lake or staging', async () => {
    const types = zooTypes(180_000);
    for (const statement of zooSql(types)) await client.query(statement);
    await client.query(settingsSql(sessionSettings));
    const columns = types.map((_, i) => `t${i}`);
    const { rows: source } = await client.query(`SELECT id, ${columns.map((c) => `${c}::text`).join(', ')} FROM public.zoo ORDER BY id`);
    const read = async (as: TableConfig): Promise<readonly Readonly<Record<string, string | null>>[]> => {
      const rig = await rigOn();
      await client.query('DROP SCHEMA IF EXISTS staging CASCADE; DROP SCHEMA IF EXISTS engine CASCADE');
      await take(rig, as, 'full', withSalt);
      factsOf(await rig.load('full', as));
      const staged = await client.query(`SELECT id::text, ${columns.map((c) => `${c}::text`).join(', ')} FROM staging.zoo s ORDER BY s.id`);
      const kept = await lakeRows(rig.lake, 'zoo', `SELECT id, ${columns.join(', ')} FROM files ORDER BY id`);
      assert.equal(kept, staged.rows);
      return staged.rows;
    };
    const all = (kind: MaskKind): TableConfig =>
      tableConfig('zoo', { key: ['id'], ...masking(Object.fromEntries(columns.map((c) => [c, kind]))) });
    let seen = 0;
    for (const [kind, expected] of [
      ['hash', (text: string): string | null => hashed(text)],
      ['redact', (): string | null => '***'],
      ['null', (): string | null => null],
    ] as const)
      for (const [r, row] of (await read(all(kind))).entries())
        for (const column of columns) {
          const text: string | null = source[r][column];
          seen += 1;
          assert.is(row[column], text === null ? null : expected(text), `${kind} of ${types[Number(column.slice(1))]?.type}: ${text}`);
        }
    assert.ok(seen > 3 * 100 * 5);
  });

  test('the kinds of types: text for what is hashed or redacted; NULL keeps the type, a domain what it is over', async () => {
    await client.query(`
      SET search_path = public; DROP SCHEMA IF EXISTS staging CASCADE; DROP SCHEMA IF EXISTS engine CASCADE;
      CREATE DOMAIN never_null AS numeric(8,2) NOT NULL;
      CREATE TYPE both_of AS (a int, b text);
      CREATE TABLE kinds (id int PRIMARY KEY, n numeric(8,2), d never_null, p both_of, q both_of, updated_at timestamptz);
      INSERT INTO kinds VALUES (1, 1, 2, ROW(NULL, NULL), NULL)`);
    const rig = await rigOn();
    const kinds = tableConfig('kinds', {
      cursor: undefined,
      ...masking({ n: 'hash', d: 'null', p: 'redact', q: 'redact', updated_at: 'null' }),
    });
    await take(rig, kinds, 'full', withSalt);
    factsOf(await rig.load('full', kinds));
    const { rows } = await client.query(
      `SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) AS types FROM pg_attribute
       WHERE attrelid = 'staging.kinds'::regclass AND attnum BETWEEN 2 AND 6`,
    );
    assert.is(rows[0].types, 'n text, d numeric(8,2), p text, q text, updated_at timestamp with time zone');
    // A row of NULLs is no NULL.
    assert.equal((await client.query('SELECT n, d, p, q FROM staging.kinds')).rows, [{ n: hashed('1.00'), d: null, p: '***', q: null }]);
  });

  test('however rows are read: whole, in ranges, what changed, a view, partitions, every version', async () => {
    await people();
    await client.query(`
      SET search_path = public;
      DROP TABLE IF EXISTS big, parted CASCADE; DROP VIEW IF EXISTS seen;
      CREATE TABLE big (id int PRIMARY KEY, email text, pad text, updated_at timestamptz NOT NULL DEFAULT now());
      INSERT INTO big SELECT g, 'person' || g % 7 || '@example.com', repeat(md5(g::text), 20) FROM generate_series(1, 12000) g; ANALYZE big;
      CREATE TABLE parted (id int, email text, updated_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (id)) PARTITION BY RANGE (id);
      CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100);
      CREATE TABLE parted_2 (email text, id int NOT NULL, updated_at timestamptz NOT NULL DEFAULT now());
      ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES FROM (100) TO (200);
      INSERT INTO parted SELECT g, 'person' || g || '@example.com' FROM generate_series(50, 149) g;
      CREATE VIEW seen AS SELECT * FROM people`);
    const one = masking({ email: 'hash' });
    const small = { compression: 'none', targetFileSizeBytes: 1_000_000 } as const;
    const rig = await rigOn({ connections: 3 });
    for (const [name, ways] of [
      ['people', ['full', 'incremental']],
      ['seen', ['full', 'incremental']],
      ['parted', ['full', 'incremental']],
      ['big', ['full', 'incremental']],
    ] as const) {
      const some = tableConfig(name, { key: ['id'], lake: small, ...one, load: name === 'seen' ? 'append' : 'merge' });
      for (const way of ways) {
        const { facts } = await take(rig, some, way, withSalt);
        factsOf(await rig.load(way, some));
        if (name === 'big' && way === 'full') assert.ok(Number(facts.files) > 1, 'it is read in ranges');
        if (name === 'people') await client.query('UPDATE people SET updated_at = now() WHERE id < 5');
      }
      const plain = await client.query(`SELECT id, email FROM public.${name} WHERE email IS NOT NULL ORDER BY id LIMIT 300`);
      assert.ok(plain.rows.length >= 20);
      const staged = new Map((await client.query(`SELECT id, email FROM staging.${name}`)).rows.map((r) => [r.id, r.email]));
      for (const { id, email } of plain.rows) assert.is(staged.get(id), hashed(email), `${name} ${id}`);
    }
    const kept = everythingIn(rig.folder);
    assert.match(kept, hashed('person3@example.com'), 'the files are read as they are, uncompressed');
    assert.not.match(kept, '@example.com');
  });

  test('what a masked value would be shown in is not: errors of the condition, of functions, of other columns; plans, logs and events', async () => {
    await people();
    await client.query(`
      CREATE OR REPLACE FUNCTION public.tell(v text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'this is %', v USING DETAIL = v, ERRCODE = 'P0001'; END $$`);
    const rig = await rigOn();
    const events: EventBody[] = [];
    const options = { ...withSalt, onEvent: (event: EventBody) => void events.push(event) };
    for (const where of ['email::int > 0', 'public.tell(email)', 'email::date > now()']) {
      const bad = tableConfig('people', { where, ...masking(mask) });
      const run = await failureOf(rig, bad, 'full', options);
      assert.match(run.message, /extracting public\.people: Postgres gave an error that is not shown/);
      assert.match(run.hint ?? '', /source's own server/);
      const plan = await rig.planExtract('full', bad, withSalt);
      assert.not.match(JSON.stringify([run, plan, events]), /person\d/);
      // Without a mask the same error says the value: it is what is held back.
      assert.match((await failureOf(rig, tableConfig('people', { where }), 'full')).message, /person1@example\.com/);
    }
    const unknown = await failureOf(rig, tableConfig('people', { where: 'emial = 1', ...masking(mask) }), 'full', options);
    assert.not.match(unknown.message, 'emial');
    const planned = await rig.planExtract('full', tableConfig('people', { where: 'emial = 1', ...masking(mask) }), withSalt);
    assert.match(planned.summary, /column "emial" does not exist/);
    await client.query("UPDATE public.people SET born = 'infinity' WHERE id = 3");
    const misfit = await failureOf(rig, tableConfig('people', masking({ email: 'hash', phone: 'hash' })), 'full', options);
    assert.match(misfit.message, /column "born" of the row with id = 3: infinity/);
    await take(rig, table, 'full', options);
    assert.not.match(JSON.stringify([misfit, events]), /person\d|\+41 79/);
  });

  test('a value does not choose what its error is, nor does the code that a function raises it with show it, in a run or in a plan', async () => {
    await people();
    const tell = (body: string): Promise<unknown> =>
      client.query(`CREATE OR REPLACE FUNCTION public.tell(v text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN ${body} END $$`);
    const rig = await rigOn();
    for (const words of [
      'Connection refused',
      'permission denied for',
      'no space left on device',
      'the lake cannot hold',
      'x": FATAL:  x',
    ]) {
      await client.query('UPDATE public.people SET email = $1 WHERE id = 1', [`${words}, person1@example.com`]);
      const run = await failureOf(rig, tableConfig('people', { where: 'email::int > 0', ...masking(mask) }), 'full', withSalt);
      assert.equal([run.code, run.trouble, run.retryable], ['postgres.error', 'failed', false], words);
      assert.not.match(JSON.stringify(run), /person\d/);
    }
    const told = tableConfig('people', { where: 'public.tell(email)', ...masking(mask) });
    await tell('RETURN true;');
    await take(rig, told, 'full', withSalt);
    await client.query('UPDATE public.people SET updated_at = now()');
    for (const state of ['42501', '42P01', '25006', '08006', 'P0001']) {
      await tell(`RAISE EXCEPTION 'permission denied for %', v USING DETAIL = v, HINT = v, ERRCODE = '${state}';`);
      const run = await failureOf(rig, told, 'incremental', withSalt);
      const plan = await rig.planExtract('incremental', told, withSalt).catch((error: unknown) => String(error));
      assert.match(run.message, /is not shown/);
      assert.match(JSON.stringify(plan), /is not shown/);
      assert.not.match(JSON.stringify([run, plan]), /person\d/, state);
    }
  });

  test('a plan says what is masked and how, and nothing of the salt; a run warns where older files hold plain values', async () => {
    await people();
    const rig = await rigOn();
    await take(rig, tableConfig('people'), 'full');
    const plan = await rig.planExtract('full', table, withSalt);
    assert.ok(plan.details.includes('masked by the source: email (hash), phone (redact), born (null)'));
    assert.match(plan.warnings.join('\n'), /older files of lake table people hold plain values of email, phone, born/);
    assert.match(plan.sql[0] ?? '', "current_setting('engine.mask_inner')");
    assert.not.match(JSON.stringify(plan), salt.slice(0, 8));
    for (const secret of Object.values(maskKeyOf(salt).settings)) assert.not.match(JSON.stringify(plan), secret);
    assert.match((await take(rig, table, 'full', withSalt)).warnings.join('\n'), /older files of lake table people/);
    assert.equal((await take(rig, table, 'full', withSalt)).warnings, []);
  });

  test('a run warns of older files too where a column is renamed in the same edit as it is masked', async () => {
    await people();
    const rig = await rigOn();
    const warned = async (
      rename: Readonly<Record<string, string>>,
      given: Readonly<Record<string, MaskKind>>,
    ): Promise<readonly string[]> => {
      const { warnings } = await take(rig, tableConfig('people', masking(given, { rename })), 'full', withSalt);
      return warnings.map((text) => /hold plain values of (.*?):/.exec(text)?.[1] ?? text);
    };
    const email = { email: 'email_hash' };
    assert.equal(await warned({}, {}), []);
    assert.equal(await warned(email, { email: 'hash' }), ['email']);
    assert.equal(await warned(email, { email: 'hash' }), [], 'once');
    // Under a name that is neither the one in the source nor the one from now on.
    assert.equal(await warned({ ...email, phone: 'number' }, { email: 'hash' }), []);
    assert.equal(await warned({ ...email, phone: 'number_hash' }, { email: 'hash', phone: 'hash' }), ['number']);
    // Under the source's name, which another column has now.
    assert.equal(await warned(email, { email: 'hash' }), []);
    const moved = { ...email, phone: 'phone_hash', born: 'phone' };
    assert.equal(await warned(moved, { email: 'hash', phone: 'hash' }), ['phone']);
    assert.equal(await warned(moved, { email: 'hash', phone: 'hash' }), [], 'once');
  });

  test('staging of a type that takes no hash: the load says what to alter, and goes through once that is done', async () => {
    await people();
    const rig = await rigOn();
    await take(rig, tableConfig('people'), 'full');
    factsOf(await rig.load('full', tableConfig('people')));
    const wider = tableConfig('people', masking({ phone: 'hash', email: 'hash' }));
    await take(rig, wider, 'full', withSalt);
    const refused = await rig.load('full', wider);
    if (refused.kind !== 'failed') throw new Error(refused.kind);
    assert.match(refused.error.message, /column phone of staging table staging\.people is character varying\(20\)/);
    await client.query(/ALTER TABLE .*? TYPE text/.exec(refused.error.hint ?? '')?.[0] ?? '');
    factsOf(await rig.load('full', wider));
    const { rows } = await client.query('SELECT phone FROM staging.people WHERE id = 1');
    assert.equal(rows, [{ phone: hashed('+41 79 000 00 1') }]);
  });

  test('another mask or another salt is another meaning: the next extract is in full or refused; the salt alone counts only where it is used', async () => {
    await people();
    const rig = await rigOn();
    await take(rig, table, 'full', withSalt);
    await take(rig, table, 'incremental', withSalt);
    const other = { maskSalt: 'another salt of good length' };
    for (const [changed, options] of [
      [tableConfig('people', masking({ ...mask, phone: 'null' })), withSalt],
      [tableConfig('people'), withSalt],
      [table, other],
    ] as const)
      assert.is((await failureOf(rig, changed, 'incremental', options)).code, 'extract.meaning-changed');
    await take(rig, table, 'full', other);
    const { rows } = await client.query('SELECT email FROM public.people WHERE id = 1');
    const [kept] = await lakeRows(rig.lake, 'people', 'SELECT email FROM files WHERE id = 1');
    assert.is(kept?.email, hashed(rows[0].email, other.maskSalt));
    const noHash = tableConfig('people', masking({ phone: 'redact' }));
    await take(rig, noHash, 'full', other);
    await take(rig, noHash, 'incremental', withSalt);
    await take(rig, tableConfig('people'), 'full', other);
    await take(rig, tableConfig('people'), 'incremental');
  });

  test('masks that cannot be are refused before anything is read: a column that is not there, the key, no salt', async () => {
    await people();
    const rig = await rigOn();
    const codeOf = async (given: Readonly<Record<string, MaskKind>>, options = {}): Promise<string> =>
      (await failureOf(rig, tableConfig('people', masking(given)), 'full', options)).code;
    assert.is(await codeOf({ emial: 'hash' }, withSalt), 'extract.no-column');
    assert.is(await codeOf({ id: 'redact' }, withSalt), 'extract.mask-key');
    assert.is(await codeOf({ updated_at: 'null' }, withSalt), 'extract.mask-cursor');
    assert.is(await codeOf({ email: 'hash' }), 'extract.mask-salt');
    const relation = { relation: { schema: 'public', name: 'people' }, oid: '1', kind: 'table', columns: [], primaryKey: [] } as const;
    assert.throws(
      () => refuseMasks(table, relation, maskKeyOf(salt), 100_023),
      (error: { readonly code?: string }) => error.code === 'extract.mask-server',
    );
  });

  test('a key that is hashed: rows are merged by the hash, other tables join by it, and messages name rows by it', async () => {
    await client.query(`
      SET search_path = public; DROP SCHEMA IF EXISTS staging CASCADE; DROP SCHEMA IF EXISTS engine CASCADE;
      CREATE TABLE members (email varchar(40) PRIMARY KEY, born date, points int, updated_at timestamptz NOT NULL DEFAULT now());
      CREATE TABLE visits (id int PRIMARY KEY, member text, updated_at timestamptz NOT NULL DEFAULT now());
      INSERT INTO members SELECT 'person' || g || '@example.com', '1980-01-01', g, now() - interval '1 year' FROM generate_series(1, 30) g;
      INSERT INTO visits SELECT g, 'person' || (g % 30 + 1) || '@example.com' FROM generate_series(1, 60) g`);
    const rig = await rigOn();
    const members = tableConfig('members', masking({ email: 'hash' }));
    const visits = tableConfig('visits', masking({ member: 'hash' }));
    for (const some of [members, visits]) {
      await take(rig, some, 'full', withSalt);
      factsOf(await rig.load('full', some));
    }
    await client.query(`
      UPDATE public.members SET points = points + 1000, updated_at = now() WHERE points <= 10;
      INSERT INTO public.members VALUES ('person31@example.com', '1981-01-01', 31)`);
    await take(rig, members, 'incremental', withSalt);
    factsOf(await rig.load('incremental', members));
    const staged = await client.query('SELECT email, points FROM staging.members ORDER BY points');
    const source = await client.query('SELECT email, points FROM public.members ORDER BY points');
    assert.equal(
      staged.rows,
      source.rows.map(({ email, points }) => ({ email: hashed(email), points })),
    );
    const joined = await client.query('SELECT count(*)::int AS n FROM staging.visits v JOIN staging.members m ON m.email = v.member');
    assert.is(joined.rows[0].n, 60);
    await client.query("UPDATE public.members SET born = 'infinity', updated_at = now() WHERE email = 'person7@example.com'");
    const misfit = await failureOf(rig, members, 'incremental', withSalt);
    assert.match(misfit.message, `column "born" of the row with email = ${hashed('person7@example.com')}: infinity`);
  });

  test('a key is hashed only where values are equal when their texts are: else one row could become two', async () => {
    await client.query(`
      SET search_path = public;
      CREATE EXTENSION IF NOT EXISTS citext;
      DROP TABLE IF EXISTS keys;
      CREATE COLLATION IF NOT EXISTS anycase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      CREATE DOMAIN key_code AS text;
      CREATE TYPE key_mood AS ENUM ('good', 'bad');
      CREATE TABLE keys (a int, b uuid, c key_code, d char(5), e key_mood, f date, n numeric, g float8, i interval, j jsonb, ci citext, ac text COLLATE anycase, l text[], updated_at timestamptz);
      INSERT INTO keys VALUES (1, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'x', 'y', 'good', '2024-01-01', 1, 1, '1 day', '1', 'x', 'x', '{x}')`);
    const rig = await rigOn();
    for (const column of ['a', 'b', 'c', 'd', 'e', 'f'])
      await take(rig, tableConfig('keys', { key: [column], ...masking({ [column]: 'hash' }) }), 'full', withSalt);
    for (const column of ['n', 'g', 'i', 'j', 'ci', 'ac', 'l']) {
      const failed = await failureOf(rig, tableConfig('keys', { key: [column], ...masking({ [column]: 'hash' }) }), 'full', withSalt);
      assert.is(failed.code, 'extract.mask-key', column);
      assert.match(failed.message, 'one row could become two');
    }
  });

  test('a column that is masked as NULL is not read: no right on it is needed', async () => {
    await people();
    const role = `reader_${db.name}`;
    await client.query(`CREATE ROLE ${role} LOGIN PASSWORD 'reader'; GRANT SELECT (id, email, updated_at) ON public.people TO ${role}`);
    const url = new URL(db.url);
    url.username = role;
    url.password = 'reader';
    const rig = await rigOn();
    const some = tableConfig('people', masking({ phone: 'null', born: 'null' }));
    await take(rig, some, 'full', { sourceUrl: url.href });
    const denied = await failureOf(rig, tableConfig('people', masking({ phone: 'redact', born: 'null' })), 'full', { sourceUrl: url.href });
    assert.is(denied.code, 'postgres.no-right');
    await client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });

  test('a session that hashes otherwise is refused, and one without the settings fails', async () => {
    const key = maskKeyOf(salt);
    const answering = async (by: Readonly<Record<string, string>>): Promise<void> =>
      await checkHash(key, async (sql) => {
        const session = await db.client();
        for (const [name, value] of Object.entries(by)) await session.query('SELECT set_config($1, $2, false)', [name, value]);
        const { rows } = await session.query(sql);
        await session.end();
        return rows;
      });
    await answering(key.settings);
    const refused = await answering(maskKeyOf('another salt of good length').settings).then(
      () => 'taken',
      (error: { readonly code: string }) => error.code,
    );
    assert.is(refused, 'extract.mask-hash');
    const without = await answering({}).then(
      () => 'taken',
      (error: Error) => error.message,
    );
    assert.match(without, 'unrecognized configuration parameter "engine.mask_');
  });

  test('salts shorter, as long as and longer than a block of SHA-256 give what every HMAC gives', async () => {
    for (const length of [1, 63, 64, 65, 200]) {
      const long = 'ä'.repeat(length / 2).padEnd(length, 'x');
      const session = await db.client();
      for (const [name, value] of Object.entries(maskKeyOf(long).settings))
        await session.query('SELECT set_config($1, $2, false)', [name, value]);
      for (const text of ['', 'a', 'ü€😀', 'x'.repeat(5000)]) {
        const { rows } = await session.query(`SELECT ${hashSql('$1::text')} AS hash`, [text]);
        assert.is(rows[0].hash, hashed(text, long));
      }
      await session.end();
    }
  });
});

suite('the salt on the source', ({ test, before, after }) => {
  let clusters: TestClusters;
  before(async () => {
    clusters = await openClusters();
  });
  after(() => clusters.close());

  test('is in no statement: not in the log of a server that logs every one, nor in what its views show of sessions', async () => {
    const cluster = await clusters.create('logs', {
      log_statement: 'all',
      log_min_duration_statement: '0',
      log_connections: 'on',
      logging_collector: 'on',
      track_activity_query_size: '100kB',
    });
    const client = await cluster.client();
    await client.query(`
      CREATE TABLE public.people (id int PRIMARY KEY, email text, updated_at timestamptz NOT NULL DEFAULT now());
      INSERT INTO public.people SELECT g, 'person' || g FROM generate_series(1, 10) g;
`);
    const rig = await nodeRig({ source: cluster.url() });
    try {
      const watcher = await cluster.client();
      const shown = new Set<string>();
      let over = false;
      const watching = (async () => {
        while (!over) for (const { a } of (await watcher.query('SELECT a::text FROM pg_stat_activity a')).rows) shown.add(String(a));
      })();
      await take(rig, tableConfig('people', { where: 'pg_sleep(0.05) IS NOT NULL', ...masking({ email: 'hash' }) }), 'full', withSalt);
      over = true;
      await watching;
      const { rows } = await client.query('SELECT pg_read_file(pg_current_logfile()) AS log');
      const all = `${rows[0].log}\n${[...shown].join('\n')}`;
      assert.match(rows[0].log, /COPY \(SELECT .*engine\.mask_inner/);
      assert.match([...shown].join('\n'), 'engine.mask_inner');
      for (const secret of [salt, 'a salt with', ...Object.values(maskKeyOf(salt).settings)]) assert.not.match(all, secret);
      const [row] = await lakeRows(rig.lake, 'people', 'SELECT email FROM files WHERE id = 1');
      assert.is(row?.email, hashed('person1'));
    } finally {
      await rig.close();
    }
  });
});
