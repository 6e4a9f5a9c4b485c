import * as assert from 'uvu/assert';
import { lookbackOf } from '../../../connectors/postgres/extract-facts.ts';
import { candidateOf, type FenceReading, fenceOf, type SessionReading, settle } from '../../../connectors/postgres/fence.ts';
import { fenceFromReadings, type ServerFacts } from '../../../connectors/postgres/snapshot.ts';
import { tableConfig } from '../../support/nodes.ts';
import { suite } from '../../support/suite.ts';

const at = (second: number): string => `2026-05-01T10:00:${String(second).padStart(2, '0')}.000000Z`;

function session(pid: number, given: Partial<SessionReading> = {}): SessionReading {
  return {
    pid,
    virtualId: `${pid}/1`,
    state: 'active',
    transactionStart: undefined,
    queryStart: undefined,
    user: 'app',
    application: 'shop',
    keeper: false,
    ...given,
  };
}

const hidden = { state: undefined, user: undefined, application: undefined } as const;

function reading(second: number, sessions: readonly SessionReading[], prepared: FenceReading['prepared'] = []): FenceReading {
  return { at: at(second), sessions, prepared };
}

/** The fence of one look, nothing known before. */
function fence(read: FenceReading): ReturnType<typeof fenceOf> {
  return fenceOf(null, [candidateOf(read)], read);
}

const primary: ServerFacts = {
  systemIdentifier: '1',
  timeline: 1,
  database: 'shop',
  standby: false,
  replayedTo: null,
  replayPaused: false,
  standbyFeedback: false,
  seesAll: false,
  versionNumber: 180_000,
  timeZones: ['UTC'],
};

suite('fence', ({ test }) => {
  test('with nobody else the fence is now', () => {
    const f = fence(reading(30, []));
    assert.is(f.at, at(30));
    assert.is(f.holder, undefined);
    assert.equal(f.candidates, []);
  });

  test('the oldest transaction holds it, and is named', () => {
    const f = fence(reading(30, [session(7, { transactionStart: at(20), queryStart: at(25) }), session(8, { transactionStart: at(28) })]));
    assert.is(f.at, at(20));
    assert.is(f.holder?.pid, 7);
    assert.match(f.holder?.text ?? '', /pid 7 \(user app, application shop\), since 2026-05-01T10:00:20/);
  });

  test('the start of a query counts where it is older than the transaction', () => {
    assert.is(fence(reading(30, [session(7, { transactionStart: at(29), queryStart: at(11) })])).at, at(11));
  });

  test('a session between two transactions of one message still counts by its query', () => {
    assert.is(fence(reading(30, [session(7, { virtualId: undefined, queryStart: at(11) })])).at, at(11));
  });

  test('an idle session holds nothing, whenever its last query began', () => {
    assert.is(fence(reading(30, [session(7, { state: 'idle', virtualId: undefined, queryStart: at(1) })])).at, at(30));
  });

  test("the engine's own keepers hold nothing", () => {
    assert.is(fence(reading(30, [session(7, { transactionStart: at(2), keeper: true })])).at, at(30));
  });

  test('a session whose start cannot be seen leaves no fence but a candidate', () => {
    const f = fence(reading(30, [session(7, hidden)]));
    assert.is(f.at, null);
    assert.equal(f.candidates, [{ at: at(30), running: { 7: '7/1' } }]);
  });

  test('track_activities = off is not mistaken for no transaction', () => {
    const f = fence(reading(30, [session(7, { state: 'disabled' })]));
    assert.is(f.at, null);
    assert.is(Object.keys(f.candidates[0]?.running ?? {}).length, 1);
  });

  test('the start of a query is not taken for that of a transaction which began while track_activities was off', () => {
    const read = reading(30, [session(7, { state: 'idle in transaction', queryStart: at(25) })]);
    const f = fence(read);
    assert.is(f.at, null);
    assert.equal(f.candidates, [{ at: at(25), running: { 7: '7/1' } }]);
  });

  test('after the clock was set back, neither the last fence nor a candidate above it counts', () => {
    const later = [{ at: at(50), running: { 7: '7/1' } }];
    assert.is(fenceFromReadings(primary, [reading(30, [])], at(45), later).at, at(30));
    const held = reading(30, [session(9, hidden)]);
    assert.is(fenceFromReadings(primary, [held], at(45), later).at, null);
    const prepared = reading(30, [], [{ gid: 'order-1', since: at(3), owner: 'app' }]);
    assert.is(fenceFromReadings(primary, [prepared], at(45), later).at, null);
    assert.equal(
      fenceFromReadings(primary, [held], at(20), [{ at: at(25), running: { 9: '9/0' } }]).candidates.map((c) => c.at),
      [at(25), at(30)],
    );
  });

  test('on a standby the fence is what was replayed, with a longer lookback and a holder that says why', () => {
    const standby = { ...primary, standby: true, replayedTo: at(12) };
    const f = fenceFromReadings(standby, [reading(30, [])], at(5), []);
    assert.is(f.at, at(12));
    assert.match(f.holder?.text ?? '', /standby/);
    assert.is(fenceFromReadings({ ...standby, replayedTo: null }, [reading(30, [])], at(5), []).at, null);
    assert.is(lookbackOf(tableConfig('users'), standby), 600_000);
    assert.is(lookbackOf(tableConfig('users'), primary), 10_000);
    assert.is(lookbackOf(tableConfig('users', { lookbackMs: 5 }), standby), 5);
  });

  test('a candidate becomes the fence once each of its sessions was seen without a transaction', () => {
    const first = reading(30, [session(7, hidden), session(8, hidden)]);
    let candidates = settle([candidateOf(first)], reading(31, [session(7, hidden)]));
    assert.is(fenceOf(null, candidates, reading(31, [])).at, null);
    candidates = settle(candidates, reading(32, [session(8, hidden)]));
    assert.is(fenceOf(null, candidates, reading(32, [])).at, at(30));
  });

  test('another transaction of the same session is no end of it: both may stand in one message', () => {
    const candidates = settle([candidateOf(reading(30, [session(7, hidden)]))], reading(31, [session(7, { ...hidden, virtualId: '7/2' })]));
    assert.is(fenceOf(at(5), candidates, reading(31, [])).at, at(5));
  });

  test('a candidate never lies above a start that can be seen', () => {
    assert.is(candidateOf(reading(30, [session(7, hidden), session(9, { transactionStart: at(12) })])).at, at(12));
  });

  test('while a transaction is prepared the fence stays, and its candidates are kept for later', () => {
    const read = reading(30, [], [{ gid: 'order-1', since: at(3), owner: 'app' }]);
    const f = fenceOf(at(9), [candidateOf(read)], read);
    assert.is(f.at, at(9));
    assert.match(f.holder?.text ?? '', /prepared transaction 'order-1'/);
    assert.is(fenceOf(f.at, f.candidates, reading(31, [])).at, at(30));
  });

  test('of many candidates the oldest and the newest are kept', () => {
    const many = Array.from({ length: 40 }, (_, i) => ({ at: at(i), running: { 1: '1/1' } }));
    const kept = fenceOf(null, many, reading(50, [])).candidates;
    assert.is(kept.length, 16);
    assert.is(kept[0]?.at, at(0));
    assert.is(kept.at(-1)?.at, at(39));
  });
});
