import { createHash } from 'node:crypto';
import type { Alarm, Channel, Sender } from '../alarm.ts';
import type { EmailChannelConfig } from '../config.ts';
import { notSent } from './http.ts';
import { messageOf } from './message.ts';

/** E-mail in plain text. Where a user is given, it is sent over TLS only, but to this machine itself. What tells of an end answers, for mail programs, what told of the beginning. */
export function openEmail({ name, smtp, from, to }: EmailChannelConfig, sender: Sender): Channel {
  const url = new URL(smtp);
  const secure = url.protocol === 'smtps:';
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const user = decodeURIComponent(url.username);
  const isHere = host === 'localhost' || host === '::1' || /^127\./.test(host);
  return {
    name,
    atOnce: 20,
    async send(alarms) {
      const { createTransport } = await import('nodemailer');
      const transport = createTransport({
        host,
        port: url.port === '' ? (secure ? 465 : 25) : Number(url.port),
        secure,
        requireTLS: user !== '' && !secure && !isHere,
        ...(user === '' ? {} : { auth: { user, pass: decodeURIComponent(url.password) } }),
        connectionTimeout: 5_000,
        greetingTimeout: 5_000,
        socketTimeout: 8_000,
        disableFileAccess: true,
        disableUrlAccess: true,
      });
      const { title, lines } = messageOf(alarms, sender);
      try {
        await within(
          transport.sendMail({
            from,
            to: [...to],
            subject: title,
            text: `${lines.join('\n')}\n`,
            messageId: messageId(alarms, alarms[0]?.event ?? 'test'),
            ...(alarms.every(({ event }) => event === 'closed') ? { inReplyTo: messageId(alarms, 'opened') } : {}),
            headers: { 'Auto-Submitted': 'auto-generated', 'X-Engine-Incident': alarms.map((alarm) => alarm.incident).join(' ') },
          }),
        );
      } catch (error) {
        throw notSent(`${url.host} did not take the e-mail: ${error instanceof Error ? error.message : String(error)}`, error);
      } finally {
        transport.close();
      }
    },
  };
}

/** The same for the same alarms: a mail program that gets it twice may show it once. */
function messageId(alarms: readonly Alarm[], event: Alarm['event']): string {
  const of = alarms.map(({ incident }) => incident).join(' ');
  return `<${createHash('sha256').update(`${of}.${event}`).digest('hex').slice(0, 32)}@pipeline-engine>`;
}

/** nodemailer counts the time of each step; this is the time of all. */
async function within(work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer within 15 s')), 15_000);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
