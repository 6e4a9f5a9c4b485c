import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { checkup } from '../../../connectors/file/checkup.ts';
import { suite } from '../../support/suite.ts';

suite('checkup of a lake in a folder', ({ test, before, after }) => {
  let root = '';
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'engine-checkup-'));
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  test('a folder that can be written to is in order, and is left as it was', async () => {
    const found = await checkup(root);
    assert.ok(found.every((one) => one.outcome !== 'fail'));
    assert.equal(readdirSync(root), []);
  });

  test('a folder that is not there yet is not made', async () => {
    const found = await checkup(join(root, 'deep', 'lake'));
    assert.match(found.map((one) => one.message).join(), 'is not there yet');
    assert.ok(found.every((one) => one.outcome !== 'fail'));
    assert.equal(readdirSync(root), []);
  });

  test('a file in its place, and a place where no file can be made, are failures with the way out', async () => {
    writeFileSync(join(root, 'file'), '');
    for (const place of [join(root, 'file'), join(root, 'file', 'lake'), '/proc/lake']) {
      const [first] = await checkup(place);
      assert.is(first?.outcome, 'fail', place);
      assert.ok(first?.hint !== undefined);
    }
  });
});
