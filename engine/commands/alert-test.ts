import { ulid } from 'ulid';
import type { Channel } from '../alarm.ts';

/** Sends a message to a channel that says that it is a test; throws as `Channel.send` does. */
export async function sendTest(channel: Channel, at: string): Promise<void> {
  const problem = {
    key: 'test',
    kind: 'failed',
    severity: 'warning',
    since: at,
    text: `somebody asked for a test of channel ${channel.name}; nothing is wrong`,
    hint: 'Nothing to do.',
  } as const;
  await channel.send([{ event: 'test', incident: ulid(), problem, at }]);
}
