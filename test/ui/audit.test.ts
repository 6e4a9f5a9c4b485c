import * as assert from 'uvu/assert';
import { aboutOf, isRefused } from '../../ui/audit.ts';
import { linesAround } from '../../ui/config-lines.ts';
import { suite } from '../support/suite.ts';

suite('what an action was about', ({ test }) => {
  test('can be followed: a pipeline, a run, or the pipeline whose run was taken off the queue', () => {
    assert.equal(aboutOf({ action: 'pause', subject: 'sync', outcome: 'paused' }), { kind: 'pipeline', name: 'sync' });
    assert.equal(aboutOf({ action: 'cancel', subject: '01H', outcome: 'asked to stop' }), { kind: 'run', name: '01H' });
    assert.equal(aboutOf({ action: 'dequeue', subject: '7', outcome: 'a: b: taken off the queue' }), { kind: 'pipeline', name: 'a: b' });
    assert.equal(aboutOf({ action: 'dequeue', subject: '7', outcome: 'refused: nothing is queued under 7' }), { kind: 'queue', name: '7' });
    assert.is(aboutOf({ action: 'login', subject: '', outcome: 'until x' }).kind, 'nothing');
    assert.equal([isRefused({ outcome: 'refused: no' }), isRefused({ outcome: 'not refused: yes' })], [true, false]);
  });
});

suite('lines of a file around what is wrong in it', ({ test }) => {
  test('are each shown once, within the file', () => {
    assert.equal(linesAround(100, [1, 3, 50], 2), [1, 2, 3, 4, 5, 48, 49, 50, 51, 52]);
    assert.equal(linesAround(4, [4, 4], 1), [3, 4]);
    assert.equal(linesAround(3, [], 3), [1, 2, 3]);
    assert.equal(linesAround(3, [], 2), []);
    assert.equal(linesAround(0, [], 0), []);
  });
});
