import * as assert from 'uvu/assert';
import { traceIdOf, uuidOf, uuidWithin } from '../../../engine/base/ulid.ts';
import { suite } from '../../support/suite.ts';

suite('ids from a ULID', ({ test }) => {
  test('the bytes of a ULID are a trace id and a UUID', () => {
    assert.is(traceIdOf('01ARZ3NDEKTSV4RRFFQ69G5FAV'), '01563e3ab5d3d6764c61efb99302bd5b');
    assert.is(uuidOf('01ARZ3NDEKTSV4RRFFQ69G5FAV'), '01563e3a-b5d3-d676-4c61-efb99302bd5b');
    assert.is(traceIdOf('7ZZZZZZZZZZZZZZZZZZZZZZZZZ'), 'f'.repeat(32));
  });

  test('another text has an id of 16 bytes too, its own', () => {
    const ids = ['run-1', 'run-2', '8ZZZZZZZZZZZZZZZZZZZZZZZZZ', '01ARZ3NDEKTSV4RRFFQ69G5FAU'.toLowerCase()].map(traceIdOf);
    assert.ok(ids.every((id) => /^[0-9a-f]{32}$/.test(id)));
    assert.is(new Set(ids).size, 4);
  });

  test('a name within a UUID has the UUID of version 5 that Python gives it', () => {
    assert.is(uuidWithin('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'www.example.com'), '2ed6657d-e927-568b-95e1-2665a8aea6a2');
  });
});
