import * as assert from 'uvu/assert';
import { kindOf, nameOf } from '../../../connectors/dbt/artifacts.ts';
import { parseLine } from '../../../connectors/dbt/log.ts';
import { suite } from '../../support/suite.ts';

suite("dbt's lines and names", ({ test }) => {
  test('a line of JSON gives its text without colours, its level and its invocation', () => {
    const line = JSON.stringify({
      info: { msg: '1 of 6 \u001b[32mPASS\u001b[0m', level: 'warn', name: 'LogTestResult', invocation_id: 'x' },
      data: { index: 1 },
    });
    assert.equal(parseLine(line), { level: 'warn', text: '1 of 6 PASS', name: 'LogTestResult', invocationId: 'x', data: { index: 1 } });
  });

  test('what is no line of dbt is text, and an empty line is nothing', () => {
    assert.is(parseLine(''), undefined);
    assert.is(parseLine('{ not json')?.text, '{ not json');
    assert.is(parseLine('[1]')?.text, '[1]');
    assert.is(parseLine('{"info": 3}')?.level, 'info');
  });

  test('a unique id gives the name that a selector takes', () => {
    assert.is(nameOf('model.shop.users'), 'users');
    assert.is(nameOf('model.shop.users.v2'), 'users.v2');
    assert.is(nameOf('test.shop.unique_users_id.4db5ed5c63'), 'unique_users_id');
    assert.is(nameOf('test.shop.a_singular_test'), 'a_singular_test');
    assert.is(nameOf('unit_test.shop.users.cleans_emails'), 'cleans_emails');
    assert.is(kindOf('seed.shop.countries'), 'seed');
  });
});
