import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { openConfigCopies } from '../../../engine/commands/config-copies.ts';
import { createTestClock } from '../../support/clock.ts';
import { suite } from '../../support/suite.ts';

const hour = 60 * 60_000;

suite('copies of edited configurations', ({ test, before, after }) => {
  let root = '';
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'engine-copies-'));
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  test('one that no daemon has gone by for a day is removed; one that another daemon goes by stays, however old', async () => {
    const clock = createTestClock(Date.now());
    const one = openConfigCopies(root, clock.now);
    const two = openConfigCopies(root, clock.now);
    const first = { yaml: 'version: 1', env: 'A=1' };
    const second = { yaml: 'version: 2', env: undefined };
    const third = { yaml: 'version: 3', env: undefined };
    const folders = [first, second, third].map((texts) => one.freeze(texts));
    assert.is(statSync(folders[0] ?? '').mode & 0o777, 0o700);
    assert.is(readFileSync(join(folders[0] ?? '', '.env'), 'utf8'), 'A=1');
    // `one` goes by the third, `two` by the second; nobody by the first.
    for (let i = 0; i < 23; i += 1) {
      await clock.advance(hour);
      one.keep(third);
      two.keep(second);
    }
    assert.equal(folders.map(existsSync), [true, true, true], 'not a day old yet');
    await clock.advance(2 * hour);
    one.keep(third);
    assert.equal(folders.map(existsSync), [false, true, true]);
    await clock.advance(25 * hour);
    one.keep(third);
    assert.equal(folders.map(existsSync), [false, false, true], 'the daemon of the second has been gone for a day');
    two.keep(second);
    assert.is(
      readFileSync(join(folders[1] ?? '', 'pipelines.yaml'), 'utf8'),
      'version: 2',
      'it only stood still: its copy is written anew',
    );
  });

  test('what runs of a daemon that died wrote is removed after a day, and nothing else beside the copies', async () => {
    const clock = createTestClock(Date.now());
    const copies = openConfigCopies(root, clock.now);
    const texts = { yaml: 'version: 4', env: undefined };
    const folder = copies.freeze(texts);
    writeFileSync(join(folder, 'run-7.txt'), 'error: it failed');
    const yesterday = (clock.now() - 25 * hour) / 1000;
    utimesSync(join(folder, 'run-7.txt'), yesterday, yesterday);
    writeFileSync(join(folder, 'run-8.txt'), '');
    const notes = join(root, '.engine', 'daemon', 'notes.txt');
    writeFileSync(notes, 'of somebody else');
    utimesSync(notes, yesterday, yesterday);
    copies.keep(texts);
    assert.equal(readdirSync(folder).sort(), ['pipelines.yaml', 'run-8.txt']);
    assert.ok(existsSync(notes));
  });

  test('a look at each turn costs no reading of the folder', () => {
    const clock = createTestClock(Date.now());
    const copies = openConfigCopies(root, clock.now);
    const texts = { yaml: 'version: 5', env: undefined };
    const folder = copies.freeze(texts);
    copies.keep(texts);
    const old = join(folder, 'run-9.txt');
    writeFileSync(old, '');
    const yesterday = (clock.now() - 25 * hour) / 1000;
    utimesSync(old, yesterday, yesterday);
    copies.keep(texts);
    assert.ok(existsSync(old), 'within the hour nothing is looked at');
  });
});
