import { join } from 'node:path';
import type { Command } from '../command.ts';
import { embeddedDatabases } from './database.ts';

interface Shown {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly passwordFile: string;
}

/** `engine up`: embedded servers go on running to look at. */
export const command: Command = {
  name: 'up',
  summary: 'start the embedded servers of the configuration and keep them running',
  description:
    'Servers that are `embedded` start on demand and stop with the last command that uses them. After `up` they run until `engine down`, or the next boot.',
  examples: [
    'engine up                  # starts them, and shows how to connect',
    'engine psql warehouse      # a Postgres shell on one',
    'engine down                # stops them',
  ],
  async run(context) {
    const servers: Shown[] = [];
    for (const { name, database, embedded } of await embeddedDatabases(context)) {
      await embedded.keep();
      const { host, port, user, database: dbname } = await database.parameters();
      servers.push({ name, host, port, user, database: dbname, passwordFile: join(embedded.folder, 'password') });
    }
    context.reporter.data(
      { format_version: 1, servers },
      () =>
        servers.length === 0
          ? 'no server in the configuration is embedded: nothing to start'
          : [
              ...servers.map(
                (s) =>
                  `${s.name}: engine psql ${s.name}\n  or: PGPASSWORD=$(cat ${quoteForShell(s.passwordFile)}) psql -h ${s.host} -p ${s.port} -U ${s.user} ${quoteForShell(s.database)}`,
              ),
              'running until engine down',
            ].join('\n'),
      'done',
    );
    return 0;
  },
};

function quoteForShell(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
