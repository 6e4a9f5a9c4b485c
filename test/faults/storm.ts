import { setTimeout as sleep } from 'node:timers/promises';
import { agrees, balanceOf } from './ledger.ts';
import { showVerdict, wrongIn } from './oracle.ts';
import type { LakeKind } from './place.ts';
import { openLedgerProject } from './project.ts';
import { seeded } from './random.ts';
import { startWriters } from './writers.ts';

export interface StormOptions {
  readonly seconds: number;
  readonly lake: LakeKind;
  /** `reader` may read the tables and nothing else; `all` sees every session. */
  readonly role: 'reader' | 'all';
  readonly seed: number;
  readonly say: (line: string) => void;
}

/** What a storm came to; `wrong` lists every violation in words, and is empty when all went well. */
export interface StormResult {
  readonly wrong: readonly string[];
  readonly runs: number;
  readonly kills: number;
  readonly transactions: number;
  readonly late: number;
  readonly aborts: number;
  readonly prepared: number;
  readonly rows: number;
}

const connections = 8;
const firstRows = 2_000;

/**
 * Writers on eight connections and a hot row, incremental runs back to back, a third of them killed at a random moment. After each run that succeeds,
 * staging is asked whether its two tables agree and whether the hot row is as new as when the run before it began. Then quiet, two more runs, and the oracle.
 */
export async function storm(options: StormOptions): Promise<StormResult> {
  const { say } = options;
  const random = seeded(options.seed);
  const wrong: string[] = [];
  let runs = 0;
  let kills = 0;
  let lastBehind = 0;
  const project = await openLedgerProject({ rows: firstRows, lake: options.lake, reader: options.role === 'reader' });
  try {
    const { rig, from, to } = project;
    const writers = await startWriters(() => project.source.client(), connections, options.seed);
    /** The hot row when each run that succeeded began, oldest first. */
    const beatsAtStart: number[] = [];
    /** How long a run takes of late, to kill at any moment of it. */
    let usualMs = 2_000;

    const look = async (): Promise<void> => {
      const staged = await balanceOf(to, 'staging');
      if (!agrees(staged)) wrong.push(`run ${runs}: the tables of staging do not agree: ${JSON.stringify(staged)}`);
      const due = beatsAtStart.at(-2) ?? 0;
      if (staged.beats < due) wrong.push(`run ${runs}: the hot row is at ${staged.beats}, older than two runs (${due})`);
      lastBehind = Math.max(lastBehind, (beatsAtStart.at(-1) ?? 0) - staged.beats);
    };
    const succeed = async (): Promise<void> => {
      const { beats } = await balanceOf(from, 'public');
      const began = Date.now();
      const done = await project.run('changed');
      runs += 1;
      usualMs = Date.now() - began;
      if (done.code !== 0) {
        wrong.push(`run ${runs} ended with ${done.code}: ${done.stderr.slice(-2_000)}`);
        return;
      }
      beatsAtStart.push(beats);
      await look();
    };
    const killOne = async (): Promise<void> => {
      const running = rig.start('run', '--pipeline', 'changed');
      await Promise.race([sleep(random.next() * usualMs), running.ended]);
      running.kill('SIGKILL');
      const ended = await running.ended;
      runs += 1;
      if (ended.signal === 'SIGKILL') kills += 1;
      else if (ended.code !== 0) wrong.push(`run ${runs} ended with ${ended.code}: ${ended.stderr.slice(-2_000)}`);
    };

    say(`seed ${options.seed}: ${options.seconds} s of storm, lake ${options.lake}, role ${options.role}`);
    const endAt = Date.now() + options.seconds * 1000;
    let sayAt = Date.now() + 30_000;
    while (Date.now() < endAt) {
      writers.check();
      if (runs > 0 && random.oneIn(3)) await killOne();
      else await succeed();
      if (Date.now() < sayAt) continue;
      sayAt += 30_000;
      say(`  ${runs} runs, ${kills} killed, ${writers.counts.transactions} transactions, a run takes ${usualMs} ms, ${wrong.length} wrong`);
    }
    await writers.quiet();
    await succeed();
    await succeed();
    const verdicts = await project.verdicts();
    for (const verdict of verdicts) {
      say(`  ${showVerdict(verdict)}; ${verdict.versionsOfRows} versions of rows in ${verdict.lakeVersion + 1} commits`);
      if (wrongIn(verdict) > 0) wrong.push(showVerdict(verdict));
    }
    const [source, staged] = [await balanceOf(from, 'public'), await balanceOf(to, 'staging')];
    if (JSON.stringify(source) !== JSON.stringify(staged))
      wrong.push(`at the end the source is at ${JSON.stringify(source)} and staging at ${JSON.stringify(staged)}`);
    const { transactions, late, aborts, prepared, beats } = writers.counts;
    const rows = verdicts.reduce((sum, v) => sum + v.rows, 0);
    say(
      `${transactions} transactions (${late} late, ${aborts} aborted, ${prepared} prepared), ${beats} beats of the hot row (staging at most ${lastBehind} behind a run's start); ${runs} runs, ${kills} killed; ${rows} rows; ${wrong.length} wrong`,
    );
    return { wrong, runs, kills, transactions, late, aborts, prepared, rows };
  } finally {
    await project.close();
  }
}
