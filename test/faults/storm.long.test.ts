import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';
import { storm } from './storm.ts';

suite('a long storm', ({ test }) => {
  test('3 minutes of storm with a role that may only read: no row missing, none twice, none different, and the two tables agree after every run', async () => {
    const lines: string[] = [];
    const result = await storm({
      seconds: 180,
      lake: 'file',
      role: 'reader',
      seed: Date.now() % 1_000_000,
      say: (line) => lines.push(line),
    });
    assert.equal(result.wrong, [], lines.join('\n'));
    const { runs, kills, transactions, late, aborts, prepared } = result;
    assert.ok(runs >= 50 && kills >= 10 && transactions >= 5_000 && late >= 50 && aborts >= 50 && prepared >= 10, lines.join('\n'));
  });
});
