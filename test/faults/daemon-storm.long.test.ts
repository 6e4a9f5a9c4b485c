import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';
import { daemonStorm, showDaemonStorm } from './daemon-storm.ts';

suite('two daemons in trouble for ten minutes', ({ test }) => {
  test('twenty pipelines each minute: every time fires exactly once, another one leads within 15 s, no table has two runs', async () => {
    const result = await daemonStorm({
      minutes: 10,
      pipelines: 18,
      seed: Date.now() % 1_000_000,
      takeoverSeconds: 15,
      say: () => undefined,
    });
    process.stdout.write(`${showDaemonStorm(result)}\n`);
    assert.equal(result.wrong, []);
    assert.ok(result.fires >= 180);
  });
});
