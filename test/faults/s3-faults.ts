import { type Between, type Fate, type Passing, s3Answer, standBetween } from '../support/s3-between.ts';
import { moveSome } from './ledger.ts';
import { showVerdict, wrongIn } from './oracle.ts';
import { type FaultResult, firstTrouble, judgeOutput } from './postgres-faults.ts';
import { type LedgerProject, openLedgerProject } from './project.ts';
import { createRules, lasts, type Rule } from './rules.ts';

/**
 * What happens to a request on its way to S3: `delay` holds it back; `cut before` ends the connection in its place; `cut in body` ends it in the middle of what is
 * sent, or of the answer where the request has no body; `drop answer` lets the server do the work and ends the connection; the others answer in the server's place.
 */
export type S3Act = 'delay' | 'cut before' | 'cut in body' | 'drop answer' | '503' | 'error in 200' | '403';

/** What a run asks of S3, by a request's method and address; `long log`: an incremental run that has a checkpoint to write. */
interface Operation {
  readonly name: string;
  readonly mode: 'full' | 'incremental' | 'long log';
  readonly match: RegExp;
  /** Neither the request nor its answer has a body to be cut in. */
  readonly bodiless?: true;
  /** The operation comes only when this goes wrong. */
  readonly provokedBy?: Rule<S3Act>;
}

/** One fault at one operation; it strikes so many times. */
export interface S3Fault {
  readonly operation: Operation;
  readonly act: S3Act;
  readonly times: number;
}

const everyTime = 1_000;
const data = '/ledger_a/20[^/]*/part';
const log = '/ledger_a/_delta_log/';
const entry = String.raw`${log}\d{20}\.json`;

const operations: readonly Operation[] = [
  { name: 'list the log', mode: 'incremental', match: new RegExp(`^GET .*list-type=2&prefix=lake${log}`) },
  { name: 'read the hint', mode: 'incremental', match: new RegExp(`^GET .*${log}_last_checkpoint`) },
  { name: 'read an entry', mode: 'incremental', match: new RegExp(`^GET .*${entry}`) },
  { name: 'look for a folder', mode: 'incremental', match: /^GET .*max-keys=1&prefix=lake\/ledger_a\/20/ },
  { name: 'write a part', mode: 'incremental', match: new RegExp(`^PUT .*${data}.*x-id=PutObject`) },
  { name: 'size of a part', mode: 'incremental', match: new RegExp(`^HEAD .*${data}`), bodiless: true },
  { name: 'try the condition', mode: 'incremental', match: /^PUT .*\/\.engine-conditional-write/, bodiless: true },
  { name: 'commit', mode: 'incremental', match: new RegExp(`^PUT .*${entry}`) },
  { name: 'fetch a part', mode: 'incremental', match: new RegExp(`^GET .*${data}`) },
  {
    name: 'remove a part',
    mode: 'incremental',
    match: new RegExp(`^DELETE .*${data}`),
    bodiless: true,
    provokedBy: { match: new RegExp(`^PUT .*${entry}`), act: '403', times: everyTime },
  },
  { name: 'begin an upload', mode: 'full', match: new RegExp(`^POST .*${data}.*\\?uploads=`) },
  { name: 'upload a piece', mode: 'full', match: new RegExp(`^PUT .*${data}.*partNumber=2`) },
  { name: 'complete an upload', mode: 'full', match: new RegExp(`^POST .*${data}.*\\?uploadId=`) },
  {
    name: 'abort an upload',
    mode: 'full',
    match: new RegExp(`^DELETE .*${data}.*uploadId=`),
    bodiless: true,
    provokedBy: { match: new RegExp(`^PUT .*${data}.*partNumber=2`), act: '403', times: everyTime },
  },
  { name: 'commit', mode: 'full', match: new RegExp(`^PUT .*${entry}`) },
  { name: 'write a checkpoint', mode: 'long log', match: new RegExp(`^PUT .*${log}.*\\.checkpoint\\.parquet`) },
  { name: 'write the hint', mode: 'long log', match: new RegExp(`^PUT .*${log}_last_checkpoint`) },
  { name: 'read a checkpoint', mode: 'long log', match: new RegExp(`^GET .*${log}.*\\.checkpoint\\.parquet`) },
];

const acts: readonly Exclude<S3Act, '403'>[] = ['delay', 'cut before', 'cut in body', 'drop answer', '503', 'error in 200'];
/** More than the SDK's own six tries of a request. */
const often = 8;

/** Those that are kept up until the SDK gives in: what a node makes of them does not depend on more. */
const keptUp: ReadonlySet<S3Act> = new Set(['cut before', 'drop answer', '503']);

