import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { effects, parseFault } from '../../../engine/base/effect.ts';
import { suite } from '../../support/suite.ts';

const root = join(import.meta.dirname, '..', '..', '..');

/** Runs three effects of one name in a process of its own and tells what it printed, and the signal that ended it. */
function threeTimes(fault: string): { readonly printed: string; readonly signal: string | null; readonly stderr: string } {
  const code = `
    import { effect } from ${JSON.stringify(join(root, 'engine/base/effect.ts'))};
    for (const n of [1, 2, 3]) await effect('lake.part', async () => process.stdout.write(String(n)));
    await effect('lake.entry', async () => process.stdout.write('e'));`;
  const ended = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ENGINE_FAULT: fault },
  });
  return { printed: ended.stdout, signal: ended.signal, stderr: ended.stderr };
}

suite('faults at effects', ({ test }) => {
  test('without a fault every effect happens', () => {
    assert.equal(threeTimes('').printed, '123e');
  });

  test('a fault kills the process just before the effect, or just after it', () => {
    assert.equal({ ...threeTimes('kill before lake.entry'), stderr: '' }, { printed: '123', signal: 'SIGKILL', stderr: '' });
    assert.equal({ ...threeTimes('kill after lake.part 2'), stderr: '' }, { printed: '12', signal: 'SIGKILL', stderr: '' });
    assert.equal({ ...threeTimes('kill before lake.part 3'), stderr: '' }, { printed: '12', signal: 'SIGKILL', stderr: '' });
  });

  test('of effects at work at the same time the one that began first is the first', () => {
    const code = `
      import { effect } from ${JSON.stringify(join(root, 'engine/base/effect.ts'))};
      const late = new Promise((resolve) => setTimeout(resolve, 20));
      await Promise.all([effect('lake.part', () => late), effect('lake.part', async () => undefined)]);`;
    const env = { ...process.env, ENGINE_FAULT: 'kill after lake.part' };
    const ended = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], { cwd: root, env });
    assert.is(ended.signal, 'SIGKILL');
  });

  test('a fault that could never strike is refused', () => {
    assert.match(threeTimes('kill before lake.entri').stderr, /not such as "kill before lake.entry"/);
    for (const text of ['kill lake.entry', 'burn before lake.entry', 'kill before lake.entry 0', 'kill before'])
      assert.throws(() => parseFault(text), /ENGINE_FAULT/);
  });

  test('every effect that is named is wrapped somewhere, and none is wrapped that is not named', () => {
    const files = ['engine', 'connectors', 'lake'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((f) => f.endsWith('.ts'))
        .map((f) => readFileSync(join(root, folder, f), 'utf8')),
    );
    const wrapped = new Set(files.flatMap((text) => [...text.matchAll(/\beffect\(\s*'([^']+)'/g)].map((m) => m[1])));
    assert.equal([...wrapped].sort(), Object.keys(effects).sort());
  });
});
