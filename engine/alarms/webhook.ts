import type { Alarm, Channel, Sender } from '../alarm.ts';
import { redact } from '../base/secret.ts';
import type { WebhookChannelConfig } from '../config.ts';
import { ask } from './http.ts';

/** JSON to a URL, an alarm each. The header `Idempotency-Key` is the same whenever the same alarm is sent again. */
export function openWebhook({ name, url, headers }: WebhookChannelConfig, sender: Sender): Channel {
  return {
    name,
    atOnce: 1,
    async send(alarms) {
      for (const alarm of alarms)
        await ask(url, {
          method: 'POST',
          headers: {
            'user-agent': `pipeline-engine/${sender.version}`,
            ...headers,
            'content-type': 'application/json',
            'idempotency-key': `${alarm.incident}.${alarm.event}`,
          },
          body: bodyOf(alarm, sender),
        });
    },
  };
}

function bodyOf({ event, incident, problem, at }: Alarm, sender: Sender): string {
  const body = { format_version: 1, event, incident, problem, at, engine: sender };
  return JSON.stringify(body, (_key, value: unknown) => (typeof value === 'string' ? redact(value) : value));
}
