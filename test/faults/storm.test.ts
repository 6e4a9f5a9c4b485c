import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';
import { storm } from './storm.ts';

suite('storm', ({ test }) => {
  test('30 s of writers that commit late, abort and prepare, runs killed at random: no row missing, none twice, none different, and the two tables agree after every run', async () => {
    const lines: string[] = [];
    const result = await storm({ seconds: 30, lake: 'file', role: 'all', seed: Date.now() % 1_000_000, say: (line) => lines.push(line) });
    assert.equal(result.wrong, [], lines.join('\n'));
    const { runs, kills, transactions, late, aborts } = result;
    assert.ok(runs >= 8 && kills >= 1 && transactions >= 500 && late >= 1 && aborts >= 1, lines.join('\n'));
  });
});
