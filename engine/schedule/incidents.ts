import { monotonicFactory } from 'ulid';
import type { Ringing } from '../alarm.ts';
import type { Clock } from '../base/clock.ts';
import { durationText } from '../base/duration.ts';
import type { AlertsConfig, Config } from '../config.ts';
import type { Lease } from '../connector.ts';
import { EngineError, errorData } from '../error.ts';
import type { Incident, Incidents } from '../incidents.ts';
import type { Problem } from '../problem.ts';
import type { ScheduleMark } from '../queue.ts';
import type { Store } from '../store.ts';
import { createCourier } from './courier.ts';
import { schedulesIn } from './due.ts';
import { readProblemFacts } from './problem-facts.ts';
import { type ProblemFacts, problemsOf } from './problems.ts';
import type { Tell } from './tell.ts';

export interface WatchParts {
  readonly store: Store;
  readonly incidents: Incidents;
  readonly clock: Clock;
  /** Opens the channels of a configuration. */
  openRinging(alerts: AlertsConfig): Ringing;
  readonly tell: Tell;
}

/** What the leader does about problems, beside its turns. */
export interface Watch {
  /** Once, when a daemon has begun to lead and before it looks at any schedule: says for how long none was there. */
  tookOver(): Promise<void>;
  /** After each turn that went well: looks for problems, sends alarms and signs of life when it is time to. Returns at once, never throws. */
  turn(lead: Lease, config: Config): void;
  /** Resolves when nothing of it is at work. */
  idle(): Promise<void>;
}

/** A problem that two looks in a row have found is an incident; it is over with the first look that does not find it. */
export const lookEveryMs = 5_000;
/** A leader writes down at least each minute that it has looked at the schedules; a lead is handed over within 15 s. */
const silentAfterMs = 120_000;

/** Opens and closes incidents, each once, whichever daemon leads, and has them told. */
export function createWatch(parts: WatchParts): Watch {
  const { store, incidents, clock, tell } = parts;
  const courier = createCourier({ incidents, clock, tell });
  /** Rises within a look: the worst is told first. */
  const newId = monotonicFactory();
  let ringing: { readonly of: AlertsConfig; readonly it: Ringing } | undefined;
  let seen: ReadonlySet<string> = new Set();
  let known: { readonly stamp: string; readonly facts: ProblemFacts } | undefined;
  let leadToken: number | undefined;
  let lookedMs = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | undefined;
  let silence: { readonly fromMs: number; readonly untilMs: number } | undefined;
  let trouble = '';

  const ringingOf = (alerts: AlertsConfig): Ringing => {
    if (ringing?.of !== alerts) ringing = { of: alerts, it: parts.openRinging(alerts) };
    return ringing.it;
  };

  /** Read again when something has changed; otherwise only the time has. */
  const factsNow = async (config: Config): Promise<ProblemFacts> => {
    const stamp = await store.history?.stamp();
    if (stamp === undefined || known?.stamp !== stamp || known.facts.config !== config)
      known = { stamp: stamp ?? '', facts: { ...(await readProblemFacts(store, config, clock.now())), leads: true } };
    return { ...known.facts, nowMs: clock.now() };
  };

  const look = async (lead: Lease, config: Config): Promise<void> => {
    if (lead.token !== leadToken) seen = new Set();
    leadToken = lead.token;
    const facts = await factsNow(config);
    const at = new Date(facts.nowMs).toISOString();
    const problems = problemsOf(facts);
    const open = await incidents.open();
    const keys = new Set(problems.map(({ key }) => key));
    const closed = open.filter(({ problem }) => !keys.has(problem.key));
    const opened = problems.filter(({ key }) => seen.has(key) && !open.some(({ problem }) => problem.key === key));
    const gone = silence === undefined ? undefined : silent(facts, silence);
    seen = keys;
    if (opened.length > 0 || closed.length > 0 || gone !== undefined)
      await incidents.record(lead, {
        at,
        opened: [
          ...(gone === undefined ? [] : [{ id: `silent-${gone.since}`, problem: gone, channels: channelsOf(facts, gone), over: true }]),
          ...opened.map((problem) => ({ id: newId(facts.nowMs), problem, channels: channelsOf(facts, problem), over: false })),
        ],
        closed: closed.map(({ id }) => id),
      });
    silence = undefined;
    if (gone !== undefined) tell('warn', gone.text);
    for (const problem of opened) tell('warn', `needs attention: ${said(problem)}`, fieldsOf(problem));
    for (const incident of closed) tell('info', overText(incident, facts.nowMs), fieldsOf(incident.problem));
  };

  return {
    async tookOver() {
      // Of a pipeline without a schedule nobody writes down that it was looked at.
      const marks = [...((await store.queue?.marks()) ?? new Map<string, ScheduleMark>()).values()].filter(
        (mark) => schedulesIn(mark).length > 0,
      );
      const fromMs = Math.max(...marks.map((mark) => mark.seenUntilMs));
      const untilMs = clock.now();
      if (marks.length > 0 && untilMs - fromMs >= silentAfterMs) silence = { fromMs, untilMs };
    },
    turn(lead, config) {
      const bells = ringingOf(config.alerts);
      courier.beat(bells, config.alerts.heartbeat?.everyMs);
      if (looking !== undefined || Math.abs(clock.now() - lookedMs) < lookEveryMs) return;
      lookedMs = clock.now();
      looking = look(lead, config)
        .then(() => courier.send(lead, bells))
        .then(
          () => {
            trouble = '';
          },
          (error: unknown) => {
            // The daemon finds out by itself that it leads no more.
            if (error instanceof EngineError && error.code === 'lease.lost') return;
            const { message } = errorData(error);
            if (message !== trouble) tell('warn', `looking for problems: ${message}`);
            trouble = message;
          },
        )
        .finally(() => {
          looking = undefined;
        });
    },
    async idle() {
      await looking;
      await courier.idle();
    },
  };
}

