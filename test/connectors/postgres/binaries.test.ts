import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { canReach } from '../../../connectors/postgres/embedded/account.ts';
import { findBinaries } from '../../../connectors/postgres/embedded/binaries.ts';
import { suite } from '../../support/suite.ts';

/** Not this process's own. */
const other = { uid: (process.getuid?.() ?? 0) + 1, gid: (process.getgid?.() ?? 0) + 1 };

/** A package as npm unpacks it without scripts: no links, no execute bits. */
async function withPackage(body: (folder: string, cache: string) => Promise<void>): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'engine-binaries-'));
  chmodSync(root, 0o755);
  const folder = join(root, 'package');
  for (const name of ['bin', 'lib']) mkdirSync(join(folder, 'native', name), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"version":"1.2.3"}');
  for (const name of ['bin/initdb', 'bin/postgres', 'lib/libx.so.5.18']) writeFileSync(join(folder, 'native', name), name, { mode: 0o644 });
  const links = ['libx.so', 'libx.so.5'].map((name) => ({ source: 'native/lib/libx.so.5.18', target: `native/lib/${name}` }));
  writeFileSync(join(folder, 'native', 'pg-symlinks.json'), JSON.stringify(links));
  try {
    await body(folder, join(root, 'cache'));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function isReady(bin: string): void {
  assert.is(readFileSync(join(bin, '..', 'lib', 'libx.so.5'), 'utf8'), 'lib/libx.so.5.18');
  assert.ok(lstatSync(join(bin, '..', 'lib', 'libx.so')).isSymbolicLink());
  assert.is(statSync(join(bin, 'initdb')).mode & 0o555, 0o555);
}

suite('the binaries of embedded Postgres', (s) => {
  s.test('a package whose postinstall did not run is made ready in place, also by several at once', async () => {
    await withPackage(async (folder, cache) => {
      const found = await Promise.all([1, 2, 3].map(() => findBinaries(undefined, { package: folder, cache })));
      for (const { postgres, version } of found) assert.equal([postgres, version], [join(folder, 'native', 'bin', 'postgres'), '1.2.3']);
      isReady(join(folder, 'native', 'bin'));
      assert.not.ok(existsSync(cache));
    });
  });

  s.test('a package in a folder that the account may not enter is copied once, whole', async () => {
    await withPackage(async (folder, cache) => {
      chmodSync(join(folder, 'native'), 0o700);
      const found = await Promise.all([1, 2, 3].map(() => findBinaries(other, { package: folder, cache })));
      assert.is(new Set(found.map((f) => f.postgres)).size, 1);
      assert.ok(found[0]?.postgres.startsWith(cache));
      isReady(join(found[0]?.postgres ?? '', '..'));
      assert.ok(await canReach(join(found[0]?.postgres ?? '', '..'), other));
    });
  });

  s.test('whether an account may enter goes by owner, group and mode of every folder above', async () => {
    await withPackage(async (folder) => {
      const bin = join(folder, 'native', 'bin');
      assert.ok(await canReach(bin, other));
      chmodSync(folder, 0o750);
      assert.not.ok(await canReach(bin, other));
      assert.ok(await canReach(bin, undefined));
      if (process.getuid?.() === 0) {
        chownSync(folder, 0, other.gid);
        assert.ok(await canReach(bin, other));
        chownSync(folder, other.uid, 0);
        assert.ok(await canReach(bin, other));
      }
    });
  });
});
