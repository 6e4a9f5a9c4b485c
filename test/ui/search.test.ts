import * as assert from 'uvu/assert';
import type { Overview } from '../../engine/api-overview.ts';
import { afterKey } from '../../ui/keys.ts';
import { nav } from '../../ui/nav.ts';
import { routeOf } from '../../ui/routes.ts';
import { type Found, findable, foundRuns, ranked, searchNote } from '../../ui/search.ts';
import { suite } from '../support/suite.ts';

const at = '2026-01-31T09:00:00.000Z';
const found = (kind: Found['kind'], name: string, more = ''): Found => ({ kind, name, more, to: `/${name}` });
const order = (all: readonly Found[], typed: string): string =>
  ranked(all, typed)
    .map((group) => `${group.kind}: ${group.found.map(({ name }) => name).join(' ')}`)
    .join('; ');

suite('the search', ({ test }) => {
  test('has a whole name before its beginning, that before the beginning of a word, a part, and what is said beside it', () => {
    const all = ['my users', 'superusers', 'users', 'orders', 'users_2'].map((name) => found('table', name));
    assert.is(order([...all, found('table', 'x', 'by users')], 'users'), 'table: users users_2 my users superusers x');
  });

  test('needs every word, in whatever order and case, and takes them as text', () => {
    const all = [found('pipeline', 'incremental_users', 'every 15 minutes'), found('pipeline', 'batch_users', 'by hand')];
    assert.is(order(all, 'USERS incr'), 'pipeline: incremental_users');
    assert.is(order(all, 'users hand'), 'pipeline: batch_users');
    assert.is(order(all, '.*'), '');
    assert.is(order(all, 'users nothing'), '');
  });

  test('shows the group with the best match first, of each a few; nothing typed: the pages', () => {
    const all = [
      ...Array.from({ length: 20 }, (_, i) => found('pipeline', `p_users_${i}`)),
      found('table', 'users'),
      found('action', 'run users now'),
    ];
    const groups = ranked(all, 'users');
    assert.equal(
      groups.map(({ kind, found: of }) => [kind, of.length]),
      [
        ['table', 1],
        ['pipeline', 6],
        ['action', 1],
      ],
    );
    assert.is(order([...all, found('page', 'Runs')], ' '), 'page: Runs');
  });

  test('knows pages, pipelines, tables, problems, live runs, nodes and actions, each with an address of the page', () => {
    const live = { runId: 'R9', state: 'running', startedAt: at, tookMs: undefined } as const;
    const overview = {
      pipelines: [
        { pipeline: 'sync', mode: 'full', tags: ['shop'], schedules: [], paused: undefined, live, tables: [], runs: [] },
        { pipeline: 'nightly', mode: 'full', tags: [], schedules: [], paused: { by: 'ada' }, live: undefined, tables: [], runs: [] },
      ],
      tables: [{ table: 'users', pipelines: ['sync'], loaded: { runId: 'R1', node: 'load users' } }],
      problems: [
        { key: 'failed:sync', kind: 'failed', severity: 'error', pipeline: 'sync', runId: 'R8', since: at, text: 'is locked', hint: '' },
      ],
      queue: [],
    } as unknown as Overview;
    const all = findable(overview);
    const of = (kind: Found['kind']): string[] => all.filter((each) => each.kind === kind).map(({ name }) => name);
    assert.equal(
      of('page'),
      nav.map(({ name }) => name),
    );
    assert.equal(of('action'), ['run sync now', 'pause sync', 'cancel sync', 'run nightly now', 'resume nightly']);
    assert.equal([of('run'), of('node'), of('problem')], [['R9'], ['load users'], ['sync failed']]);
    for (const { to } of all) assert.is.not(routeOf(new URL(to, 'http://h').pathname).page, 'unknown', to);
    assert.is(order(all, 'locked'), 'problem: sync failed');
    assert.is(ranked(all, 'pause sync')[0]?.found[0]?.to, '/pipelines/sync?act=pause');
  });

  test('says that nothing was found only once it was looked for, and what cannot be known', () => {
    const runs = [found('run', 'R1')];
    const known = { state: 'known', runs: [] } as const;
    const failed = { state: 'failed', why: 'the daemon cannot be reached' } as const;
    const notes = [
      searchNote('', 8, undefined, { state: 'short' }),
      searchNote('zz', 0, undefined, { state: 'short' }),
      searchNote('zzz ', 0, undefined, { state: 'looking' }),
      searchNote('sync', 2, undefined, { state: 'looking' }),
      searchNote('zzz', 0, undefined, known),
      searchNote('sync', 2, undefined, known),
      searchNote('zzz', 0, undefined, failed),
      searchNote('sync', 2, undefined, failed),
      searchNote('', 0, 'Asking what there is', { state: 'short' }),
      searchNote('zzz', 0, 'Asking what there is', { state: 'looking' }),
      searchNote('zzz', 1, 'Asking what there is', { state: 'known', runs }),
    ];
    assert.equal(notes, [
      undefined,
      'Nothing is called zz. What runs said is looked for from three letters on.',
      'Nothing is called zzz. Looking for runs that said it ...',
      'Looking for runs that said it ...',
      'Nothing is called zzz, and no recent run said it.',
      undefined,
      'Nothing is called zzz. Runs could not be looked for: the daemon cannot be reached. Another letter asks again.',
      'Runs could not be looked for: the daemon cannot be reached. Another letter asks again.',
      'Asking what there is.',
      'Asking what there is. Looking for runs that said it ...',
      'Asking what there is.',
    ]);
  });

  test('says why a run was found', () => {
    const run = { runId: 'R1', pipeline: 'sync', state: 'failed', startedAt: at } as const;
    assert.equal(
      foundRuns([
        { ...run, cause: 'is locked' },
        { ...run, cause: undefined },
      ]).map(({ more }) => more),
      ['sync, failed: is locked', 'sync, failed'],
    );
  });
});

suite('the keys', ({ test }) => {
  test('of a jump are two; the second alone does nothing of the kind, and a wrong one ends it', () => {
    const jump = afterKey(undefined, 'g');
    assert.equal(jump, { asked: undefined, awaits: 'jump' });
    for (const { key, to } of nav) assert.equal(afterKey('jump', key), { asked: { does: 'go', to }, awaits: undefined });
    assert.equal(afterKey('jump', '?'), { asked: undefined, awaits: undefined });
    assert.equal(afterKey(undefined, 'o').asked, { does: 'press', key: 'o' });
  });

  test('no two pages have one', () => {
    assert.is(new Set(nav.map(({ key }) => key)).size, nav.length);
  });

  test('that mean nothing are left to the browser', () => {
    for (const key of ['Tab', 'Enter', ' ', 'ArrowDown', 'F5', 'Escape', '1']) assert.is(afterKey(undefined, key).asked, undefined, key);
  });
});