/** Nobody could say so then: the daemon that comes next does. */
function silent(facts: ProblemFacts, { fromMs, untilMs }: { readonly fromMs: number; readonly untilMs: number }): Problem | undefined {
  const found = problemsOf({ ...facts, leads: false, ledUntilMs: fromMs }).find(({ kind }) => kind === 'silent');
  return found === undefined
    ? undefined
    : {
        ...found,
        text: `no daemon was there for ${durationText(untilMs - fromMs)}: no schedule fired`,
        hint: 'The log of the daemon before says why it ended; engine why PIPELINE shows what was left out.',
      };
}

/** The channels of the pipeline; of all pipelines that have the table; all of them. */
function channelsOf({ config, tablesOf: known }: ProblemFacts, problem: Problem): readonly string[] {
  const { channels } = config.alerts;
  const has = (name: string): boolean => problem.table !== undefined && known.get(name)?.includes(problem.table) === true;
  const named =
    problem.pipeline === undefined && problem.table === undefined
      ? Object.keys(channels)
      : Object.values(config.pipelines)
          .filter(({ name }) => name === problem.pipeline || has(name))
          .flatMap(({ alerts }) => alerts.to);
  return [...new Set(named)].filter((name) => Object.hasOwn(channels, name));
}

function said({ kind, pipeline, table, text }: Problem): string {
  const subject = pipeline ?? (table === undefined ? undefined : `table ${table}`);
  return `${kind}: ${subject === undefined ? '' : `${subject}: `}${text}`;
}

function overText({ problem }: Incident, nowMs: number): string {
  return `over after ${durationText(Math.max(0, nowMs - Date.parse(problem.since)))}: ${said(problem)}`;
}

function fieldsOf({ kind, pipeline, table, runId }: Problem): Readonly<Record<string, string>> {
  return {
    problem: kind,
    ...(pipeline === undefined ? {} : { pipeline }),
    ...(table === undefined ? {} : { table }),
    ...(runId === undefined ? {} : { runId }),
  };
}
