import { hostname } from 'node:os';
import { openRinging } from '../alarms/index.ts';
import { countText } from '../base/count.ts';
import { suggest } from '../base/suggest.ts';
import type { Command, CommandContext, CommandInput } from '../command.ts';
import type { AlertsConfig } from '../config.ts';
import { EngineError, type ErrorData, errorData, exitCodeOf } from '../error.ts';
import type { Incident } from '../incidents.ts';
import { columns } from '../reporters/run-view.ts';
import { senderOf } from './alert-sender.ts';
import { sendTest } from './alert-test.ts';

const shownOver = 20;

/** `engine alerts ls`: open incidents, with whom they were told to. `engine alerts test`: a message to each channel; exit 1 when one did not take it, 2 when there is none. */
export const command: Command = {
  name: 'alerts',
  summary: 'show what rings, and test the channels',
  description:
    'Alarms are told of incidents: problems that `engine status` shows, from their beginning to their end. `ls` shows those that are open, with whom they were told to. `test` sends a message to each channel of `alerts` in pipelines.yaml, and tells which of them took it.',
  arguments: [{ name: 'action', summary: 'ls or test', required: true }],
  options: [
    { flags: '--channel <name>', summary: 'test: only this one' },
    { flags: '--all', summary: `ls: the newest ${shownOver} that are over too` },
  ],
  examples: [
    'engine alerts test               # a message to each channel',
    'engine alerts test --channel ops # to this one',
    'engine alerts ls                 # what rings now',
    'engine alerts ls --all --json    # and what rang lately',
  ],
  async run(context, input) {
    const [action] = input.arguments;
    if (action === 'ls') return list(context, input);
    if (action === 'test') return test(context, input);
    const near = typeof action === 'string' ? suggest(action, ['ls', 'test']) : undefined;
    throw new EngineError('usage', 'alerts.action', `alerts takes ls or test, not ${String(action)}`, {
      hint: near === undefined ? 'See engine alerts --help.' : `Did you mean \`engine alerts ${near}\`?`,
    });
  },
};

async function list(context: CommandContext, input: CommandInput): Promise<number> {
  await context.config();
  const incidents = (await context.peekStore())?.incidents;
  const open = (await incidents?.open()) ?? [];
  const over =
    input.options.all === true ? ((await incidents?.newest(shownOver)) ?? []).filter(({ closedAt }) => closedAt !== undefined) : [];
  context.reporter.data({ open, ...(input.options.all === true ? { over } : {}) }, () =>
    [
      ...(open.length === 0 ? ['nothing rings'] : open.flatMap(incidentLines)),
      ...(over.length === 0 ? [] : ['over:', ...over.flatMap(incidentLines)]),
    ].join('\n'),
  );
  return 0;
}

function incidentLines({ problem, openedAt, closedAt, deliveries }: Incident): readonly string[] {
  const subject = problem.pipeline ?? (problem.table === undefined ? '' : `table ${problem.table}`);
  return [
    `${problem.kind}  ${subject === '' ? '' : `${subject}: `}${problem.text}`,
    ...columns([
      ['', `since ${problem.since}`, closedAt === undefined ? `opened ${openedAt}` : `over ${closedAt}`],
      ...deliveries.map(({ event, channel, state, sentAt, attempts, error }) => [
        '',
        `${event} to ${channel}`,
        state === 'sent'
          ? `sent ${sentAt ?? ''}`
          : `${state === 'due' ? 'not sent yet' : 'not sent'}${attempts === 0 ? '' : `, tried ${countText(attempts, 'time')}`}${error === undefined ? '' : `: ${error}`}`,
      ]),
    ]),
  ];
}

async function test(context: CommandContext, input: CommandInput): Promise<number> {
  const config = await context.config();
  const names = chosen(config.alerts, input.options.channel);
  const host = hostname();
  const channels = openRinging(config.alerts, senderOf(context, config, host)).channels();
  const at = new Date(context.clock.now()).toISOString();
  const results = await Promise.all(
    names.map(async (name): Promise<{ readonly channel: string; readonly error: ErrorData | null }> => {
      const channel = channels.get(name);
      return { channel: name, error: channel === undefined ? null : await sendTest(channel, at).then(() => null, errorData) };
    }),
  );
  context.reporter.data({ results }, () =>
    columns(results.map(({ channel, error }) => [channel, error === null ? 'took it' : `did not take it: ${error.message}`])).join('\n'),
  );
  return results.some(({ error }) => error !== null) ? exitCodeOf({ trouble: 'failed' }) : 0;
}

function chosen({ channels, off }: AlertsConfig, given: CommandInput['options'][string]): readonly string[] {
  const names = Object.keys(channels);
  if (typeof given === 'string') {
    if (names.includes(given)) return [given];
    if (off.includes(given))
      throw new EngineError('usage', 'alerts.channel-off', `channel ${given} is off: its URL is \`off\``, {
        hint: 'Set the variable that its URL comes from.',
      });
    const near = suggest(given, names);
    throw new EngineError('usage', 'alerts.unknown-channel', `there is no channel ${given}`, {
      hint: near === undefined ? `There are: ${names.join(', ')}.` : `Did you mean ${near}?`,
    });
  }
  if (names.length > 0) return names;
  throw new EngineError(
    'usage',
    'alerts.no-channel',
    off.length === 0 ? 'pipelines.yaml names no channel' : `every channel is off: ${off.join(', ')}`,
    {
      hint:
        off.length === 0
          ? 'Add one at its top: `alerts: { channels: { ops: { type: slack, url: ${SLACK_WEBHOOK_URL} } } }`.'
          : 'Set the variables that their URLs come from.',
    },
  );
}
