import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';

const root = join(import.meta.dirname, '..', '..');
const project = join(root, '.engine', 'demo');

/** Command lines of live processes that name the demo's folder. */
function atWork(): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch (error) {
        if (error instanceof Error) return '';
        throw error;
      }
    })
    .filter((line) => line.includes(project));
}

/** Runs the line, asks its page for itself at the address that the line names, and stops it as Ctrl-C does. */
async function daemonAnswers(line: string): Promise<void> {
  const url = /http:\/\/\S+/.exec(line)?.[0];
  assert.ok(url !== undefined, line);
  const child = spawn('bash', ['-c', `exec ${line.trim()}`], { cwd: project, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  let said = '';
  const listens = new Promise<void>((resolve) => {
    const take = (chunk: Buffer): void => {
      said += chunk.toString();
      if (said.includes(`the page and the API are at ${url}`)) resolve();
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
  });
  await Promise.race([listens, ended]);
  assert.is(child.exitCode, null, said);
  const page = await fetch(url);
  assert.is(page.status, 200);
  assert.match(await page.text(), /<div id="page">/);
  child.kill('SIGINT');
  assert.is(await ended, 130, said);
}

suite('npm run demo', (s) => {
  let output = '';
  s.after(() => {
    spawnSync(process.execPath, [join(root, 'bin', 'engine.js'), '--config', join(project, 'pipelines.yaml'), 'down']);
  });

  s.test('it ends well, says that source and staging are equal, and leaves no process behind', () => {
    const ran = spawnSync(process.execPath, [join(root, 'bin', 'bootstrap.js'), 'demo'], {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    output = ran.stdout;
    assert.is(ran.status, 0, `${ran.stdout}\n${ran.stderr}`);
    assert.match(output, /users +5,200 +5,200 +5,200 +5,200 +every value/);
    assert.match(output, /transactions +102,000 +102,000 +102,000 +102,000 +every value/);
    if (process.platform === 'linux') assert.equal(atWork(), []);
  });

  s.test('what it says to look at next works', async () => {
    const next = output.split('\n').filter((line) => line.startsWith('  node '));
    const [daemon, ...more] = next.filter((line) => line.includes('engine.js daemon'));
    assert.ok(next.length >= 5 && daemon !== undefined && more.length === 0, output);
    const did = (line: string): void => {
      const ran = spawnSync('bash', ['-c', line], { cwd: project, encoding: 'utf8', timeout: 120_000 });
      assert.is(ran.status, 0, `${line}\n${ran.stdout}\n${ran.stderr}`);
    };
    for (const line of next) if (line !== daemon) did(line);
    await daemonAnswers(daemon);
    did('node ../../bin/engine.js down');
    if (process.platform === 'linux') assert.equal(atWork(), []);
  });

  s.test('stopped by SIGINT it ends with 130 and leaves no process behind', async () => {
    const child = spawn(process.execPath, [join(root, 'bin', 'bootstrap.js'), 'demo'], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes('$ engine run --pipeline batch_users_full_update')) child.kill('SIGINT');
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    assert.is(code, 130, said);
    if (process.platform === 'linux') assert.equal(atWork(), []);
  });
});
