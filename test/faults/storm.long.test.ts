import * as assert from 'uvu/assert';
import { missingS3 } from '../support/s3.ts';
import { suite } from '../support/suite.ts';
import { storm } from './storm.ts';

const missing = await missingS3('versitygw');

suite('a long storm', ({ test, skip }) => {
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

  if (missing !== undefined) return skip('a minute of storm on S3', missing);
  test('a minute of storm with the lake on S3: the same', async () => {
    const lines: string[] = [];
    const result = await storm({ seconds: 60, lake: 's3', role: 'all', seed: Date.now() % 1_000_000, say: (line) => lines.push(line) });
    assert.equal(result.wrong, [], lines.join('\n'));
    assert.ok(result.runs >= 10 && result.kills >= 2, lines.join('\n'));
  });
});
