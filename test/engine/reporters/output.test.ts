import * as assert from 'uvu/assert';
import { systemClock } from '../../../engine/base/clock.ts';
import { humanReporter } from '../../../engine/reporters/human.ts';
import { harmless } from '../../../engine/reporters/output.ts';
import { eventsOf } from '../../conformance/store.ts';
import { suite } from '../../support/suite.ts';

suite('what a terminal is given', ({ test }) => {
  test('nothing that a name or an error holds moves its cursor, sets its title or asks it; colours and lines stay', () => {
    assert.is(harmless('a\u001b]0;title\u0007b'), 'a\\x1b]0;title\\x07b');
    assert.is(harmless('\u001b[2J\u001b[1;1H\u001b[6n'), '\\x1b[2J\\x1b[1;1H\\x1b[6n');
    assert.is(harmless('50 %\rdone\b\u009b2J\u0000'), '50 %\\x0ddone\\x08\\x9b2J\\x00');
    assert.is(harmless('\u001b[31mred\u001b[0m\tand\n'), '\u001b[31mred\u001b[0m\tand\n');
    assert.is(harmless('one\r\ntwo\n'), 'one\ntwo\n');
    assert.is(harmless('x\u001b[1A\r\u001b[J\n'), 'x\\x1b[1A\\x0d\\x1b[J\n');
    assert.is(harmless('\u00e9\u{1F534} ok'), '\u00e9\u{1F534} ok');
  });

  test('the lines of the nodes at work are drawn anew all the same', () => {
    const written: string[] = [];
    const output = {
      out: () => undefined,
      error: (text: string) => void written.push(text),
      columns: () => 80,
      outIsTerminal: true,
      env: {},
    };
    const reporter = humanReporter(output, systemClock);
    for (const event of eventsOf(
      'r1',
      0,
      { type: 'node.started', node: 'extract users', attempt: 1 },
      { type: 'log', level: 'info', text: 'on' },
    ))
      reporter.event(event);
    assert.ok(written.some((text) => text.includes('\u001b[1A')));
    for (const text of written) assert.is(harmless(text), text);
  });
});
