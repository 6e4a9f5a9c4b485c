import { rmSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';
import { agrees, balanceOf, moveSome } from './ledger.ts';
import { showVerdict, wrongIn } from './oracle.ts';
import { type LedgerProject, openLedgerProject } from './project.ts';

suite('the oracle', ({ test, before, after }) => {
  let project: LedgerProject;
  before(async () => {
    project = await openLedgerProject({ rows: 50 });
    assert.is((await project.run('full')).code, 0);
  });
  after(() => project.close());

  const first = async () => {
    const [verdict] = await project.verdicts();
    if (verdict === undefined) throw new Error('no verdict');
    return verdict;
  };

  test('finds nothing wrong where nothing is, also after changes', async () => {
    await moveSome(project.from, 7, 3);
    assert.is((await project.run('changed')).code, 0);
    for (const verdict of await project.verdicts()) assert.is(wrongIn(verdict), 0, showVerdict(verdict));
    assert.is((await first()).rows, 54);
    assert.ok(agrees(await balanceOf(project.to, 'staging')));
  });

  test('names rows that staging lacks, has too many, has twice or has otherwise', async () => {
    await project.to.query('ALTER TABLE staging.ledger_a DROP CONSTRAINT ledger_a_pkey');
    await project.to.query(`
      INSERT INTO staging.ledger_a SELECT * FROM staging.ledger_a WHERE id = 5;
      DELETE FROM staging.ledger_a WHERE id IN (6, 7);
      UPDATE staging.ledger_a SET id = 1000 WHERE id = 8;
      UPDATE staging.ledger_a SET note = '' WHERE id = 9`);
    const verdict = await first();
    const { missing, extra, twice, different } = verdict.staging;
    assert.equal({ missing, extra, twice, different }, { missing: 3, extra: 1, twice: 1, different: 1 });
    assert.is(wrongIn(verdict), 6);
    assert.not.ok(agrees(await balanceOf(project.to, 'staging')));
  });

  test('names rows of the lake that are older than the source, and a ledger below the lake', async () => {
    await project.from.query('UPDATE ledger_b SET amount = amount + 1 WHERE id IN (1, 2, 3)');
    await project.to.query("DELETE FROM engine.loads WHERE target_table = 'ledger_b' AND version > 0");
    const verdict = (await project.verdicts())[1];
    assert.is(verdict?.lake.different, 3);
    assert.is(verdict?.staging.different, 3);
    assert.match(verdict?.ledger ?? '', /^the ledger stands at 0, the lake's rows at 1/);
  });

  test('fails where a file of the lake is gone', async () => {
    const [file] = (await first()).files;
    rmSync(file?.startsWith('file://') ? new URL(file) : join('/', file ?? ''));
    const error = await first().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    assert.match(String(error), /delta-rs/);
  });
});
