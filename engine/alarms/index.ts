import type { Channel, Ringing, Sender } from '../alarm.ts';
import { unreachable } from '../base/unreachable.ts';
import type { AlertsConfig, ChannelConfig } from '../config.ts';
import { openEmail } from './email.ts';
import { ask } from './http.ts';
import { openSlack } from './slack.ts';
import { openWebhook } from './webhook.ts';

/** The channels of a configuration. Nothing is reached before something is sent. */
export function openRinging({ channels, heartbeat }: AlertsConfig, sender: Sender): Ringing {
  const open = new Map(Object.entries(channels).map(([name, config]) => [name, openChannel(config, sender)]));
  return {
    channels: () => open,
    beat: async () => {
      if (heartbeat !== undefined)
        await ask(heartbeat.url, { method: 'GET', headers: { 'user-agent': `pipeline-engine/${sender.version}` } });
    },
  };
}

function openChannel(config: ChannelConfig, sender: Sender): Channel {
  switch (config.type) {
    case 'webhook':
      return openWebhook(config, sender);
    case 'slack':
      return openSlack(config, sender);
    case 'email':
      return openEmail(config, sender);
    default:
      return unreachable(config);
  }
}
