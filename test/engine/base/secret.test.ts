import * as assert from 'uvu/assert';
import { keepHeader, redact } from '../../../engine/base/secret.ts';
import { suite } from '../../support/suite.ts';

suite('headers of requests', ({ test }) => {
  test('what lets one in is a secret, with its scheme and without', () => {
    for (const [name, value] of [
      ['Authorization', 'Bearer in-authorization'],
      ['x-api-key', 'in-api-key'],
      ['lightstep-access-token', 'in-access-token'],
      ['X-Shared-Secret', 'in-shared-secret'],
      ['Cookie', 'session=in-cookie'],
      ['uptrace-dsn', 'in-dsn'],
      ['X-Sentry-Auth', 'in-sentry'],
      ['x-honeycomb-team', 'a1b2c3d4e5f6a7b8c9d0e1'],
    ] as const)
      keepHeader(name, value);
    for (const text of ['Bearer in-authorization', 'in-authorization', 'in-api-key', 'in-access-token', 'in-shared-secret'])
      assert.is(redact(`it said ${text}.`), 'it said ***.');
    for (const text of ['session=in-cookie', 'in-dsn', 'in-sentry', 'a1b2c3d4e5f6a7b8c9d0e1']) assert.is(redact(text), '***');
  });

  test('names of things, and what is too short to be a secret, are shown', () => {
    for (const [name, value] of [
      ['x-honeycomb-dataset', 'customers'],
      ['X-Scope-OrgID', 'wholesale'],
      ['Accept', 'application/json'],
      ['X-Environment', 'production europe'],
      ['Authorization', 'Basic cli'],
    ] as const)
      keepHeader(name, value);
    const text = 'customers of wholesale, application/json, production europe, cli';
    assert.is(redact(text), text);
  });
});
