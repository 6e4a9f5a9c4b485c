import { spawn } from 'node:child_process';
import { mkdtempSync, realpathSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { connector } from '../../../connectors/file/index.ts';
import { openFileLake } from '../../../connectors/file/lake.ts';
import { EngineError } from '../../../engine/error.ts';
import { lakeError } from '../../../lake/error.ts';
import { codeOf, lakeConformance } from '../../conformance/lake.ts';
import { stillClock } from '../../support/lake-table.ts';
import { suite } from '../../support/suite.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

lakeConformance('a folder', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'engine-file-lake-'));
  const root = join(parent, 'not there yet', 'lake');
  return { lake: openFileLake(root), again: () => openFileLake(root), close: () => rm(parent, { recursive: true }) };
});

suite('the lake on a folder', ({ test, after }) => {
  const parent = realpathSync(mkdtempSync(join(tmpdir(), 'engine-file-lake-')));
  after(() => rm(parent, { recursive: true, force: true }));
  let count = 0;
  const fresh = (): string => join(parent, `lake-${++count}`);

  test('the connector opens a path relative to the project', async () => {
    const scope = { root: parent, clock: stillClock(0), engine: '0', log: () => undefined };
    const link = connector.open('lake', { path: '.engine/lake' }, scope);
    await link.lake?.createIfAbsent('t/a', bytes('a'));
    assert.is(await readFile(join(parent, '.engine', 'lake', 't', 'a'), 'utf8'), 'a');
    assert.is(connector.open('lake', { path: join(parent, '.engine', 'lake') }, scope).lake?.uri, link.lake?.uri);
    await link.close();
  });

  test('a symbolic link that leads out of the lake is refused, one that stays inside is followed', async () => {
    const root = fresh();
    const elsewhere = join(parent, 'elsewhere');
    await mkdir(elsewhere);
    await writeFile(join(elsewhere, 'secret'), 'secret');
    await mkdir(join(root, 't'), { recursive: true });
    await symlink(elsewhere, join(root, 'out'));
    await symlink(join(elsewhere, 'secret'), join(root, 't', 'file'));
    await symlink(join(root, 't'), join(root, 'inside'));
    const lake = openFileLake(root);
    assert.is(await codeOf(lake.read('out/secret')), 'lake.path-outside');
    assert.is(await codeOf(lake.read('t/file')), 'lake.path-outside');
    assert.is(await codeOf(lake.createIfAbsent('out/new', bytes('x'))), 'lake.path-outside');
    assert.is(await codeOf(lake.write('out/run')), 'lake.path-outside');
    assert.is(await codeOf(lake.remove('out/secret')), 'lake.path-outside');
    await lake.createIfAbsent('inside/a', bytes('a'));
    assert.is(await readFile(join(root, 't', 'a'), 'utf8'), 'a');
    assert.is(await readFile(join(elsewhere, 'secret'), 'utf8'), 'secret');
    assert.equal(await readdir(elsewhere), ['secret']);
  });

  test('a lake whose own path is a link has the address of the place behind it', async () => {
    const root = fresh();
    await mkdir(root);
    const by = fresh();
    await symlink(root, by);
    assert.is(openFileLake(by).uri, openFileLake(root).uri);
    await openFileLake(by).createIfAbsent('t/a', bytes('a'));
    assert.is(await readFile(join(root, 't', 'a'), 'utf8'), 'a');
  });

  test('no temporary file is left, also not after a name that was taken', async () => {
    const root = fresh();
    const lake = openFileLake(root);
    await lake.createIfAbsent('t/a', bytes('a'));
    await lake.createIfAbsent('t/a', bytes('b'));
    await lake.replace('t/a', bytes('c'));
    assert.equal(await readdir(join(root, 't')), ['a']);
  });

  test('a folder for data files is new, or an error', async () => {
    const lake = openFileLake(fresh());
    const writer = await lake.write('t/run-1');
    await writeFile(join(writer.localFolder, 'part'), 'x');
    await writer.publish('part');
    await writer.close('keep');
    assert.is(await codeOf(lake.write('t/run-1')), 'lake.folder-taken');
  });

  test('a full disk is an error of its own, and leaves nothing behind', async () => {
    const root = fresh();
    await mkdir(root);
    const mounted = await mountSmallDisk(root);
    if (mounted === undefined)
      return assert.ok(lakeError(Object.assign(new Error('x'), { code: 'ENOSPC' }), 'writing').code === 'lake.disk-full');
    try {
      const lake = openFileLake(root);
      await lake.createIfAbsent('t/small', bytes('small'));
      const error = await lake.createIfAbsent('t/large', new Uint8Array(4_000_000)).then(
        () => undefined,
        (e: unknown) => e,
      );
      assert.ok(error instanceof EngineError);
      assert.is(error.code, 'lake.disk-full');
      assert.is(error.trouble, 'outside');
      assert.match(error.message, join(root, 't/large'));
      assert.is(error.retryable, false);
      assert.equal(await readdir(join(root, 't')), ['small'], 'no torn and no temporary file');
      assert.is(await codeOf(lake.replace('t/small', new Uint8Array(4_000_000))), 'lake.disk-full');
      assert.is(await readFile(join(root, 't', 'small'), 'utf8'), 'small');
    } finally {
      await mounted();
    }
  });

  test('what the operating system denies has a code, a cause and a way out', async () => {
    const cases: readonly (readonly [string, string])[] = [
      ['ENOSPC', 'lake.disk-full'],
      ['EDQUOT', 'lake.disk-full'],
      ['EACCES', 'lake.no-right'],
      ['EPERM', 'lake.no-right'],
      ['EROFS', 'lake.read-only'],
      ['EIO', 'lake.io'],
    ];
    for (const [code, expected] of cases) {
      const error = lakeError(Object.assign(new Error('bad'), { code }), 'writing t/a');
      assert.is(error.code, expected);
      assert.is(error.trouble, 'outside');
      assert.ok(error.message.startsWith('writing t/a failed: '));
      assert.ok((error.hint ?? '').length > 10);
    }
    assert.is(lakeError(new Error('IO Error: Could not write file "x": No space left on device'), 'x').code, 'lake.disk-full');
  });

  test('a folder without rights is an error of its own', async () => {
    const root = fresh();
    await mkdir(join(root, 't'), { recursive: true });
    await writeFile(join(root, 't', 'secret'), 'x', { mode: 0o000 });
    await chmod(join(root, 't'), 0o555);
    await chmod(parent, 0o755);
    const lake = openFileLake(root);
    const codes = await asPlainUser(async () => [
      await codeOf(lake.createIfAbsent('t/a', bytes('a'))),
      await codeOf(lake.read('t/secret')),
      await codeOf(lake.write('t/run')),
    ]);
    assert.equal(codes, ['lake.no-right', 'lake.no-right', 'lake.no-right']);
    assert.equal(await readdir(join(root, 't')), ['secret']);
  });

  test('of processes that race for every version each version has one winner, and the killed ones leave no torn entry', async () => {
    const root = fresh();
    await mkdir(root);
    const writers = Array.from({ length: 4 }, (_, i) => raceInProcess(root, i));
    await Promise.all(writers.map((w) => w.going));
    writers[0]?.kill();
    writers[1]?.kill();
    const won = await Promise.all(writers.map((w) => w.ended));
    const names = (await readdir(join(root, 't'))).filter((n) => n.endsWith('.json')).sort();
    assert.ok(names.length >= 40, `${names.length} versions`);
    const winners = new Map<string, number>();
    for (const [index, name] of names.entries()) {
      assert.is(name, `${String(index).padStart(20, '0')}.json`, 'no gap');
      const content = await readFile(join(root, 't', name), 'utf8');
      const writer = Number(content[0]);
      assert.is(content, `${writer}`.repeat(100_000), 'no torn entry');
      winners.set(name, writer);
    }
    for (const [writer, names] of won.entries())
      for (const name of names) assert.is(winners.get(name), writer, `${name}: who was told that it won has won`);
  });
});

