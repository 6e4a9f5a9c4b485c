#!/usr/bin/env node
// Runs `test`, `test:full` or `demo` in a clone with no step before it: says early what the machine lacks, installs the packages,
// builds dist/, then starts the target. Needs node's own modules only.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const targets = {
  test: ['--import', 'tsx', join('test', 'run.ts')],
  'test:full': ['--import', 'tsx', join('test', 'run.ts'), '--full'],
  demo: ['--import', 'tsx', join('generators', 'demo.ts')],
};

function say(text) {
  process.stderr.write(`${text}\n`);
}

function fail(text, code = 3) {
  say(text);
  process.exit(code);
}

/** The parts of a version as numbers: `3.11.2` is [3, 11, 2]. */
function parts(version) {
  return version.split('.').map((part) => Number.parseInt(part, 10) || 0);
}

function atLeast(version, major, minor) {
  const [a = 0, b = 0] = parts(version);
  return a > major || (a === major && b >= minor);
}

function checkNode() {
  if (!atLeast(process.versions.node, 20, 19))
    fail(
      `Node.js ${process.versions.node} is too old: 20.19 or newer is needed.\nInstall it from https://nodejs.org, then run this again.`,
    );
}

function checkPython() {
  const seen = [];
  const named = process.env.ENGINE_PYTHON;
  for (const name of named ? [named] : ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python']) {
    const asked = spawnSync(name, ['-c', 'import sys; print("%d.%d.%d" % sys.version_info[:3])'], { encoding: 'utf8' });
    if (asked.status !== 0) continue;
    const version = asked.stdout.trim();
    seen.push(`${name} ${version}`);
    if (!atLeast(version, 3, 10)) continue;
    const venv = spawnSync(name, ['-c', 'import venv, ensurepip'], { encoding: 'utf8' });
    if (venv.status !== 0)
      fail(
        `${name} ${version} cannot make environments: its module venv or ensurepip is missing.\nOn Debian and Ubuntu: apt-get install python3-venv`,
      );
    return;
  }
  fail(
    `Python 3.10 or newer is needed (for dbt), and ${seen.length === 0 ? 'no Python was found on the PATH' : `only ${seen.join(', ')} was found`}.\n` +
      'On Debian and Ubuntu: apt-get install python3 python3-venv. On macOS: brew install python3.',
  );
}

function npm(...args) {
  const cli = process.env.npm_execpath;
  const [command, before] = cli?.endsWith('.js') ? [process.execPath, [cli]] : ['npm', []];
  return spawnSync(command, [...before, ...args], { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
}

function explain(what, done) {
  fail(`${what} failed${done.error ? `: ${done.error.message}` : ''}\n${done.stdout ?? ''}${done.stderr ?? ''}`, 3);
}

function install() {
  const modules = join(root, 'node_modules');
  const lock = join(root, 'package-lock.json');
  const installed = join(modules, '.package-lock.json');
  const stamp = join(modules, '.installed-from');
  const wanted = createHash('sha256').update(readFileSync(lock)).digest('hex');
  if (existsSync(installed)) {
    if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
    if (!existsSync(stamp) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) {
      writeFileSync(stamp, wanted);
      return;
    }
  }
  const began = Date.now();
  say('installing packages with npm ci ...');
  const done = npm('ci', '--no-audit', '--no-fund', '--loglevel=error');
  if (done.status !== 0) explain('npm ci', done);
  writeFileSync(stamp, wanted);
  say(`packages installed in ${((Date.now() - began) / 1000).toFixed(0)} s`);
}

function newest(folder) {
  let time = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const at = statSync(join(entry.parentPath ?? entry.path, entry.name)).mtimeMs;
    if (at > time) time = at;
  }
  return time;
}

function build() {
  const built = [join('dist', 'main.js'), join('dist', 'ui', 'index.html')].map((f) => join(root, f));
  const sources = ['engine', 'connectors', 'lake', 'generators', 'schemas', 'ui'].map((f) => join(root, f)).filter((f) => existsSync(f));
  const changed = Math.max(statSync(join(root, 'package.json')).mtimeMs, ...sources.map(newest));
  if (built.every((f) => existsSync(f) && statSync(f).mtimeMs >= changed)) return;
  const done = npm('run', '--silent', 'build');
  if (done.status !== 0) explain('npm run build', done);
}

const [name, ...rest] = process.argv.slice(2);
const target = name === undefined ? undefined : targets[name];
if (target === undefined) fail(`bootstrap knows ${Object.keys(targets).join(', ')}, not ${name ?? 'nothing'}`, 2);
checkNode();
checkPython();
install();
build();
const child = spawn(process.execPath, [...target, ...rest], { cwd: root, stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => {
    // A terminal sends SIGINT to the whole group itself.
    if (signal === 'SIGTERM' || process.stdin.isTTY !== true) child.kill(signal);
  });
child.on('close', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)));
