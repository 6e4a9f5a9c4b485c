import type { Ringing } from '../alarm.ts';
import type { Clock } from '../base/clock.ts';
import { countText } from '../base/count.ts';
import { showDuration } from '../base/duration.ts';
import { unreachable } from '../base/unreachable.ts';
import type { AlertsConfig, Config } from '../config.ts';
import type { Lease } from '../connector.ts';
import { EngineError, errorData, exitCodeOf } from '../error.ts';
import type { Queue, QueueEntry } from '../queue.ts';
import { runOf } from '../run.ts';
import type { LeaseHolder, Store } from '../store.ts';
import { decideAll, type Work } from './decide.ts';
import { isMarkOf, nextDue } from './due.ts';
import { entryText } from './entry-text.ts';
import { createWatch } from './incidents.ts';
import { leadership } from './leadership.ts';
import { ownResumes } from './own-resumes.ts';
import { resumeInterrupted, resumesBefore } from './resume.ts';
import { type LiveRun, tablesOf, takeTurns } from './startable.ts';
import type { Tell } from './tell.ts';

/** A run that the daemon has begun as a process of its own. */
export interface Child {
  readonly ended: Promise<{ readonly code: number | null; readonly said: string }>;
  /** SIGTERM: the run rolls back what it has at work and ends. */
  stop(): void;
  /** SIGKILL, for one that does not heed that. */
  kill(): void;
}

export interface DaemonParts {
  readonly store: Store;
  readonly queue: Queue;
  readonly clock: Clock;
  /** Who this daemon is, for the lease of the one that leads. */
  readonly self: LeaseHolder;
  /** The configuration in force; looked at again at each turn. */
  config(): Promise<Config>;
  start(entry: QueueEntry): Child;
  /** Opens the channels that alarms go to. */
  openRinging(alerts: AlertsConfig): Ringing;
  readonly tell: Tell;
  /** Told of runs that were found without their process; must not throw, and is not waited for. */
  interrupted?(runIds: readonly string[]): void;
  /** A turn went well: as the daemon that leads, or as one that follows. */
  turned?(leads: boolean): void;
  /** Aborted: no run is started any more, those at work may go on for a while. */
  readonly signal: AbortSignal;
}

const turnEveryMs = 1_000;
const askForLeadEveryMs = 2_000;
const sweepEveryMs = 5_000;
/** Without a time that is due, so that what was seen until when stays young. */
const decideEveryMs = 30_000;
const pruneEveryMs = 600_000;
/** So many runs are removed between two turns. */
const prunedAtOnce = 100;
/** A run is gone on with so often in a row, when another one kept it from a table each time. */
const mostRefusals = 20;
/** Between two tries to begin a run whose process ended before it had one. */
const againAfterMs: readonly number[] = [2_000, 10_000, 30_000];
/** The same where something outside could not be reached, which may be over after a while: for about half an hour. */
const againOutsideMs: readonly number[] = [...againAfterMs, 60_000, 120_000, ...Array.from({ length: 5 }, () => 300_000)];
/** For a child that was told to stop. */
const stopGraceMs = 20_000;
/** A process that has no run after so long stands still, or waits for something that does not answer. */
const beginWithinMs = 600_000;
/** How often a daemon that follows looks whether the one that leads fires the same times; said when two looks find the same. */
const compareEveryMs = 60_000;

interface Begun {
  readonly entry: QueueEntry;
  readonly child: Child;
  readonly sinceMs: number;
  /** Resolves when it has ended and what that means was written down. */
  readonly over: Promise<void>;
}

