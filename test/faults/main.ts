import { parseArgs } from 'node:util';
import { effects } from '../../engine/base/effect.ts';
import { daemonStorm, showDaemonStorm } from './daemon-storm.ts';
import { killMatrix, matrixHead, showResult } from './kill-matrix.ts';
import { allCells, showCell } from './matrix.ts';
import { type FaultResult, openStruckProject, postgresFaults, showFault } from './postgres-faults.ts';
import { openStruckLake, s3Faults, showS3Fault } from './s3-faults.ts';
import { showStop, stopMatrix } from './stop-matrix.ts';
import { storm } from './storm.ts';
import { strikeAll } from './strike.ts';

/** `npm run storm` and `npm run faults -- list | kill-matrix`: exit 1 when anything is wrong, 2 on a wrong command line. */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '10' },
    pipelines: { type: 'string', default: '18' },
    lake: { type: 'string', default: 'file' },
    only: { type: 'string' },
    waits: { type: 'boolean', default: false },
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
  'kill-matrix': async () => {
    const { lake, only } = values;
    if (lake !== 'file' && lake !== 's3') return usage();
    const cells = [...allCells(lake, 1), ...allCells(lake, 2)].filter((cell) => only === undefined || showCell(cell).includes(only));
    say(matrixHead);
    const results = await killMatrix(cells, (result) => say(showResult(result)));
    const bad = results.filter((result) => result.wrong.length > 0);
    say(
      `${results.filter((r) => r.died).length} killed, ${results.filter((r) => r.never !== undefined).length} never come, ${bad.length} wrong`,
    );
    return bad.length === 0 && results.length > 0;
  },
  'stop-matrix': async () => {
    const { lake, only } = values;
    if (lake !== 'file' && lake !== 's3') return usage();
    const cells = allCells(lake, 1).filter((cell) => only === undefined || showCell(cell).includes(only));
    const results = await stopMatrix(cells, { waits: values.waits }, (result) => say(showStop(result)));
    const bad = results.filter((result) => result.wrong.length > 0);
    say(`${results.filter((r) => r.stopped).length} stopped, ${results.filter((r) => r.first === 4).length} refused, ${bad.length} wrong`);
    return bad.length === 0 && results.length > 0;
  },
  postgres: async () => strikeChosen(postgresFaults, showFault, await openStruckProject()),
  s3: async () => strikeChosen(s3Faults, showS3Fault, await openStruckLake()),
  daemons: async () => {
    const minutes = Number(values.minutes);
    const pipelines = Number(values.pipelines);
    if (!(minutes > 0) || !(pipelines > 0)) return usage();
    const result = await daemonStorm({ minutes, pipelines, takeoverSeconds: 15, seed: Number(values.seed), say });
    say(showDaemonStorm(result));
    for (const line of result.wrong) say(`WRONG ${line}`);
    return result.wrong.length === 0;
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

async function strikeChosen<Fault>(
  all: readonly Fault[],
  show: (fault: Fault) => string,
  struck: { strike(fault: Fault): Promise<FaultResult>; close(): Promise<void> },
): Promise<boolean> {
  const results = await strikeAll(
    all.filter((each) => values.only === undefined || show(each).includes(values.only)),
    struck,
  );
  const bad = results.filter((result) => result.wrong.length > 0);
  say(`${results.length} faults, ${results.filter((r) => r.code === 0).length} runs went on to their end, ${bad.length} wrong`);
  return bad.length === 0 && results.length > 0;
}

function usage(): never {
  say(
    'usage: npm run storm -- [--minutes 10] [--lake file|s3] [--role reader|all] [--seed N]\n       npm run faults -- list | kill-matrix | stop-matrix [--waits] | postgres | s3 | daemons [--minutes 10] [--pipelines 18] [--lake file|s3] [--only TEXT]',
  );
  process.exit(2);
}

const command = commands[positionals[0] ?? ''];
if (command === undefined) usage();
process.exitCode = (await command()) ? 0 : 1;
