import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { ensureEnvironment, environmentFolder, existingEnvironment } from '../../../connectors/dbt/environment.ts';
import { constraints, requirements } from '../../../connectors/dbt/requirements.ts';
import { stoppedError } from '../../../engine/error.ts';
import { errorOf } from '../../support/engine-error.ts';
import { fakePythonEnv, writeFakePython } from '../../support/fake-python.ts';
import { suite } from '../../support/suite.ts';
import { waitUntil } from '../../support/wait.ts';

suite("dbt's environment", ({ test, before, after }) => {
  let folder: string;
  let count = 0;

  /** A machine of its own for each test. */
  const machine = (fake: Parameters<typeof writeFakePython>[1] = {}) => {
    const root = join(folder, String(++count));
    const python = join(root, 'python3');
    const calls = writeFakePython(python, fake);
    const env = fakePythonEnv(root, python);
    const lines: string[] = [];
    const ensure = (signal?: AbortSignal): Promise<string> => ensureEnvironment({ env, signal, log: (_level, text) => lines.push(text) });
    return { env, calls, lines, ensure };
  };
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'engine-env-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('it is made once, with progress, from pinned versions, and left alone afterwards', async () => {
    const { env, ensure, lines, calls } = machine();
    assert.is(await existingEnvironment(env), undefined);
    const python = await ensure();
    assert.is(python, join(environmentFolder(env), 'bin', 'python'));
    assert.match(lines.join('\n'), /making dbt's environment with Python 3\.11\.2[\s\S]*dbt-core==1\.11\.16/);
    assert.is(readFileSync(join(environmentFolder(env), 'requirements.txt'), 'utf8'), requirements);
    assert.is(readFileSync(join(environmentFolder(env), 'constraints.txt'), 'utf8'), constraints);
    assert.ok(calls().some((call) => call.includes('-m venv')));
    const asked = calls().length;
    assert.is(await ensure(), python);
    assert.is(calls().length, asked);
  });

  test('every version of what is installed is pinned, for old and new Pythons', () => {
    for (const line of `${requirements}${constraints}`.trim().split('\n'))
      assert.match(line, /^[A-Za-z0-9_.-]+==[^ ]+( ; python_version (>=|<) '3\.11')?$/);
  });

  test('two that make it at once both get a whole one, and leave nothing beside it', async () => {
    const { env, ensure } = machine();
    const [one, other] = await Promise.all([ensure(), ensure()]);
    assert.is(one, other);
    assert.equal(readdirSync(dirname(environmentFolder(env))), [environmentFolder(env).split('/').at(-1)]);
  });

  test('what a killed making left behind is in nobody’s way', async () => {
    const { env, ensure } = machine();
    mkdirSync(join(dirname(environmentFolder(env)), '.making-1-dead', 'half'), { recursive: true });
    assert.ok(existsSync(await ensure()));
  });

  test('one whose Python has been removed from the machine is made anew', async () => {
    const { env, ensure, lines } = machine();
    mkdirSync(join(environmentFolder(env), 'bin'), { recursive: true });
    symlinkSync('/nowhere/python3', join(environmentFolder(env), 'bin', 'python'));
    assert.ok(existsSync(await ensure()));
    assert.ok(lines.length > 0);
  });

  test('a stop ends the making and leaves nothing', async () => {
    const { env, ensure } = machine({ pip: 'sleep 60' });
    const stop = new AbortController();
    const making = errorOf(ensure(stop.signal));
    const begun = (): boolean => existsSync(dirname(environmentFolder(env)));
    await waitUntil(begun, 'the making has begun');
    stop.abort(stoppedError());
    assert.is((await making).code, 'run.stopped');
    assert.equal(readdirSync(dirname(environmentFolder(env))), []);
  });

  for (const [title, fake, code, said] of [
    ['an old Python', { version: '3.9.18' }, 'python.too-old', /Python 3\.10 to 3\.13 is needed, and .* is 3\.9\.18/],
    ['a Python that dbt does not know yet', { version: '3.14.0' }, 'python.too-new', /Python 3\.10 to 3\.13 is needed, and .* is 3\.14\.0/],
    [
      'a Python without venv',
      { venv: 'echo "The virtual environment was not created successfully because ensurepip is not available."; exit 1' },
      'python.no-venv',
      /ensurepip is not available/,
    ],
    [
      'an index out of reach',
      {
        pip: 'echo "WARNING: Retrying (NewConnectionError)"; echo "ERROR: No matching distribution found for dbt-core==1.11.16" >&2; exit 1',
      },
      'python.index-unreachable',
      /No matching distribution/,
    ],
    ['a Python without pip', { pip: 'echo "python3: No module named pip" >&2; exit 1' }, 'python.no-pip', /has no pip/],
    [
      'a wheel that does not exist for this machine',
      { pip: 'echo "ERROR: Could not build" >&2; exit 1' },
      'python.install-failed',
      /Could not build/,
    ],
  ] as const)
    test(`${title} is told with the ways out, and nothing is left half made`, async () => {
      const { env, ensure } = machine(fake);
      const error = await errorOf(ensure());
      assert.is(error.code, code);
      assert.is(error.trouble, 'outside');
      assert.match(error.message, said);
      assert.match(error.hint ?? '', /dbt\.command/);
      if (code === 'python.no-venv') assert.match(error.hint ?? '', /apt install python3-venv/);
      if (code === 'python.index-unreachable') assert.match(error.hint ?? '', /PIP_INDEX_URL/);
      assert.is(await existingEnvironment(env), undefined);
      assert.ok(!existsSync(dirname(environmentFolder(env))) || readdirSync(dirname(environmentFolder(env))).length === 0);
    });

  test('a machine without Python is told so', async () => {
    const { env } = machine();
    const error = await errorOf(ensureEnvironment({ env: { ...env, ENGINE_PYTHON: '/nowhere/python3' }, log: () => undefined }));
    assert.is(error.code, 'python.missing');
    assert.match(error.hint ?? '', /Install Python 3\.10 or later/);
  });

  test('a cache folder that is none is told so', async () => {
    const { env } = machine();
    const file = join(folder, 'a-file');
    rmSync(file, { force: true });
    writeFakePython(file);
    chmodSync(file, 0o600);
    const error = await errorOf(ensureEnvironment({ env: { ...env, XDG_CACHE_HOME: file }, log: () => undefined }));
    assert.is(error.code, 'dbt.environment');
    assert.match(error.hint ?? '', /XDG_CACHE_HOME/);
  });
});
