import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { redact } from '../../../engine/base/secret.ts';
import { EngineError } from '../../../engine/error.ts';
import { findConfigFile, type Loaded, loadConfig } from '../../../engine/load/index.ts';
import { suite } from '../../support/suite.ts';

const rest = `
lake: { type: file, path: lake }
sinks: { warehouse: { type: postgres, url: embedded } }
tables: { users: }
pipelines: { all: { mode: full, tables: [users] } }
`;

suite('loading a project', (s) => {
  let folder = '';
  s.before(() => {
    folder = mkdtempSync(join(tmpdir(), 'engine-load-'));
  });
  s.after(() => rmSync(folder, { recursive: true, force: true }));

  function project(name: string, files: Readonly<Record<string, string>>): string {
    mkdirSync(join(folder, name), { recursive: true });
    for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, name, file), text);
    return join(folder, name, 'pipelines.yaml');
  }

  const withUrl = (url: string): string => `version: 1\nsources: { one: { type: postgres, url: ${url} } }${rest}`;

  s.test('`.env` beside the file is read, and the environment wins over it', async () => {
    const file = project('env', {
      'pipelines.yaml': withUrl('"postgres://${DB_USER}@${DB_HOST}/${DB_NAME:-shop}"'),
      '.env': '# a comment\nDB_USER=from-file\nexport DB_HOST="db.example.com" # and one more\nDB_NAME=\n',
    });
    assert.is((await loadConfig({ file, env: {} })).config?.sources.one?.url, 'postgres://from-file@db.example.com/shop');
    assert.is((await loadConfig({ file, env: { DB_USER: 'me' } })).config?.sources.one?.url, 'postgres://me@db.example.com/shop');
  });

  s.test('a line of `.env` that sets nothing is a finding at its place, and what it says is not shown', async () => {
    const file = project('env-lines', {
      'pipelines.yaml': withUrl('embedded'),
      '.env': '\n# a comment\nGOOD=1\n  DB_PASSWORD: hunter22\nexport KEY="-----BEGIN\nMIIEv\n-----END" # lines\n=lonely\nexport LAST = x',
    });
    const { config, diagnostics } = await loadConfig({ file, env: {} });
    assert.is(config, undefined);
    assert.equal(
      diagnostics.map(({ code, line, column }) => [code, line, column]),
      [
        ['config.env-line', 4, 3],
        ['config.env-line', 8, 1],
      ],
    );
    assert.is(diagnostics[0]?.file, join(folder, 'env-lines', '.env'));
    assert.not.match(JSON.stringify(diagnostics), /hunter22|lonely/);
  });

  s.test('`$${` is a plain `${`, and what a variable brings is not read as YAML or as a variable', async () => {
    const file = project('escape', {
      'pipelines.yaml': withUrl('embedded').replace('users: }', () => 'users: { where: "a = \'$${X}\' and ${Y}" } }'),
    });
    const { config } = await loadConfig({ file, env: { Y: 'b: [${Z}] # c' } });
    assert.is(config?.tables.users?.where, "a = '${X}' and b: [${Z}] # c");
  });

  s.test('a password from the environment is a secret from then on, however odd it is', async () => {
    const file = project('secret', { 'pipelines.yaml': withUrl('"${DB_URL}"') });
    await loadConfig({ file, env: { DB_URL: 'postgres://me:od%40d:p@ss/w?rd@db/shop' } });
    assert.is(redact('it is od%40d:p@ss/w?rd or od@d:p@ss/w?rd'), 'it is *** or ***');
    await loadConfig({ file, env: { DB_URL: 'postgres://me@db/shop?sslmode=require&password=in-the-query' } });
    assert.is(redact('in-the-query'), '***');
  });

  s.test('the example of docs/alarms.md is right, and what is off is no channel', async () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/alarms.md'), 'utf8');
    const example = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
    const file = project('alarms', { 'pipelines.yaml': `${withUrl('embedded')}${example}` });
    const env = {
      SLACK_WEBHOOK_URL: 'https://hooks.example.com/services/T/B/odd-token',
      SMTP_URL: 'smtps://me:mail-s3cret@mail.example.com',
    };
    const { config, diagnostics } = await loadConfig({ file, env });
    assert.equal(diagnostics, []);
    assert.equal([Object.keys(config?.alerts.channels ?? {}), config?.alerts.off], [['ops', 'mail'], ['pager']]);
    assert.equal([config?.alerts.heartbeat, config?.pipelines.all?.alerts.to], [undefined, ['ops', 'mail']]);
    assert.is(redact(`to ${env.SLACK_WEBHOOK_URL} by mail-s3cret`), 'to *** by ***');
  });

  s.test('a mask of a table takes none of `defaults` away: only `plain` does, and each is told where it stands', async () => {
    const text = (defaults: string, orders: string): string => `version: 1
sources: { shop: { type: postgres, url: embedded } }
lake: { type: file, path: lake }
sinks: { warehouse: { type: postgres, url: "postgres://h/w" } }
masking: { salt: 0123456789abcdef }
defaults: { columns: { mask: ${defaults} } }
tables:
  orders: { key: id, columns: { ${orders} } }
  users: {}
pipelines: { all: { mode: full, tables: [orders, users] } }
`;
    const load = (defaults: string, orders: string): Promise<Loaded> =>
      loadConfig({ file: project('masks', { 'pipelines.yaml': text(defaults, orders) }), env: {} });
    const masksOf = async (defaults: string, orders: string): Promise<unknown> => {
      const { config, diagnostics } = await load(defaults, orders);
      assert.equal(diagnostics, []);
      return [config?.tables.orders, config?.tables.users, config?.tableDefaults].map((table) => table?.columns.mask);
    };
    const both = { email: 'hash', phone: 'redact' };
    assert.equal(await masksOf('{ email: hash }', 'mask: { phone: redact }'), [both, { email: 'hash' }, { email: 'hash' }]);
    assert.equal(await masksOf('{ email: hash }', 'mask: { email: redact }'), [{ email: 'redact' }, { email: 'hash' }, { email: 'hash' }]);
    assert.equal(await masksOf('{ email: hash }', 'mask: {}'), [{ email: 'hash' }, { email: 'hash' }, { email: 'hash' }]);
    assert.equal(await masksOf('{ email: hash, phone: redact }', 'mask: { email: plain }'), [{ phone: 'redact' }, both, both]);
    assert.equal(await masksOf('{ email: null }', 'exclude: [email]'), [{ email: 'null' }, { email: 'null' }, { email: 'null' }]);
    assert.equal(await masksOf('{ email: plain }', 'mask: { phone: redact }'), [{ phone: 'redact' }, {}, {}]);
    const { diagnostics } = await load('{ id: redact }', 'mask: { phone: redact }');
    assert.equal(
      diagnostics.map(({ code, line }) => [code, line]),
      [['config.mask', 6]],
    );
    assert.is((await load('{ id: redact }', 'mask: { id: hash }')).diagnostics.length, 0);
  });

  s.test('the file is looked for in the working directory and upwards', () => {
    const file = project('search', { 'pipelines.yaml': 'version: 1' });
    const deep = join(folder, 'search', 'a', 'b');
    mkdirSync(deep, { recursive: true });
    assert.is(findConfigFile(deep), file);
    assert.is(findConfigFile(deep, '../../pipelines.yaml'), file);
    assert.is(findConfigFile(deep, '../..'), file);
    const bare = mkdtempSync(join(tmpdir(), 'engine-bare-'));
    try {
      assert.throws(
        () => findConfigFile(bare),
        (error: unknown) => error instanceof EngineError && error.trouble === 'usage' && error.code === 'config.no-file',
      );
    } finally {
      rmSync(bare, { recursive: true });
    }
  });

  s.test('a file that is not there, a folder and a binary file are errors of usage', async () => {
    writeFileSync(join(folder, 'binary.yaml'), Buffer.from([0x61, 0xff, 0xfe]));
    for (const file of ['nothing.yaml', '.', 'binary.yaml']) {
      const error = await loadConfig({ file: join(folder, file), env: {} }).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      assert.ok(error instanceof EngineError && error.trouble === 'usage', file);
    }
  });

  s.test('Windows line ends, a byte order mark and no end of the last line change nothing', async () => {
    const text = withUrl('embedded').trimEnd();
    const file = project('windows', { 'pipelines.yaml': `\uFEFF${text.replaceAll('\n', '\r\n')}` });
    assert.ok((await loadConfig({ file, env: {} })).config !== undefined);
    writeFileSync(file, `${text.replaceAll('\n', '\r\n')}\r\nodd: 1\r\n`);
    const { diagnostics } = await loadConfig({ file, env: {} });
    assert.equal(
      diagnostics.map((d) => [d.line, d.column, d.text]),
      [[7, 1, 'odd: 1']],
    );
  });

  s.test('aliases of aliases cannot fill the memory', async () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 9; i += 1) {
      const [last, name] = ['abcdefghi'.charAt(i - 1), 'abcdefghi'.charAt(i)];
      bomb.push(`${name}: &${name} [${Array.from({ length: 10 }, () => `*${last}`).join(', ')}]`);
    }
    const file = project('bomb', { 'pipelines.yaml': bomb.join('\n') });
    const { diagnostics } = await loadConfig({ file, env: {} });
    assert.is(diagnostics[0]?.code, 'config.too-big');
  });

  s.test('names that JavaScript knows are names like any other', async () => {
    const file = project('names', {
      'pipelines.yaml': withUrl('embedded')
        .replace('users: }', 'constructor: , toString: }')
        .replace('tables: [users]', 'tables: [constructor, toString, valueOf]'),
    });
    const { diagnostics } = await loadConfig({ file, env: {} });
    assert.equal(
      diagnostics.map((d) => d.message),
      ['`toString` is no plain SQL name, so it does not say which table is meant', 'there is no table `valueOf`'],
    );
  });

  s.test("the repository's own pipelines.yaml has no findings", async () => {
    const root = join(import.meta.dirname, '../../..');
    const { config, diagnostics } = await loadConfig({ file: join(root, 'pipelines.yaml'), env: {} });
    assert.equal(diagnostics, []);
    assert.equal(Object.keys(config?.tables ?? {}), ['users', 'transactions']);
    assert.is(Object.keys(config?.pipelines ?? {}).length, 4);
    assert.match(
      readFileSync(join(root, 'pipelines.yaml'), 'utf8'),
      /^# yaml-language-server: \$schema=\.\/schemas\/pipelines\.schema\.json\n/,
    );
  });
});
