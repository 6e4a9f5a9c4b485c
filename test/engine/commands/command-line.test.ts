import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { commands } from '../../../engine/commands/index.ts';
import { projectRoot } from '../../support/build.ts';
import { createRig, type Rig } from '../../support/rig.ts';
import { suite } from '../../support/suite.ts';

suite('command line', ({ test, before, after }) => {
  let rig: Rig;
  before(async () => {
    rig = await createRig({ 'pipelines.yaml': 'version: 1\nsourcs: {}\n' });
  });
  after(() => rig.cleanup());

  test('help lists every command and goes to stdout', async () => {
    const { code, stdout, stderr } = await rig.engine('--help');
    assert.is(code, 0);
    for (const { name, summary } of commands) assert.match(stdout, new RegExp(`\\n {2}${name} +${summary.slice(0, 20)}`));
    assert.is(stderr, '');
  });

  test('every command says of itself what the list says, and has examples', async () => {
    for (const entry of commands) {
      const command = await entry.load();
      assert.is(command.name, entry.name);
      assert.ok(command.examples.length > 0, entry.name);
      assert.ok(
        command.examples[0]?.startsWith(`engine ${entry.name}`) && command.examples.every((e) => e.startsWith('engine ')),
        entry.name,
      );
    }
  });

  test('help of a command has its options, the global ones and examples', async () => {
    for (const args of [
      ['run', '--help'],
      ['run', '-h'],
      ['help', 'run'],
    ]) {
      const { code, stdout } = await rig.engine(...args);
      assert.is(code, 0);
      for (const part of ['--full-refresh', '--json', 'Examples:\n  engine run --pipeline']) assert.match(stdout, part);
    }
  });

  test('no command at all is a wrong command line, and shows the help', async () => {
    const { code, stdout, stderr } = await rig.engine();
    assert.is(code, 2);
    assert.is(stdout, '');
    assert.match(stderr, 'Commands:');
    const { documents } = await rig.json();
    assert.match(JSON.stringify(documents[0]), 'no command is given');
  });

  test('output that cannot be written is said once, and ends with 3', () => {
    if (!existsSync('/dev/full')) return;
    const full = openSync('/dev/full', 'w');
    try {
      const { status, stderr } = spawnSync(process.execPath, [join(projectRoot, 'bin/engine.js'), 'schema'], {
        stdio: ['ignore', full, 'pipe'],
        encoding: 'utf8',
        timeout: 20_000,
      });
      assert.is(status, 3);
      assert.match(stderr, /^error: the output cannot be written: ENOSPC[^\n]*\n$/);
    } finally {
      closeSync(full);
    }
  });

  test('a wrong command line ends with 2 and says what was meant', async () => {
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [['rnu'], /unknown command 'rnu'[\s\S]*Did you mean run\? See engine --help\./],
      [['run', '--pipline', 'x'], /unknown option '--pipline'[\s\S]*Did you mean --pipeline\? See engine run --help\./],
      [['--jsn', 'run'], /unknown option '--jsn'[\s\S]*Did you mean --json\?/],
      [['retry'], /missing required argument 'run'[\s\S]*See engine retry --help\./],
      [['runs', 'one', 'two'], /too many arguments/],
      [['run', 'users'], /too many arguments[\s\S]*engine run --pipeline NAME/],
      [['runs', '--limit', 'ten'], /--limit ten is no whole number above 0/],
      [['run', '--config'], /option '--config <file>' argument missing/],
    ];
    for (const [args, expected] of cases) {
      const { code, stdout, stderr } = await rig.engine(...args);
      assert.is(code, 2, args.join(' '));
      assert.is(stdout, '', args.join(' '));
      assert.match(stderr, expected);
      assert.not.match(stderr, /\n {4}at /);
    }
  });

  test('under --json an error is a document on stdout', async () => {
    const { code, documents } = await rig.json('run', '--pipline', 'x');
    assert.is(code, 2);
    assert.is(documents.length, 1);
    assert.match(JSON.stringify(documents[0]), '"trouble":"usage"');
  });

  test('a configuration with findings shows them once and ends with 2', async () => {
    const { code, stdout, stderr } = await rig.engine('run', '--pipeline', 'x');
    assert.is(code, 2);
    assert.is(stdout, '');
    assert.match(stderr, /pipelines\.yaml:2:1: error/);
    assert.is(stderr.match(/sourcs/g)?.length, 2);
    assert.not.match(stderr, `error: ${rig.root}`);
    const json = await rig.json('run', '--pipeline', 'x');
    assert.is(json.documents.length, 1);
    assert.is(json.documents[0]?.ok, false);
  });

  test('starting for help costs less than five times an empty node', async () => {
    const measure = async (args: readonly string[]): Promise<number> => {
      const { spawnSync } = await import('node:child_process');
      const times = Array.from({ length: 5 }, () => {
        const began = performance.now();
        spawnSync(process.execPath, [...args], { cwd: rig.root });
        return performance.now() - began;
      });
      return times.sort((a, b) => a - b)[2] ?? 0;
    };
    const empty = await measure(['-e', '0']);
    const help = await measure([new URL('../../../bin/engine.js', import.meta.url).pathname, '--help']);
    assert.ok(help < 5 * empty, `${help} ms against ${empty} ms`);
  });
});
