import * as assert from 'uvu/assert';
import { keepSecret } from '../../../engine/base/secret.ts';
import { EngineError, errorData } from '../../../engine/error.ts';
import type { Event, EventBody } from '../../../engine/event.ts';
import { bytesText, countText, durationText } from '../../../engine/reporters/figures.ts';
import { humanReporter } from '../../../engine/reporters/human.ts';
import { chooseReporter } from '../../../engine/reporters/index.ts';
import type { Output } from '../../../engine/reporters/output.ts';
import { runSummary } from '../../../engine/reporters/run-view.ts';
import { runOf } from '../../../engine/run.ts';
import { eventsOf } from '../../conformance/store.ts';
import { createTestClock } from '../../support/clock.ts';
import { suite } from '../../support/suite.ts';

function capture(columns?: number, env: Output['env'] = { NO_COLOR: '1' }): { output: Output; out: () => string; error: () => string } {
  let out = '';
  let error = '';
  return {
    output: {
      out: (text) => {
        out += text;
      },
      error: (text) => {
        error += text;
      },
      columns: () => columns,
      outIsTerminal: false,
      env,
    },
    out: () => out,
    error: () => error,
  };
}

const start: EventBody = {
  type: 'run.started',
  pipeline: 'p',
  mode: 'full',
  trigger: 'cli',
  nodes: ['extract users', 'load users'].map((id) => ({ id, type: `t.${id.split(' ')[0]}`, table: 'users', unit: id, needs: [] })),
  engine: '0',
  host: 'h',
  pid: 1,
  request: {},
};
const failure: EventBody = {
  type: 'node.failed',
  node: 'load users',
  error: { code: 'load.busy', trouble: 'refused', message: 'staging.users is locked', hint: 'Wait for pid 7.', retryable: false },
};
const story = eventsOf(
  'r1',
  0,
  start,
  { type: 'node.started', node: 'extract users', attempt: 1 },
  { type: 'node.progress', node: 'extract users', progress: { rows: 500, rowsOf: 2000, bytes: 3_400_000 } },
  { type: 'node.succeeded', node: 'extract users', result: { summary: '2,000 rows; lake v0', rows: 2000, facts: {} } },
  failure,
  { type: 'run.failed', error: failure.error },
);

function eventAt(index: number): Event {
  const event = story[index];
  if (event === undefined) throw new Error(`the story has no event ${index}`);
  return event;
}

suite('reporters', ({ test }) => {
  test('plain lines tell a run on stderr and leave stdout alone', () => {
    const { output, out, error } = capture();
    const reporter = chooseReporter({ json: false, quiet: false }, createTestClock(), output);
    for (const event of story) reporter.event(event);
    assert.is(out(), '');
    assert.equal(error().split('\n'), [
      'p (full): run r1, 2 nodes',
      '  extract users: started',
      '+ extract users: 2,000 rows; lake v0',
      'x load users: staging.users is locked (load.busy)',
      '    what to do: Wait for pid 7.',
      'failed: run r1: staging.users is locked',
      '',
    ]);
  });

  test('json is one event per line on stdout, with the version of the format', () => {
    const { output, out, error } = capture();
    const reporter = chooseReporter({ json: true, quiet: false }, createTestClock(), output);
    for (const event of story) reporter.event(event);
    const lines = out().trim().split('\n');
    assert.equal(
      lines.map((l) => JSON.parse(l) as unknown),
      story.map((e) => ({ format_version: 1, ...e })),
    );
    assert.is(error(), '');
  });

  test('quiet says what failed and nothing else', () => {
    const { output, out, error } = capture();
    const reporter = chooseReporter({ json: false, quiet: true }, createTestClock(), output);
    for (const event of story) reporter.event(event);
    reporter.note('a note');
    reporter.data({ a: 1 }, () => 'data');
    reporter.data({ ok: true }, () => 'all is well', 'done');
    assert.is(out(), 'data\n');
    assert.is(error(), 'x load users: staging.users is locked (load.busy)\n    what to do: Wait for pid 7.\n');
  });

  test('on a terminal the nodes at work are redrawn below what has happened', async () => {
    const { output, error } = capture(70);
    const clock = createTestClock(Date.parse(story[1]?.at ?? ''));
    const reporter = humanReporter(output, clock);
    for (const event of story.slice(0, 2)) reporter.event(event);
    await clock.advance(2000);
    const before = error().length;
    for (const event of story.slice(2, 3)) reporter.event(event);
    assert.is(error().slice(before), '\u001b[1A\r\u001b[J  extract users  #####...............  500 of ~2,000 rows, 3.4 MB, 2…\n');
    for (const event of story.slice(3)) reporter.event(event);
    reporter.close();
    assert.ok(error().endsWith('failed: run r1: staging.users is locked\n'));
  });

  test('colours are for terminals and not with NO_COLOR', () => {
    const coloured = capture(80, {});
    humanReporter(coloured.output, createTestClock()).event(eventAt(3));
    assert.match(coloured.error(), '\u001b[32m');
    const plain = capture(80, { NO_COLOR: '1' });
    humanReporter(plain.output, createTestClock()).event(eventAt(3));
    assert.not.match(plain.error(), '\u001b[32m');
  });

  test('an error says what happened, why and what to do, without a stack and without secrets', () => {
    keepSecret('hunter-three');
    const { output, error } = capture();
    const reporter = chooseReporter({ json: false, quiet: false }, createTestClock(), output);
    const thrown = new EngineError('outside', 'postgres.password', 'the server refused', {
      cause: new Error('password hunter-three is wrong'),
      hint: 'Set SOURCE_URL.',
    });
    reporter.error(errorData(thrown), thrown);
    assert.is(error(), 'error: the server refused (postgres.password)\n  why: password *** is wrong\n  what to do: Set SOURCE_URL.\n');
  });

  test('a defect of the engine shows its stack', () => {
    const { output, error } = capture();
    const thrown = new TypeError('oops');
    chooseReporter({ json: false, quiet: false }, createTestClock(), output).error(errorData(thrown), thrown);
    assert.match(error(), /a defect of the engine: oops\nTypeError: oops\n {4}at /);
  });

  test('the summary has rows per table, what failed and how to go on', () => {
    const run = runOf(story);
    if (run === undefined) throw new Error('no run');
    assert.equal(runSummary(run).split('\n'), [
      '',
      'p: failed after 5.0 s',
      '  users  extract 2,000 rows  load failed',
      'load users failed: staging.users is locked',
      '  what to do: Wait for pid 7.',
      'Go on with what is missing: engine retry r1',
    ]);
  });

  test('figures are written for people', () => {
    assert.equal([countText(1234567), countText(1, 'row'), countText(0, 'row')], ['1,234,567', '1 row', '0 rows']);
    assert.equal([bytesText(999), bytesText(3_400_000), bytesText(123_456_789)], ['999 B', '3.4 MB', '123 MB']);
    assert.equal(
      [durationText(85), durationText(4200), durationText(200_000), durationText(7_500_000)],
      ['85 ms', '4.2 s', '3 m 20 s', '2 h 5 m'],
    );
  });
});
