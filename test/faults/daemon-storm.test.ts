import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';
import { daemonStorm, showDaemonStorm } from './daemon-storm.ts';

suite('two daemons in trouble', ({ test }) => {
  test('killed, stopped and cut off from their store at random, runs killed too: every time fires exactly once, another one leads, no table has two runs', async () => {
    const result = await daemonStorm({
      minutes: 1.5,
      pipelines: 3,
      seed: Date.now() % 1_000_000,
      takeoverSeconds: 30,
      say: () => undefined,
    });
    process.stdout.write(`${showDaemonStorm(result)}\n`);
    assert.equal(result.wrong, []);
    assert.ok(result.fires >= 5);
  });
});
