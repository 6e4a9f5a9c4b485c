import { execFileSync } from 'node:child_process';
import { waitUntil } from '../support/wait.ts';
import { moveSome } from './ledger.ts';
import { type Cell, faultOf, needsLongLog, neverComes, pipelineOf, showCell } from './matrix.ts';
import { showVerdict, wrongIn } from './oracle.ts';
import { type LedgerProject, openLedgerProject } from './project.ts';

/** What became of a run that stood still while another one took over. */
export interface StopResult {
  readonly cell: Cell;
  readonly stopped: boolean;
  readonly never: string | undefined;
  /** Exit code of the one that took over. */
  readonly taker: number | null;
  /** How the first one ended after SIGCONT: 4 when its commit was refused, 0 when its work was done already or could still be done. */
  readonly first: number | null;
  readonly wrong: readonly string[];
}

export interface StopOptions {
  /** `true`: the ten seconds after which a run that does not beat counts as dead are waited for; else its last beat is put back by a minute, as if they had passed. */
  readonly waits: boolean;
}

/** Within how long a run is dead for others, at the latest. */
const takeOverMs = 40_000;

/** One run stands still there, rows change, another run takes over, the first goes on: all is exact right then, and after one more run. */
export async function stopIn(project: LedgerProject, cell: Cell, { waits }: StopOptions): Promise<StopResult> {
  const pipeline = pipelineOf(cell);
  const never = neverComes(cell);
  const wrong: string[] = [];
  await moveSome(project.from, 3, 2);
  if (needsLongLog(cell.effect)) await project.growLogs();
  const first = project.start(pipeline, { ENGINE_FAULT: faultOf('stop', cell) });
  let over = false;
  void first.ended.then(() => {
    over = true;
  });
  await waitUntil(() => over || stands(first.pid), 'the run to stand still', 60_000);
  const stopped = !over;
  if (!stopped && never === undefined) wrong.push('the effect did not come');
  if (stopped && never !== undefined) wrong.push(`the effect came, although ${never}`);
  await moveSome(project.from, 5, 2);
  if (stopped && !waits) await project.to.query(`UPDATE engine.heartbeats SET at = at - interval '1 minute'`);
  const giveUpAt = Date.now() + takeOverMs;
  let taker = await project.run(pipeline);
  while (waits && taker.code === 4 && Date.now() < giveUpAt) taker = await project.run(pipeline);
  if (taker.code !== 0) wrong.push(`the run that took over ended with ${taker.code}: ${taker.stderr}`);
  first.kill('SIGCONT');
  const { code, stderr } = await first.ended;
  if (code !== 0 && code !== 4) wrong.push(`the first run ended with ${code}: ${stderr}`);
  if (/\n {4}at /.test(stderr)) wrong.push(`the first run shows a stack: ${stderr}`);
  const exact = async (when: string): Promise<void> => {
    const verdicts = await project.verdicts();
    if (verdicts.some((v) => wrongIn(v) > 0)) wrong.push(...verdicts.map((v) => `${when}: ${showVerdict(v)}`));
  };
  await exact('after the first run had gone on');
  const clean = await project.run(pipeline);
  if (clean.code !== 0) wrong.push(`the next run ended with ${clean.code}: ${clean.stderr}`);
  await exact('after the next run');
  wrong.push(...(await project.leftovers()));
  return { cell, stopped, never, taker: taker.code, first: code, wrong };
}

/** Whether a process was stopped by a signal. */
function stands(pid: number): boolean {
  try {
    return execFileSync('ps', ['-o', 'state=', '-p', String(pid)], { encoding: 'utf8' }).startsWith('T');
  } catch (error) {
    // `ps` ends with 1 when there is no such process any more.
    if ((error as { readonly status?: number }).status === 1) return false;
    throw error;
  }
}

/** Goes through the cells on one project, after a cell that went wrong on a new one. */
export async function stopMatrix(
  cells: readonly Cell[],
  options: StopOptions,
  tell: (result: StopResult) => void,
): Promise<readonly StopResult[]> {
  const results: StopResult[] = [];
  let project: LedgerProject | undefined;
  try {
    for (const cell of cells) {
      if (project !== undefined && (results.at(-1)?.wrong.length ?? 0) > 0) {
        await project.close();
        project = undefined;
      }
      if (project === undefined) {
        project = await openLedgerProject({ rows: 100, lake: cell.lake });
        const first = await project.run('full');
        if (first.code !== 0) throw new Error(`the first run ended with ${first.code}: ${first.stderr}`);
      }
      const result = await stopIn(project, cell, options);
      results.push(result);
      tell(result);
    }
  } finally {
    await project?.close();
  }
  return results;
}

/** A row of the printed table. */
export function showStop({ cell, stopped, never, taker, first, wrong }: StopResult): string {
  const fate = stopped ? 'SIGSTOP' : never === undefined ? 'did not come' : 'never comes';
  const row = `${showCell(cell).padEnd(46)}${fate.padEnd(14)}taker exit ${taker}  first exit ${first}`;
  return `${row}${never === undefined ? '' : `  ${never}`}${wrong.length === 0 ? '' : ` WRONG ${wrong.join('; ')}`}`;
}