/** Leads or follows until the signal aborts; then waits for its runs, stops those that take too long, and has the next daemon go on with them. */
export async function runDaemon(parts: DaemonParts): Promise<void> {
  const { clock, signal, store, queue, tell } = parts;
  const begun = new Map<number, Begun>();
  const hurried = new WeakSet<Begun>();
  const givenUp = new Set<string>();
  const failures = new Map<number, { readonly times: number; readonly atMs: number; readonly pauseMs: number }>();
  let lead: Lease | undefined;
  let sweptMs = Number.NEGATIVE_INFINITY;
  let prunedMs = Number.NEGATIVE_INFINITY;
  let pruned = 0;
  /** For which configuration and when times were last decided about, and when there may be one again. */
  let decided: { readonly config: Config; readonly atMs: number; readonly againMs: number } | undefined;
  let told = '';
  let comparedMs = Number.NEGATIVE_INFINITY;
  let differs = '';
  let trouble = '';
  const watch = store.incidents === undefined ? undefined : createWatch({ ...parts, incidents: store.incidents });
  let greeted: number | undefined;

  const follow = async (): Promise<boolean> => {
    try {
      lead = await store.lease(leadership, parts.self);
      decided = undefined;
      tell('info', 'leads', { token: lead.token });
      told = '';
      return true;
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'lease.held') throw error;
      if (told !== error.message) tell('info', `follows: ${error.message}`);
      told = error.message;
      await compare();
      return false;
    }
  };

  /** Says it when the daemon that leads does not fire what this one would: theirs are two versions of pipelines.yaml, or two projects. */
  const compare = async (): Promise<void> => {
    if (!isOver(compareEveryMs, comparedMs, clock.now())) return;
    comparedMs = clock.now();
    const { pipelines } = await parts.config();
    const marks = await queue.marks();
    const found = Object.values(pipelines)
      .filter(({ name: of, schedules }) => schedules.length > 0 && !isMarkOf(marks.get(of), schedules))
      .map(({ name: of }) => of)
      .join(', ');
    if (found !== '' && found === differs)
      tell(
        'warn',
        `the daemon that leads goes by another pipelines.yaml: the schedules of ${found} are not the same there, or not there at all. Give both daemons one file, or each project a state schema of its own (state: { schema })`,
      );
    differs = found === differs ? '' : found;
  };

  const turn = async (): Promise<void> => {
    if (lead === undefined && !(await follow())) return;
    if (lead === undefined) return;
    await lead.check();
    if (greeted !== lead.token) await watch?.tookOver();
    greeted = lead.token;
    const config = await parts.config();
    if (isOver(sweepEveryMs, sweptMs, clock.now())) {
      await resumeInterrupted(parts, config, givenUp);
      sweptMs = clock.now();
    }
    const nowMs = clock.now();
    if (config !== decided?.config || nowMs >= decided.againMs || nowMs < decided.atMs) {
      await decideAll(parts, lead, config, await workOf(parts, config));
      decided = { config, atMs: nowMs, againMs: Math.min(nowMs + decideEveryMs, earliest(config, nowMs)) };
    }
    const waiting = await queue.waiting();
    const live = waiting.length === 0 ? [] : await liveRuns(store, config);
    // A process whose run has ended in the store, because it stands still or lost the store, holds nobody up: what it would still commit is refused.
    const starting = waiting.filter(({ id, pipeline }) => begun.has(id) && !live.some((run) => run.pipeline === pipeline));
    for (const { id } of starting) hurry(begun.get(id));
    for (const next of takeTurns(config, waiting, live, starting)) {
      switch (next.act) {
        case 'end':
          await lead.check();
          await queue.end(next.entry.id, 'cancelled', next.reason);
          tell('warn', `${entryText(next.entry)} is taken off the queue: ${next.reason}`);
          break;
        case 'wait':
          if (next.entry.reason !== next.reason) await queue.explain(next.entry.id, next.reason);
          break;
        case 'start':
          if (mayTryAgain(next.entry.id)) await begin(next.entry);
          break;
        default:
          unreachable(next);
      }
    }
    await prune(config);
    watch?.turn(lead, config);
  };

  const mayTryAgain = (id: number): boolean => {
    const failure = failures.get(id);
    return failure === undefined || isOver(failure.pauseMs, failure.atMs, clock.now());
  };

  /** Keeps the store bounded, a little between two turns. */
  const prune = async ({ state }: Config): Promise<void> => {
    if (state.type === 'memory' || !isOver(pruneEveryMs, prunedMs, clock.now())) return;
    prunedMs = clock.now();
    await store.incidents?.prune(clock.now() - state.retention.olderThanMs, prunedAtOnce);
    const removed = (await store.history?.prune(state.retention, clock.now(), prunedAtOnce)) ?? 0;
    pruned += removed;
    if (removed === prunedAtOnce) prunedMs = Number.NEGATIVE_INFINITY;
    else if (pruned > 0) {
      tell('info', `removed ${countText(pruned, 'run')} that ended more than ${showDuration(state.retention.olderThanMs)} ago`);
      pruned = 0;
    }
  };

  const begin = async (entry: QueueEntry): Promise<void> => {
    await lead?.check();
    tell('info', `starts ${entryText(entry)}`, { pipeline: entry.pipeline, queued: entry.id });
    const child = parts.start(entry);
    const over = child.ended.then(async ({ code, said }) => {
      await ended(entry, code, said).catch((error: unknown) => tell('warn', `${entryText(entry)}: ${errorData(error).message}`));
      begun.delete(entry.id);
    });
    begun.set(entry.id, { entry, child, sinceMs: clock.now(), over });
  };

  /** Ends a process that should have begun its run long ago; the entry is tried again. */
  const hurry = (it: Begun | undefined): void => {
    if (it === undefined) return;
    const ageMs = clock.now() - it.sinceMs;
    if (ageMs < beginWithinMs) return;
    if (ageMs >= beginWithinMs + stopGraceMs) it.child.kill();
    if (hurried.has(it)) return;
    hurried.add(it);
    tell('warn', `${entryText(it.entry)} has not begun within ${showDuration(beginWithinMs)}: its process is stopped`, {
      queued: it.entry.id,
    });
    it.child.stop();
  };

  /** A run's own end is in the store. What is told here is a process that ended without a run, and a run that was refused because another one has its table. */
  const ended = async (entry: QueueEntry, code: number | null, said: string): Promise<void> => {
    const now = await queue.entry(entry.id);
    tell(code === 0 ? 'info' : 'warn', `${entryText(entry)} ended with ${code ?? 'a signal'}`, {
      pipeline: entry.pipeline,
      queued: entry.id,
      ...(now?.runId === undefined ? {} : { runId: now.runId }),
    });
    if (now === undefined || now.state !== 'queued') {
      failures.delete(entry.id);
      if (now?.runId === undefined) return;
      if (code === 4) await again(now.runId, entry);
      else if (
        signal.aborted &&
        (await store.run(now.runId))?.state === 'cancelled' &&
        (await store.cancelRequestedBy(now.runId)) === undefined
      )
        await goOnLater(now.runId, entry);
      return;
    }
    if (signal.aborted) return;
    const times = (failures.get(entry.id)?.times ?? 0) + 1;
    const pauseMs = (code === exitCodeOf({ trouble: 'outside' }) ? againOutsideMs : againAfterMs)[times - 1];
    const why = said === '' ? `its process ended with ${code ?? 'a signal'}` : said;
    if (pauseMs === undefined) {
      failures.delete(entry.id);
      await queue.end(entry.id, 'failed', why);
      tell('error', `${entryText(entry)} could not begin: ${why}`);
      return;
    }
    failures.set(entry.id, { times, atMs: clock.now(), pauseMs });
    await queue.explain(entry.id, `could not begin, tried again in ${pauseMs / 1000} s: ${why}`);
  };

  /** A run of somebody else had a table just then: what could not be done is gone on with when that is over. */
  const again = async (runId: string, entry: QueueEntry): Promise<void> => {
    const run = runOf(await store.events(runId));
    const failed = run?.nodes.filter((node) => node.state === 'failed') ?? [];
    if (run?.state !== 'failed' || failed.some((node) => node.error?.code !== 'lease.held')) return;
    if ((await resumesBefore(store, runId)) >= mostRefusals) return;
    await queue.add({ pipeline: entry.pipeline, kind: 'resume', retryOf: runId, request: {}, askedBy: ownResumes.refused });
  };

  /** The next daemon does. Whatever ends this one (a machine that shuts down) may have stopped its runs as well. */
  const goOnLater = async (runId: string, { pipeline }: QueueEntry): Promise<void> => {
    await queue.add({ pipeline, kind: 'resume', retryOf: runId, request: {}, askedBy: ownResumes.stopped });
  };

  while (!signal.aborted) {
    try {
      await turn();
      trouble = '';
      parts.turned?.(lead !== undefined);
    } catch (error) {
      const lost = error instanceof EngineError && error.code === 'lease.lost';
      if (lost) {
        lead = undefined;
        tell('warn', 'leads no more: another daemon has taken over');
      } else {
        // The same thing each second is said once.
        const { message } = errorData(error);
        if (message !== trouble) tell('error', message);
        trouble = message;
      }
    }
    await clock.sleep(lead === undefined ? askForLeadEveryMs : untilTurn(clock.now(), decided?.againMs), signal).catch(() => undefined);
  }
  await shutDown();

  async function shutDown(): Promise<void> {
    const { daemon } = await parts.config();
    const all = (): Promise<unknown> => Promise.all([...begun.values()].map((b) => b.over));
    if (begun.size > 0) {
      tell('info', `stops: waits up to ${daemon.shutdownTimeoutMs / 1000} s for ${begun.size} runs`);
      if (!(await within(clock, daemon.shutdownTimeoutMs, all()))) {
        for (const { entry, child } of begun.values()) {
          const now = await queue.entry(entry.id).catch(() => undefined);
          if (now?.runId !== undefined) await goOnLater(now.runId, entry).catch((error: unknown) => tell('warn', errorData(error).message));
          child.stop();
        }
        await within(clock, stopGraceMs, all());
      }
    }
    if (watch !== undefined) await within(clock, stopGraceMs, watch.idle());
    await lead?.release().catch((error: unknown) => tell('warn', errorData(error).message));
  }
}