/** A small file system of its own; undefined where the machine does not allow that. Gives what unmounts it. */
async function mountSmallDisk(folder: string): Promise<(() => Promise<void>) | undefined> {
  const run = (command: string, args: readonly string[]): Promise<number | null> =>
    new Promise((resolve) => {
      const child = spawn(command, args, { stdio: 'ignore' });
      child.on('error', () => resolve(-1));
      child.on('close', resolve);
    });
  if ((await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder])) !== 0) return undefined;
  return async () => {
    await run('umount', [folder]);
  };
}

/** Rights mean nothing to root: its effective user is another one for so long. */
async function asPlainUser<T>(work: () => Promise<T>): Promise<T> {
  const isRoot = process.getuid?.() === 0;
  if (isRoot) process.seteuid?.(65534);
  try {
    return await work();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

/** A process that creates one version after the other, and prints each one that it won. `going` once it has won some. */
function raceInProcess(root: string, writer: number): { going: Promise<void>; ended: Promise<readonly string[]>; kill(): void } {
  const script = `
    const { openFileLake } = await import(${JSON.stringify(new URL('../../../connectors/file/lake.ts', import.meta.url).pathname)});
    const lake = openFileLake(${JSON.stringify(root)});
    const content = new TextEncoder().encode('${writer}'.repeat(100_000));
    let version = 0;
    for (let won = 0; won < 40; version += 1) {
      const name = String(version).padStart(20, '0') + '.json';
      if ((await lake.createIfAbsent('t/' + name, content)) === 'created') { won += 1; process.stdout.write(name + '\\n'); }
    }`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  let go: () => void = () => undefined;
  const going = new Promise<void>((resolve) => {
    go = resolve;
  });
  child.stdout.on('data', (data: Buffer) => {
    said += data.toString();
    if (said.split('\n').length > 5) go();
  });
  const ended = new Promise<readonly string[]>((resolve) => {
    child.on('close', () => {
      go();
      resolve(said.split('\n').filter((name) => name.length === 25));
    });
  });
  return { going, ended, kill: () => void child.kill('SIGKILL') };
}
