import { openEmbedded } from '../../connectors/postgres/embedded.ts';

/** A process that uses the embedded server of a folder until its stdin ends: `use-server.ts ROOT NAME`. Prints the port, then `closed`. */
const [root = '', name = ''] = process.argv.slice(2);
const embedded = openEmbedded({ root, name });
try {
  const { port } = await embedded.open();
  process.stdout.write(`${port}\n`);
  for await (const _ of process.stdin);
  await embedded.close();
  process.stdout.write('closed\n');
} catch (error) {
  process.stdout.write(`failed ${String(error)}\n`);
  process.exitCode = 1;
}