/** Whether so much time has gone by since then; it has as well once the clock was set back behind it, so that nothing waits for the old time to come round again. */
function isOver(ms: number, sinceMs: number, nowMs: number): boolean {
  return nowMs - sinceMs >= ms || nowMs < sinceMs;
}

/** Until the next time that is due, at most a second. */
function untilTurn(nowMs: number, dueMs = nowMs + turnEveryMs): number {
  return Math.max(1, Math.min(turnEveryMs, dueMs - nowMs));
}

/** The next time at which some pipeline is due. */
function earliest({ pipelines }: Config, nowMs: number): number {
  return Math.min(...Object.values(pipelines).map(({ schedules }) => nextDue(schedules, nowMs) ?? Number.POSITIVE_INFINITY));
}

async function within(clock: Clock, ms: number, work: Promise<unknown>): Promise<boolean> {
  const over = new AbortController();
  const done = await Promise.race([
    work.then(() => true),
    clock.sleep(ms, over.signal).then(
      () => false,
      () => true,
    ),
  ]);
  over.abort();
  return done;
}

/** In this order, so that a run that takes its entry meanwhile is in both, not in neither. */
async function workOf({ queue, store }: DaemonParts, config: Config): Promise<Work> {
  const waiting = await queue.waiting();
  return { waiting, live: await liveRuns(store, config) };
}

async function liveRuns(store: Store, config: Config): Promise<readonly LiveRun[]> {
  return (await store.runs({ states: ['running'] })).map((run) => ({
    runId: run.runId,
    pipeline: run.pipeline,
    tables: tablesOf(config, run.pipeline),
    byDaemon: run.trigger !== undefined && ['schedule', 'resume', 'api'].includes(run.trigger),
  }));
}
