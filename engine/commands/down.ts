import type { Command } from '../command.ts';
import type { EmbeddedServer } from '../connector.ts';
import { embeddedDatabases } from './database.ts';

/** `engine down`: embedded servers stop, also those that a killed command left behind. */
export const command: Command = {
  name: 'down',
  summary: 'stop the embedded servers of the configuration',
  description: 'Also those that a killed command left behind. A server that another command is using stops when that command ends.',
  examples: ['engine down                # stops what engine up started'],
  async run(context) {
    const servers: { readonly name: string; readonly state: Awaited<ReturnType<EmbeddedServer['stop']>> }[] = [];
    for (const { name, embedded } of await embeddedDatabases(context)) servers.push({ name, state: await embedded.stop() });
    const told = {
      stopped: 'stopped',
      'in use': 'used by another command: it stops when that one ends',
      'not running': 'was not running',
    };
    context.reporter.data(
      { format_version: 1, servers },
      () =>
        servers.length === 0
          ? 'no server in the configuration is embedded: nothing to stop'
          : servers.map((s) => `${s.name}: ${told[s.state]}`).join('\n'),
      'done',
    );
    return 0;
  },
};
