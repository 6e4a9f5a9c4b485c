import { moveSome } from './ledger.ts';
import { showVerdict, wrongIn } from './oracle.ts';
import { type LedgerProject, openLedgerProject } from './project.ts';
import { openPostgresProxy, type PostgresAct, type PostgresProxy } from './tcp-proxy.ts';

/** What a run does on one of its connections to Postgres, by the message that begins it. */
interface Operation {
  readonly name: string;
  readonly side: 'source' | 'sink' | 'state';
  readonly mode: 'full' | 'incremental';
  readonly match: RegExp;
}

/** One fault at one operation. */
export interface PostgresFault {
  readonly operation: Operation;
  readonly act: PostgresAct;
}

/** How a run went that was struck. */
export interface FaultResult {
  readonly name: string;
  /** Exit code of the struck run. */
  readonly code: number | null;
  readonly seconds: number;
  /** The first line of what it said when it failed. */
  readonly said: string;
  readonly wrong: readonly string[];
}

const inBoth = (operations: readonly Omit<Operation, 'mode'>[]): readonly Operation[] =>
  operations.map((operation) => ({ ...operation, mode: 'incremental' }));

const operations: readonly Operation[] = [
  ...inBoth([
    { name: 'connect', side: 'source', match: /^engine control > startup/ },
    { name: 'describe', side: 'source', match: /^engine control > Parse SELECT c\.oid::text AS oid/ },
    { name: 'connect for the snapshot', side: 'source', match: /^engine snapshot > startup/ },
    { name: 'fence', side: 'source', match: /^engine snapshot > Query SELECT coalesce\(l\.pid/ },
    { name: 'snapshot', side: 'source', match: /^engine snapshot > Query SELECT pg_export_snapshot/ },
    { name: 'connect for the copy', side: 'source', match: /^engine extract ledger_a > startup/ },
    { name: 'join the snapshot', side: 'source', match: /^engine extract ledger_a > Query BEGIN TRANSACTION/ },
    { name: 'copy', side: 'source', match: /^engine extract ledger_a > Query COPY \(SELECT "bad"/ },
    { name: 'look at the storage under the snapshot', side: 'source', match: /^engine snapshot > Parse WITH RECURSIVE tree/ },
    { name: 'connect', side: 'sink', match: /^engine load staging\.ledger_a > startup/ },
    { name: 'prepare', side: 'sink', match: /^engine load staging\.ledger_a > Parse SELECT EXISTS/ },
    { name: 'attempt', side: 'sink', match: /^engine load staging\.ledger_a > Parse INSERT INTO "engine"\."attempts"/ },
    { name: 'begin', side: 'sink', match: /^engine load staging\.ledger_a > Query BEGIN/ },
    { name: 'lock', side: 'sink', match: /^engine load staging\.ledger_a > Parse SELECT pg_catalog\.pg_advisory_xact_lock/ },
    { name: 'arrivals', side: 'sink', match: /^engine load staging\.ledger_a > Query CREATE TEMPORARY TABLE/ },
    { name: 'copy', side: 'sink', match: /^engine load staging\.ledger_a > Query COPY/ },
    { name: 'rows of the copy', side: 'sink', match: /^engine load staging\.ledger_a > CopyData/ },
    { name: 'end of the copy', side: 'sink', match: /^engine load staging\.ledger_a > CopyDone/ },
    { name: 'merge', side: 'sink', match: /^engine load staging\.ledger_a > (Query|Parse) WITH done/ },
    { name: 'ledger', side: 'sink', match: /^engine load staging\.ledger_a > Parse INSERT INTO "engine"\."loads"/ },
    { name: 'COMMIT', side: 'sink', match: /^engine load staging\.ledger_a > Query COMMIT/ },
    { name: 'connect', side: 'state', match: /^engine state > startup/ },
    { name: 'connect for liveness', side: 'state', match: /^engine liveness > startup/ },
    { name: 'append', side: 'state', match: /^engine state > Parse insert into "engine"\."events"/ },
    { name: 'COMMIT of events', side: 'state', match: /^engine state > Query COMMIT/ },
    { name: 'lease', side: 'state', match: /^engine state > Parse update "engine"\."leases" set .*"token"/ },
    { name: 'check of the lease', side: 'state', match: /^engine state > Parse select .*"engine"\."leases".*not null/ },
    { name: 'release', side: 'state', match: /^engine state > Parse update "engine"\."leases" set "run_id" = / },
    { name: 'heartbeat', side: 'state', match: /^engine liveness > Parse INSERT INTO "engine"\.heartbeats/ },
  ]),
  { name: 'truncate', side: 'sink', mode: 'full', match: /^engine load staging\.ledger_a > Query TRUNCATE/ },
  { name: 'copy', side: 'sink', mode: 'full', match: /^engine load staging\.ledger_a > Query COPY/ },
  { name: 'end of the copy', side: 'sink', mode: 'full', match: /^engine load staging\.ledger_a > CopyDone/ },
  { name: 'COMMIT', side: 'sink', mode: 'full', match: /^engine load staging\.ledger_a > Query COMMIT/ },
];

const acts: readonly PostgresAct[] = ['delay', 'cut before', 'cut after', 'drop answer', 'go away'];

/** Every fault at every operation; a copy is cut in the middle of its rows as well. */
export const postgresFaults: readonly PostgresFault[] = operations.flatMap((operation) => [
  ...acts
    // Rows of a copy have no answer of their own.
    .filter((act) => act !== 'drop answer' || !/CopyData/.test(operation.match.source))
    .map((act) => ({ operation, act })),
  ...(operation.name === 'copy' && operation.side === 'source' ? [{ operation, act: 'cut in answer' as const }] : []),
]);

/** Words for a fault. */
export function showFault({ operation, act }: PostgresFault): string {
  return `${operation.side}, ${operation.name}${operation.mode === 'full' ? ' (full)' : ''}: ${act}`;
}

/** A project whose three connections go through a proxy each. */
export interface StruckProject {
  readonly project: LedgerProject;
  strike(fault: PostgresFault): Promise<FaultResult>;
  close(): Promise<void>;
}

const firstRows = 200;
/** Longer than any of these runs takes when all goes well, shorter than a timeout that would hide a hang. */
const longestSeconds = 30;

/** Makes it and has a first full run. */
export async function openStruckProject(): Promise<StruckProject> {
  const project = await openLedgerProject({ rows: firstRows });
  const { host, port } = project.source.parameters;
  const proxies: Readonly<Record<Operation['side'], PostgresProxy>> = {
    source: await openPostgresProxy({ host, port }),
    sink: await openPostgresProxy({ host, port }),
    state: await openPostgresProxy({ host, port }),
  };
  const env = {
    SOURCE_URL: proxies.source.url(project.source.url),
    WAREHOUSE_URL: proxies.sink.url(project.warehouse.url),
    STATE_URL: proxies.state.url(project.warehouse.url),
  };
  const close = async (): Promise<void> => {
    await project.close();
    for (const proxy of Object.values(proxies)) await proxy.close();
  };
  const first = await project.run('full', env);
  if (first.code !== 0) {
    await close();
    throw new Error(`the first run ended with ${first.code}: ${first.stderr}`);
  }
  return {
    project,
    async strike({ operation, act }) {
      const proxy = proxies[operation.side];
      const pipeline = operation.mode === 'full' ? 'full' : 'changed';
      await moveSome(project.from, 3, 1);
      proxy.strike({ match: operation.match, act });
      const began = Date.now();
      const run = await project.run(pipeline, env);
      const seconds = (Date.now() - began) / 1000;
      const struck = proxy.strikes.length > 0;
      proxy.strike();
      // A run that failed quickly may be over before the server is there again: the next one is to be a clean one.
      await proxy.back();
      const wrong: string[] = [];
      const output = `${run.stdout}\n${run.stderr}`;
      if (!struck) wrong.push('the fault did not strike');
      wrong.push(...judgeOutput(run.code, output));
      if (act === 'delay' && run.code !== 0) wrong.push(`a delay ended the run: ${output}`);
      if (seconds > longestSeconds) wrong.push(`took ${seconds} s`);
      if (run.code !== 0) {
        const clean = await project.run(pipeline, env);
        if (clean.code !== 0) wrong.push(`the next run ended with ${clean.code}: ${clean.stderr}`);
      }
      const verdicts = await project.verdicts();
      if (verdicts.some((v) => wrongIn(v) > 0)) wrong.push(...verdicts.map(showVerdict));
      wrong.push(...(await project.leftovers()));
      return { name: showFault({ operation, act }), code: run.code, seconds, said: run.code === 0 ? '' : firstTrouble(run.stderr), wrong };
    },
    close,
  };
}

/** A run that was struck ends well, or as one that could not reach something (3) or failed (1), with a way out and without a stack. */
export function judgeOutput(code: number | null, output: string): readonly string[] {
  return [
    ...(code === 0 || code === 1 || code === 3 ? [] : [`ended with ${code}: ${output}`]),
    ...(/\n {4}at /.test(output) ? [`shows a stack: ${output}`] : []),
    ...(code === 0 || output.includes('what to do: ') ? [] : [`says nothing of what to do: ${output}`]),
  ];
}

/** What a run said first of what went wrong, as one line. */
export function firstTrouble(stderr: string): string {
  return (stderr.split('\n').find((line) => /failed|error|what to do/i.test(line)) ?? '').trim().slice(0, 160);
}

/** A row of the printed table. */
export function showFaultResult({ name, code, seconds, said, wrong }: FaultResult): string {
  return `${name.padEnd(62)}exit ${code}  ${seconds.toFixed(1).padStart(5)} s  ${said}${wrong.length === 0 ? '' : ` WRONG ${wrong.join('; ')}`}`.trimEnd();
}
