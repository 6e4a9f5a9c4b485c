import * as assert from 'uvu/assert';
import { missingS3 } from '../support/s3.ts';
import { suite } from '../support/suite.ts';
import { showFaultResult } from './postgres-faults.ts';
import { openStruckLake, type StruckLake, s3Faults, showS3Fault } from './s3-faults.ts';

/** Of all faults, the most telling: each operation once, and each way to strike. */
const goOn = [
  'S3, commit: drop answer',
  'S3, commit: drop answer 8 times',
  'S3, commit: cut in body',
  'S3, commit: error in 200',
  'S3, list the log: error in 200',
  'S3, read an entry: cut in body',
  'S3, write a part: drop answer 8 times',
  'S3, fetch a part: cut in body',
  'S3, upload a piece (full): cut in body',
  'S3, complete an upload (full): drop answer',
  'S3, complete an upload (full): error in 200',
  'S3, write a checkpoint (long log): drop answer',
] as const;
/** Where the commit itself is refused: no try brings it about. */
const fail = ['S3, remove a part: drop answer', 'S3, abort an upload (full): cut before'];

const missing = await missingS3('versitygw');

suite('faults between the engine and S3', ({ test, before, after, skip }) => {
  if (missing !== undefined) return skip('all of it', missing);
  let struck: StruckLake;
  before(async () => {
    struck = await openStruckLake();
  });
  after(() => struck?.close());

  const strike = async (name: string): Promise<number | null> => {
    const fault = s3Faults.find((f) => showS3Fault(f) === name);
    if (fault === undefined) throw new Error(`there is no fault ${name}`);
    const result = await struck.strike(fault);
    assert.equal(result.wrong, [], showFaultResult(result));
    return result.code;
  };

  for (const name of goOn)
    test(`${name}: the same run goes on to its end, and all is exact`, async () => {
      assert.is(await strike(name), 0);
    });
  for (const name of fail)
    test(`${name}: the run says what to do, and the next one is exact`, async () => {
      assert.is(await strike(name), 3);
    });
});
