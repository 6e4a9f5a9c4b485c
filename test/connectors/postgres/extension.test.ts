import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import * as assert from 'uvu/assert';
import { findPostgresExtension } from '../../../connectors/postgres/extension.ts';
import { quoteLiteral } from '../../../connectors/postgres/identifier.ts';
import { EngineError } from '../../../engine/error.ts';
import { fakePythonEnv, writeFakePython } from '../../support/fake-python.ts';
import { suite } from '../../support/suite.ts';

const fileName = 'postgres_scanner.duckdb_extension';

suite("DuckDB's postgres extension", ({ test, before, after }) => {
  let folder: string;
  let real: string;
  let place: string;
  const lines: string[] = [];
  const log = (_level: string, text: string): void => void lines.push(text);
  /** No Python, and no repository of DuckDB's. */
  const offline = (): Record<string, string> => ({ ...fakePythonEnv(folder, '/nowhere/python3') });

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'engine-extension-'));
    real = await findPostgresExtension({ folder: undefined, log });
    place = real.split('/').slice(-3).join('/');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('what is found here or fetched from PyPI is signed for the DuckDB that is installed, and loads', async () => {
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    await connection.run(`LOAD ${quoteLiteral(real)}`);
    connection.closeSync();
    instance.closeSync();
  });

  test('DuckDB’s own folder comes first, then the configured one, then the cache', async () => {
    const env = offline();
    const cache = join(folder, 'order');
    const own = join(env.HOME ?? '', '.duckdb/extensions', place);
    const configured = join(folder, 'configured');
    for (const path of [own, join(configured, fileName), join(cache, place)]) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, 'x');
    }
    const find = (): Promise<string> => findPostgresExtension({ folder: configured, cache, env, log });
    assert.is(await find(), own);
    rmSync(own);
    assert.is(await find(), join(configured, fileName));
    rmSync(join(configured, fileName));
    lines.length = 0;
    assert.is(await find(), join(cache, place));
    assert.match(lines.join('\n'), /no postgres_scanner\.duckdb_extension for DuckDB v.* in .*configured/);
  });

  test('an empty file is none', async () => {
    const env = offline();
    const cache = join(folder, 'empty');
    mkdirSync(dirname(join(cache, place)), { recursive: true });
    writeFileSync(join(cache, place), '');
    mkdirSync(join(folder, 'good'));
    cpSync(real, join(folder, 'good', fileName));
    assert.is(await findPostgresExtension({ folder: join(folder, 'good'), cache, env, log }), join(folder, 'good', fileName));
  });

  test('a wheel is fetched into the cache in one step, by two at once too', async () => {
    const cache = join(folder, 'fetched');
    const env = { HOME: join(folder, 'fetching'), XDG_CACHE_HOME: cache };
    const [one, other] = await Promise.all([0, 1].map(() => findPostgresExtension({ folder: undefined, cache, env, log })));
    assert.is(one, join(cache, place));
    assert.is(other, one);
    assert.is(statSync(join(cache, place)).size, statSync(real).size);
    assert.equal(readdirSync(cache), [place.split('/')[0]]);
  });

  test('without any of them the error says every way out, and nothing is left behind', async () => {
    const python = join(folder, 'offline-python');
    writeFakePython(python, { pip: 'echo "ERROR: Could not find a version (from versions: none)" >&2; exit 1' });
    const cache = join(folder, 'nothing');
    const env = fakePythonEnv(folder, python);
    try {
      await findPostgresExtension({ folder: undefined, cache, env, log, repository: 'http://127.0.0.1:1' });
      assert.unreachable();
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      assert.is(error.code, 'duckdb.no-extension');
      assert.is(error.trouble, 'outside');
      for (const way of ['engine setup', 'PIP_INDEX_URL', 'extract.extensionFolder', '.duckdb/extensions'])
        assert.ok(error.hint?.includes(way), way);
      assert.not(existsSync(join(cache, place)));
    }
  });
});
