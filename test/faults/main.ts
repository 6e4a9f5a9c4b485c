import { parseArgs } from 'node:util';
import { effects } from '../../engine/base/effect.ts';
import { storm } from './storm.ts';

/** `npm run storm` and `npm run faults -- list | kill-matrix`: exit 1 when anything is wrong, 2 on a wrong command line. */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '10' },
    lake: { type: 'string', default: 'file' },
    role: { type: 'string', default: 'all' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const commands: Readonly<Record<string, () => Promise<boolean>>> = {
  list: async () => {
    const widest = Math.max(...Object.keys(effects).map((name) => name.length));
    for (const [name, meaning] of Object.entries(effects)) say(`${name.padEnd(widest)}  ${meaning}`);
    say('\nENGINE_FAULT="kill before lake.entry" (kill or stop, before or after, an effect, and which time it comes) strikes a run there.');
    return true;
  },
  storm: async () => {
    const { lake, role } = values;
    const seconds = Number(values.minutes) * 60;
    if ((lake !== 'file' && lake !== 's3') || (role !== 'reader' && role !== 'all') || !(seconds > 0)) return usage();
    const { wrong } = await storm({ seconds, lake, role, seed: Number(values.seed), say });
    for (const line of wrong) say(`WRONG ${line}`);
    return wrong.length === 0;
  },
};

function usage(): never {
  say(
    'usage: npm run storm -- [--minutes 10] [--lake file|s3] [--role reader|all] [--seed N]\n       npm run faults -- list | kill-matrix [--lake file|s3]',
  );
  process.exit(2);
}

const command = commands[positionals[0] ?? ''];
if (command === undefined) usage();
process.exitCode = (await command()) ? 0 : 1;
