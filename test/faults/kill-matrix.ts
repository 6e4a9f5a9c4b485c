import { balanceOf, moveSome } from './ledger.ts';
import { type Cell, faultOf, needsLongLog, neverComes, pipelineOf, showCell } from './matrix.ts';
import { showVerdict, wrongIn } from './oracle.ts';
import type { LakeKind } from './place.ts';
import { type LedgerProject, openLedgerProject } from './project.ts';

/** What became of one cell; `wrong` says in words what is not as it must be. */
export interface CellResult {
  readonly cell: Cell;
  readonly died: boolean;
  /** Why the effect never comes in such a run; it must not have come then. */
  readonly never: string | undefined;
  /** Exit code of the clean run after it; null when it was killed by something else. */
  readonly next: number | null;
  readonly rowsWrong: number;
  readonly orphans: readonly string[];
  readonly wrong: readonly string[];
}

const firstRows = 100;

/** Kills a run in that cell, then has one clean run of the same kind, and asks the oracle. */
export async function killIn(project: LedgerProject, cell: Cell): Promise<CellResult> {
  const pipeline = pipelineOf(cell);
  const wrong: string[] = [];
  const never = neverComes(cell);
  await moveSome(project.from, 3, 2);
  if (needsLongLog(cell.effect)) await project.growLogs();
  const struck = await project.run(pipeline, { ENGINE_FAULT: faultOf('kill', cell) });
  const died = struck.signal === 'SIGKILL';
  const output = `${struck.stdout}\n${struck.stderr}`.slice(-2_000);
  if (!died && struck.code !== 0) wrong.push(`the run to be killed ended with ${struck.code}: ${output}`);
  if (!died && never === undefined) wrong.push('the effect did not come');
  if (died && never !== undefined) wrong.push(`the effect came, although ${never}`);
  const clean = await project.run(pipeline);
  if (clean.code !== 0) wrong.push(`the next run ended with ${clean.code}: ${clean.stdout}\n${clean.stderr}`.slice(-2_000));
  const verdicts = await project.verdicts();
  const rowsWrong = verdicts.reduce((sum, v) => sum + wrongIn(v), 0);
  if (rowsWrong > 0) wrong.push(...verdicts.map(showVerdict));
  wrong.push(...(await project.leftovers()));
  if (cell.effect === 'dbt.build') wrong.push(...(await staleModel(project)));
  return { cell, died, never, next: clean.code, rowsWrong, orphans: await project.orphans(), wrong };
}

/** The model says what staging holds now. */
async function staleModel(project: LedgerProject): Promise<readonly string[]> {
  const { rows } = await project.to.query<{ sum: string; a: string; b: string }>('SELECT sum, a, b FROM analytics.balance');
  const { sum, rows: counted } = await balanceOf(project.to, 'staging');
  const [made, due] = [JSON.stringify(rows), JSON.stringify([{ sum: String(sum), a: String(counted[0]), b: String(counted[1]) }])];
  return made === due ? [] : [`the model says ${made}, staging ${due}`];
}

/** Goes through the cells one after the other, on one project for each lake; after a cell that went wrong on a new one. */
export async function killMatrix(cells: readonly Cell[], tell: (result: CellResult) => void): Promise<readonly CellResult[]> {
  const results: CellResult[] = [];
  let project: LedgerProject | undefined;
  let kind: LakeKind | undefined;
  try {
    for (const cell of cells) {
      if (project !== undefined && (kind !== cell.lake || (results.at(-1)?.wrong.length ?? 0) > 0)) {
        await project.close();
        project = undefined;
      }
      if (project === undefined) {
        project = await openLedgerProject({ rows: firstRows, lake: cell.lake });
        const first = await project.run('full');
        if (first.code !== 0) throw new Error(`the first run ended with ${first.code}: ${first.stderr}`);
        kind = cell.lake;
      }
      const result = await killIn(project, cell);
      results.push(result);
      tell(result);
    }
  } finally {
    await project?.close();
  }
  return results;
}

export const matrixHead = `${'lake, mode: when effect'.padEnd(46)}${'died'.padEnd(14)}next run  rows wrong  orphans`;

/** A row of the printed table. */
export function showResult({ cell, died, never, next, rowsWrong, orphans, wrong }: CellResult): string {
  const fate = died ? 'SIGKILL' : never === undefined ? 'did not come' : 'never comes';
  const row = `${showCell(cell).padEnd(46)}${fate.padEnd(14)}exit ${String(next).padEnd(5)}${String(rowsWrong).padEnd(12)}${String(orphans.length).padEnd(4)}`;
  return `${row}${never === undefined ? '' : ` ${never}`}${wrong.length === 0 ? '' : ` WRONG ${wrong.join('; ')}`}`.trimEnd();
}
