import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';
import { openStruckProject, postgresFaults, type StruckProject, showFault, showFaultResult } from './postgres-faults.ts';

/** Of all faults, the most telling: answers that were lost after the work was done, and what is cut half way. */
const goOn = [
  'sink, COMMIT: drop answer',
  'sink, COMMIT (full): drop answer',
  'sink, COMMIT: cut before',
  'sink, COMMIT: cut after',
  'sink, rows of the copy: cut before',
  'sink, merge: drop answer',
  'sink, lock: go away',
  'source, snapshot: drop answer',
  'source, copy: cut in answer',
  'state, lease: drop answer',
  'state, check of the lease: cut before',
] as const;
const fail = ['source, describe: cut before', 'state, COMMIT of events: drop answer'];
/** The session that keeps the snapshot: gone on with when no table was committed under it, else not. */
const keeper = 'source, look at the storage under the snapshot: cut before';

suite('faults between the engine and Postgres', ({ test, before, after }) => {
  let struck: StruckProject;
  before(async () => {
    struck = await openStruckProject();
  });
  after(() => struck?.close());

  const strike = async (name: string): Promise<number | null> => {
    const fault = postgresFaults.find((f) => showFault(f) === name);
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
  test(`${keeper}: all tables are taken anew, or the run says what to do; all is exact`, async () => {
    const code = await strike(keeper);
    assert.ok(code === 0 || code === 3, `ended with ${code}`);
  });
});