/** Every fault at every operation: once, which the SDK gets over, and some of them more often than it tries. */
export const s3Faults: readonly S3Fault[] = operations.flatMap((operation) =>
  acts
    .filter((act) => act !== 'cut in body' || operation.bodiless !== true)
    .flatMap((act) => (keptUp.has(act) ? [1, often] : [1]).map((times) => ({ operation, act, times }))),
);

/** Words for a fault. */
export function showS3Fault({ operation, act, times }: S3Fault): string {
  return `S3, ${operation.name}${operation.mode === 'incremental' ? '' : ` (${operation.mode})`}: ${act}${times === 1 ? '' : ` ${times} times`}`;
}

function fateOf(rule: Rule<S3Act>, { method, headers }: Passing): Fate {
  switch (rule.act) {
    case 'delay':
      return { delayMs: lasts(rule) };
    case 'cut before':
      return 'cut';
    case 'cut in body':
      return method !== 'GET' && Number(headers['content-length'] ?? 0) > 0 ? 'cut request' : 'cut body';
    case 'drop answer':
      return 'lose answer';
    case '503':
      return s3Answer(503, 'SlowDown');
    case 'error in 200':
      return s3Answer(200, 'InternalError');
    case '403':
      return s3Answer(403, 'AccessDenied');
  }
}

/** A project whose lake is reached through what strikes. */
export interface StruckLake {
  readonly project: LedgerProject;
  strike(fault: S3Fault): Promise<FaultResult>;
  close(): Promise<void>;
}

const firstRows = 200;
/** Longer than the SDK's pauses of a run add up to, shorter than a timeout that would hide a hang. */
const longestSeconds = 60;
/** Text that makes a part of more than one piece of an upload. */
const wideNote = `(SELECT string_agg(md5(n::text), '') FROM generate_series(1, 450000) n)`;

/** Makes it and has a first full run. One account has a note so wide that a full extract is uploaded by pieces. */
export async function openStruckLake(): Promise<StruckLake> {
  let between: Between | undefined;
  const project = await openLedgerProject({
    rows: firstRows,
    lake: 's3',
    detour: async (endpoint) => {
      between = await standBetween(endpoint);
      return between.endpoint;
    },
  });
  const rules = createRules<S3Act>();
  const way = between;
  if (way === undefined) throw new Error('the lake has no detour');
  way.decide = (passing) => {
    const rule = rules.at(`${passing.method} ${decodeURIComponent(passing.url)}`);
    return rule === undefined ? 'pass' : fateOf(rule, passing);
  };
  const close = async (): Promise<void> => {
    await project.close();
    await way.close();
  };
  await project.from.query(`UPDATE ledger_a SET note = ${wideNote} WHERE id = 1`);
  const first = await project.run('full');
  if (first.code !== 0) {
    await close();
    throw new Error(`the first run ended with ${first.code}: ${first.stderr}`);
  }
  return {
    project,
    async strike(fault) {
      const { operation, act, times } = fault;
      const pipeline = operation.mode === 'full' ? 'full' : 'changed';
      await moveSome(project.from, 3, 1);
      if (operation.mode === 'long log') await project.growLogs();
      const struckBy = { match: operation.match, act, times };
      rules.set([struckBy, ...(operation.provokedBy === undefined ? [] : [operation.provokedBy])]);
      const began = Date.now();
      const run = await project.run(pipeline);
      const seconds = (Date.now() - began) / 1000;
      const struck = rules.strikes.filter((strike) => strike.startsWith(`${act}: `)).length;
      rules.set([]);
      const wrong: string[] = [];
      const output = `${run.stdout}\n${run.stderr}`;
      if (struck === 0) wrong.push('the fault did not strike');
      wrong.push(...judgeOutput(run.code, output));
      if (act === 'delay' && operation.provokedBy === undefined && run.code !== 0) wrong.push(`a delay ended the run: ${output}`);
      if (seconds > longestSeconds) wrong.push(`took ${seconds} s`);
      if (run.code !== 0) {
        const clean = await project.run(pipeline);
        if (clean.code !== 0) wrong.push(`the next run ended with ${clean.code}: ${clean.stderr}`);
      }
      const verdicts = await project.verdicts();
      if (verdicts.some((v) => wrongIn(v) > 0)) wrong.push(...verdicts.map(showVerdict));
      wrong.push(...(await project.leftovers()));
      return { name: showS3Fault(fault), code: run.code, seconds, said: run.code === 0 ? '' : firstTrouble(run.stderr), wrong };
    },
    close,
  };
}
