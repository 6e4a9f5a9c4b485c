import * as assert from 'uvu/assert';
import { type StartFacts, startOf, startOfValue, valueAfter } from '../../../connectors/postgres/start.ts';
import { EngineError } from '../../../engine/error.ts';
import type { EngineCommit } from '../../../lake/action.ts';
import { suite } from '../../support/suite.ts';

const identity = { systemIdentifier: '7', timeline: 1, database: 'shop', relation: 'public.users' };

const last: EngineCommit = {
  format: 1,
  run: 'r',
  node: 'extract users',
  attempt: 1,
  mode: 'full',
  extractedAt: '2026-05-01T10:00:00.000000Z',
  readAt: '2026-05-01T10:00:00.000000Z',
  fence: '2026-05-01T10:00:00.000000Z',
  low: null,
  clockOffsetMs: 0,
  snapshot: 's',
  source: identity,
  fingerprint: 'f',
  key: ['id'],
  cursor: 'updated_at',
  rows: 1,
  candidates: [],
};

const facts: StartFacts = {
  last,
  fence: '2026-05-01T10:00:00.000000Z',
  now: '2026-05-01T11:00:00.000000Z',
  clockOffsetMs: 0,
  lookbackMs: 10_000,
  identity,
  fingerprint: 'f',
};

function refusal(given: StartFacts): EngineError {
  try {
    startOf(given);
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

suite('start of an incremental extract', ({ test }) => {
  test('the first one takes everything', () => {
    assert.equal(startOf({ ...facts, last: undefined, fence: null }), { low: null, warnings: [] });
  });

  test('it starts at the last fence less the lookback', () => {
    assert.equal(startOf(facts), { low: '2026-05-01T09:59:50.000000Z', warnings: [] });
  });

  test('without a fence it takes everything again and says so', () => {
    const start = startOf({ ...facts, fence: null });
    assert.is(start.low, null);
    assert.match(start.warnings[0] ?? '', /no fence/);
  });

  test('a clock that was set back moves the start back by as much, with a warning', () => {
    const start = startOf({ ...facts, clockOffsetMs: -60_000 });
    assert.is(start.low, '2026-05-01T09:58:50.000000Z');
    assert.match(start.warnings[0] ?? '', /set back by 60\.0 s/);
  });

  test('a clock that went forward, and noise of the network, move nothing', () => {
    for (const clockOffsetMs of [60_000, -400]) assert.equal(startOf({ ...facts, clockOffsetMs }).warnings, []);
  });

  test('a clock behind the start goes on from now less the lookback', () => {
    const start = startOf({ ...facts, now: '2026-05-01T08:00:00.000000Z' });
    assert.is(start.low, '2026-05-01T07:59:50.000000Z');
    assert.match(start.warnings[0] ?? '', /behind the last fence/);
  });

  test('a promoted standby goes on, with a warning', () => {
    assert.match(startOf({ ...facts, identity: { ...identity, timeline: 2 } }).warnings[0] ?? '', /promoted/);
  });

  test('another server, database or table is refused with the way out', () => {
    for (const other of [{ systemIdentifier: '8' }, { database: 'shop2' }, { relation: 'public.people' }]) {
      const error = refusal({ ...facts, identity: { ...identity, ...other } });
      assert.is(error.trouble, 'refused');
      assert.is(error.code, 'extract.another-source');
      assert.match(error.hint ?? '', /--full-refresh/);
    }
  });

  test('an extract that means something else is refused until a full one', () => {
    assert.is(refusal({ ...facts, fingerprint: 'g' }).code, 'extract.meaning-changed');
  });

  test('without a fence it starts at the highest value seen, less so many units of an integer', () => {
    const cursor = { kind: 'integer', type: 'int8' } as const;
    const given = { last: { ...last, fence: null, value: '42' }, identity, fingerprint: 'f', cursor, lookbackUnits: 0 };
    assert.equal(startOfValue(given), { low: '42', warnings: [] });
    assert.is(startOfValue({ ...given, lookbackUnits: 50 }).low, '-8');
    assert.is(startOfValue({ ...given, last: { ...last, value: null } }).low, null);
    assert.is(startOfValue({ ...given, last: { ...last, value: 'zed' }, cursor: { kind: 'text', type: 'text' } }).low, 'zed');
    assert.match(startOfValue({ ...given, identity: { ...identity, timeline: 2 } }).warnings[0] ?? '', /promoted/);
    for (const other of [{ identity: { ...identity, systemIdentifier: '8' } }, { fingerprint: 'g' }])
      assert.throws(
        () => startOfValue({ ...given, ...other }),
        (error: unknown) => error instanceof EngineError && error.trouble === 'refused',
      );
  });

  test('a value never goes back by changes, and is what a full extract saw', () => {
    assert.equal(valueAfter('9', '10', 'incremental', 'integer'), { value: '10', wentBack: false });
    assert.equal(valueAfter('10', '9', 'incremental', 'integer'), { value: '10', wentBack: true });
    assert.equal(valueAfter('10', null, 'incremental', 'integer'), { value: '10', wentBack: true });
    assert.equal(valueAfter(null, null, 'incremental', 'integer'), { value: null, wentBack: false });
    assert.equal(valueAfter('10', '9', 'full', 'integer'), { value: '9', wentBack: false });
    assert.equal(valueAfter('b', 'B', 'incremental', 'text'), { value: 'B', wentBack: false });
  });
});
