import * as assert from 'uvu/assert';
import { freshnessOf } from '../../ui/freshness.ts';
import { countOfLog, shownLines } from '../../ui/log-lines.ts';
import { proseParts } from '../../ui/prose.ts';
import { pipelinePath, routeOf, runPath, tablePath } from '../../ui/routes.ts';
import { keepSame } from '../../ui/same.ts';
import { visibleLines } from '../../ui/windowing.ts';
import { suite } from '../support/suite.ts';

suite('addresses of the page', ({ test }) => {
  test('every address that is made is understood again, whatever the name holds', () => {
    for (const name of ['users', 'a b', 'x/y', '<b>&"\'', '%', 'v1.2', 'ü', '?node=x#y']) {
      assert.equal(routeOf(new URL(pipelinePath(name), 'http://h').pathname), { page: 'pipeline', pipeline: name });
      assert.equal(routeOf(new URL(tablePath(name, 7), 'http://h').pathname), { page: 'table', table: name });
      const run = new URL(runPath('01H', name), 'http://h');
      assert.equal(routeOf(run.pathname), { page: 'run', runId: '01H' });
      assert.is(run.searchParams.get('node'), name);
    }
  });

  test('what is no address of the page is said to be none', () => {
    assert.equal(
      ['/', '/runs', '/runs/', '/tables', '/tables/a/b', '/pipelines', '/runs/a/b', '/nothing', '/runs/%E0%A4%A'].map(
        (path) => routeOf(path).page,
      ),
      ['overview', 'runs', 'runs', 'tables', 'unknown', 'unknown', 'unknown', 'unknown', 'run'],
    );
  });
});

suite('lines of a log', ({ test }) => {
  const line = (seq: number, text: string, node?: string) => ({ seq, at: '2026-01-31T09:00:00.000Z', level: 'info' as const, node, text });

  test('a message of several lines gives several, of which the first has the time', () => {
    const shown = shownLines([line(1, 'one\n  two'), line(2, '')]);
    assert.equal(
      shown.map(({ key, text, at }) => [key, text, at !== undefined]),
      [
        ['1.0', 'one', true],
        ['1.1', '  two', false],
        ['2.0', '', true],
      ],
    );
  });

  test('are counted as messages, those that are shown and all in one unit', () => {
    const all = ['one', 'two\nlines', 'a\nb\nc\nd'].map((text, seq) => line(seq, text));
    assert.is(shownLines(all).length, 7);
    assert.is(countOfLog(all.length, all.length, false), '3 messages');
    assert.is(countOfLog(1, 1, false), '1 message');
    assert.is(countOfLog(3, 100_002, true), '3 of 100,002 messages');
  });

  test('only those on the screen are drawn, of a hundred thousand as of ten', () => {
    assert.equal(visibleLines(10, 20, 0, 400), { first: 0, end: 10 });
    assert.equal(visibleLines(100_000, 20, 1_000_000, 400), { first: 49_980, end: 50_040 });
    assert.equal(visibleLines(100_000, 20, 99_999_999, 400), { first: 99_960, end: 100_000 });
    assert.equal(visibleLines(0, 20, 500, 400), { first: 0, end: 0 });
  });
});

suite('answers that come again', ({ test }) => {
  test('keep every part that is the same, so that only the rest is drawn', () => {
    const last = {
      at: '1',
      pipelines: [
        { name: 'a', runs: [1, 2] },
        { name: 'b', runs: [] },
      ],
      queue: [],
    };
    const next = {
      at: '2',
      pipelines: [
        { name: 'a', runs: [1, 2] },
        { name: 'b', runs: [3] },
      ],
      queue: [],
    };
    const kept = keepSame(last, next);
    assert.equal(kept, next);
    assert.is(kept.pipelines[0], last.pipelines[0]);
    assert.is(kept.queue, last.queue);
    assert.is.not(kept.pipelines[1], last.pipelines[1]);
    assert.is(keepSame(last, structuredClone(last)), last);
  });

  test('show what is gone as gone', () => {
    assert.equal(keepSame({ a: 1, paused: { by: 'x' } }, { a: 1 }), { a: 1 });
    assert.equal(keepSame([1, 2, 3], [1, 2]), [1, 2]);
    assert.equal(keepSame({ a: [] }, { a: {} }), { a: {} });
    assert.is(keepSame(null, undefined), undefined);
  });
});

suite('freshness', ({ test }) => {
  test('is judged by its limit', () => {
    const asOf = '2026-01-31T09:00:00.000Z';
    assert.is(freshnessOf({ asOf, limitMs: 15 }, 15), 'within');
    assert.is(freshnessOf({ asOf, limitMs: 15 }, 16), 'over');
    assert.is(freshnessOf({ asOf, limitMs: undefined }, 16), 'unjudged');
    assert.is(freshnessOf({ asOf: undefined, limitMs: 15 }, undefined), 'never');
  });
});

suite('sentences of the engine', ({ test }) => {
  const shown = (text: string): string[] => proseParts(text).map((part) => `${part.kind}: ${part.text}`);

  test('have names between backticks, and runs that can be followed', () => {
    assert.equal(shown('plain'), ['words: plain']);
    assert.equal(shown('`users` is locked: `engine why users`'), ['name: users', 'words:  is locked: ', 'name: engine why users']);
    assert.equal(shown('run 01M8A7FMCDJW6BZW2KD8DXD5XK failed'), ['words: run ', 'run: 01M8A7FMCDJW6BZW2KD8DXD5XK', 'words:  failed']);
    assert.equal(shown('`engine retry 01M8A7FMCDJW6BZW2KD8DXD5XK`'), ['name: engine retry ', 'run: 01M8A7FMCDJW6BZW2KD8DXD5XK']);
    assert.equal(shown('/x/01M8A7FMCDJW6BZW2KD8DXD5XK/1'), ['words: /x/01M8A7FMCDJW6BZW2KD8DXD5XK/1']);
    assert.equal(shown('as of 2026-11-25T20:48:48.409761Z, late'), ['words: as of ', 'time: 2026-11-25T20:48:48.409761Z', 'words: , late']);
    assert.equal(shown('a ` alone'), ['words: a ` alone']);
    assert.equal(shown(''), []);
  });
});
