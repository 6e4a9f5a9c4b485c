import type { Alarm, Channel, Sender } from '../alarm.ts';
import type { SlackChannelConfig } from '../config.ts';
import { ask } from './http.ts';
import { cut, messageOf } from './message.ts';

/** In characters: Discord refuses a text of more than 2,000, and would refuse it at each try. */
const mostOfText = 1_900;
const mostOfLine = 400;

/** An incoming webhook of Slack, or of what takes the same. `text` alone, for that is what all of them show. */
export function openSlack({ name, url }: SlackChannelConfig, sender: Sender): Channel {
  return {
    name,
    atOnce: 20,
    async send(alarms) {
      const { title, lines } = messageOf(alarms, sender);
      const text = fitting([`${signOf(alarms)} ${title}`, ...lines].map((line) => harmless(cut(line, mostOfLine))));
      await ask(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'user-agent': `pipeline-engine/${sender.version}` },
        body: JSON.stringify({ text, mrkdwn: false }),
      });
    },
  };
}

/** As many of the lines as there is room for. */
function fitting(lines: readonly string[]): string {
  const whole = lines.join('\n');
  if (whole.length <= mostOfText) return whole;
  const rest = '... there is more: engine status shows all of it';
  let text = '';
  for (const line of lines) {
    if (text.length + line.length + rest.length + 1 > mostOfText) break;
    text += `${line}\n`;
  }
  return `${text}${rest}`;
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
