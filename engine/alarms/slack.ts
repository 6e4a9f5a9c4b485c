import type { Alarm, Channel, Sender } from '../alarm.ts';
import type { SlackChannelConfig } from '../config.ts';
import { ask } from './http.ts';
import { messageOf } from './message.ts';

/** An incoming webhook of Slack, or of what takes the same. `text` alone, for that is what all of them show. */
export function openSlack({ name, url }: SlackChannelConfig, sender: Sender): Channel {
  return {
    name,
    atOnce: 20,
    async send(alarms) {
      const { title, lines } = messageOf(alarms, sender);
      const text = [`${signOf(alarms)} ${title}`, ...lines].join('\n');
      await ask(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'user-agent': `pipeline-engine/${sender.version}` },
        body: JSON.stringify({ text: harmless(text), mrkdwn: false }),
      });
    },
  };
}

function signOf(alarms: readonly Alarm[]): string {
  if (alarms.some(({ event, problem }) => event === 'opened' && problem.severity === 'error')) return '\u{1F534}';
  return alarms.some(({ event }) => event === 'opened') ? '\u{1F7E0}' : '\u{1F7E2}';
}

/** Slack's three characters of control as it has them escaped, and no `@everyone` for those who read it in plain text: a zero-width space behind the `@`. */
function harmless(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/(?<![\w.+-])@(?=\w)/g, '@\u200b');
}
