import fastify from 'fastify';
import * as assert from 'uvu/assert';
import { keepSecret } from '../../../engine/base/secret.ts';
import { EngineError } from '../../../engine/error.ts';
import type { LogLevel } from '../../../engine/event.ts';
import { createLog, type Log, type LogRecord } from '../../../engine/serve/logger.ts';
import { createTestClock } from '../../support/clock.ts';
import { suite } from '../../support/suite.ts';

function open(level: LogLevel = 'debug'): { readonly log: Log; readonly records: LogRecord[] } {
  const records: LogRecord[] = [];
  return { log: createLog({ level, clock: createTestClock(), write: (record) => records.push(record) }), records };
}

suite('the log of the daemon', ({ test }) => {
  test('a line has its level in words, the time of the clock, the format and what is said', () => {
    const { log, records } = open();
    log.warn({ type: 'daemon', pipeline: 'users', queued: 7 }, 'it is late');
    assert.equal(records, [
      {
        level: 'warn',
        time: '2026-01-31T09:00:00.000Z',
        format_version: 1,
        type: 'daemon',
        pipeline: 'users',
        queued: 7,
        msg: 'it is late',
      },
    ]);
  });

  test('what is below its level is left out, and the level can be changed', () => {
    const { log, records } = open('warn');
    log.info('too little');
    log.level = 'info';
    log.info('enough');
    assert.equal(
      records.map((r) => r.msg),
      ['enough'],
    );
  });

  test('no secret leaves by it: not as a text, inside one, in a URL, with quotes in it, or in a header', () => {
    const { log, records } = open();
    keepSecret('pa"ss\\word');
    const request = { headers: { Authorization: 'Bearer 1234', cookie: 'session=1234', accept: '*/*' } };
    log.info(
      { url: '/api/v1/stream?token=1234#1234', given: ['pa"ss\\word'], request, deep: { text: 'says pa"ss\\word' } },
      'with pa"ss\\word',
    );
    log.child({ of: 'pa"ss\\word' }).info('postgresql://me:hidden@host/db and http://host:80/","a@b');
    const text = JSON.stringify(records);
    for (const secret of ['1234', 'pa\\"ss', 'pa"ss', 'hidden']) assert.not.match(text, secret);
    assert.equal(records[0]?.request, { headers: { Authorization: '***', cookie: '***', accept: '*/*' } });
    assert.is(records[0]?.url, '/api/v1/stream');
    assert.is(records[1]?.of, '***');
  });

  test('an error is its code, message and hint; only a defect shows where in the code', () => {
    const { log, records } = open();
    log.error({ err: new EngineError('outside', 'store.failed', 'it is gone', { hint: 'Look.' }) }, 'failed');
    log.error({ err: new TypeError('x is undefined') }, 'failed');
    assert.equal(records[0]?.err, { code: 'store.failed', trouble: 'outside', message: 'it is gone', hint: 'Look.', retryable: false });
    assert.match(JSON.stringify(records[1]?.err), /"stack":".*logger\.test\.ts/);
  });

  test('it is a logger for Fastify, whose requests are logged without their query and headers', async () => {
    const { log, records } = open();
    const server = fastify({ loggerInstance: log.child({ type: 'http' }) });
    server.get('/runs', async () => ({ ok: true }));
    await server.inject({ url: '/runs?token=1234', headers: { authorization: 'Bearer 1234', cookie: 'a=1234' } });
    await server.close();
    assert.equal(
      records.map((r) => r.type),
      ['http', 'http'],
    );
    assert.equal(records[0]?.req, { method: 'GET', url: '/runs', from: '127.0.0.1' });
    assert.equal(records[1]?.res, { statusCode: 200 });
    assert.not.match(JSON.stringify(records), '1234');
  });
});
