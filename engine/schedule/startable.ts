import type { Config } from '../config.ts';
import type { QueueEntry } from '../queue.ts';

/** A run that is at work, wherever. */
export interface LiveRun {
  readonly runId: string;
  readonly pipeline: string;
  /** Its tables by name; undefined: not known. */
  readonly tables: readonly string[] | undefined;
  /** Counts against `maxConcurrentRuns`. */
  readonly byDaemon: boolean;
}

/** What becomes of a waiting entry now. */
export type Turn =
  | { readonly entry: QueueEntry; readonly act: 'start' }
  | { readonly entry: QueueEntry; readonly act: 'wait'; readonly reason: string }
  | { readonly entry: QueueEntry; readonly act: 'end'; readonly reason: string };

/**
 * Who of those that wait (oldest first) may start: a pipeline has one run at a time, a table too, and the daemon so many in all. `starting`: entries whose process was
 * started and has not begun its run yet. Pure.
 */
export function takeTurns(
  config: Pick<Config, 'pipelines' | 'daemon'>,
  waiting: readonly QueueEntry[],
  live: readonly LiveRun[],
  starting: readonly QueueEntry[],
): readonly Turn[] {
  const turns: Turn[] = [];
  const busy: {
    readonly pipeline: string;
    readonly tables: readonly string[] | undefined;
    readonly who: string;
    readonly byDaemon: boolean;
  }[] = [
    ...live.map((run) => ({ ...run, who: `run ${run.runId} (${run.pipeline})` })),
    ...starting.map((entry) => ({
      pipeline: entry.pipeline,
      tables: tablesOf(config, entry.pipeline),
      who: `a run of ${entry.pipeline} that begins`,
      byDaemon: true,
    })),
  ];
  const begun = new Set(starting.map((entry) => entry.id));
  for (const entry of waiting) {
    if (begun.has(entry.id)) continue;
    if (config.pipelines[entry.pipeline] === undefined) {
      turns.push({ entry, act: 'end', reason: `there is no pipeline ${entry.pipeline} any more` });
      continue;
    }
    const tables = tablesOf(config, entry.pipeline);
    const same = busy.find((other) => other.pipeline === entry.pipeline);
    const sharing = busy.find((other) => share(tables, other.tables));
    const reason =
      same !== undefined
        ? `waits for ${same.who}`
        : sharing !== undefined
          ? `waits for ${sharing.who}, which has ${sharedName(tables, sharing.tables)}`
          : busy.filter((other) => other.byDaemon).length >= config.daemon.maxConcurrentRuns
            ? `waits for one of ${config.daemon.maxConcurrentRuns} runs to end (daemon: { maxConcurrentRuns })`
            : undefined;
    if (reason !== undefined) {
      turns.push({ entry, act: 'wait', reason });
      // Who waits for a table goes before those that came later.
      busy.push({ pipeline: entry.pipeline, tables, who: `a run of ${entry.pipeline} that waits itself`, byDaemon: false });
      continue;
    }
    turns.push({ entry, act: 'start' });
    busy.push({ pipeline: entry.pipeline, tables, who: `a run of ${entry.pipeline} that begins`, byDaemon: true });
  }
  return turns;
}

/** By name; undefined where a pattern names them, which only the source's catalog answers. */
export function tablesOf(config: Pick<Config, 'pipelines'>, pipeline: string): readonly string[] | undefined {
  const found = config.pipelines[pipeline];
  return found === undefined || found.tables.some((name) => name.includes('*')) ? undefined : found.tables;
}

/** Tables that are not known may be any. */
function share(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  if (a?.length === 0 || b?.length === 0) return false;
  return a === undefined || b === undefined || a.some((name) => b.includes(name));
}

function sharedName(a: readonly string[] | undefined, b: readonly string[] | undefined): string {
  const name = a?.find((each) => b?.includes(each) === true);
  return name === undefined ? 'tables that may be the same' : `table ${name}`;
}
