import type { FireState } from '../engine/api-schedule.ts';
import type { QueueEntry } from '../engine/queue.ts';
import type { NodeState, RunState } from '../engine/run.ts';

/** Each state has a shape of its own, so that nothing is told by colour alone. */
export type Shape =
  | 'dot'
  | 'ring'
  | 'waiting-ring'
  | 'cross'
  | 'dash'
  | 'square'
  | 'broken-ring'
  | 'hollow'
  | 'bars'
  | 'diamond'
  | 'dots'
  | 'point'
  | 'clock'
  | 'arrows';
export type Tone = 'good' | 'live' | 'warn' | 'bad' | 'rest' | 'odd' | 'none';

/** What a state looks like, and the word beside it. */
export interface Look {
  readonly shape: Shape;
  readonly tone: Tone;
  readonly word: string;
}

export type ShownState =
  | NodeState
  | RunState
  | QueueEntry['state']
  | FireState
  | 'paused'
  | 'never'
  | 'late'
  | 'sent'
  | 'given-up'
  | 'clocks';

const looks: Readonly<Record<ShownState, Look>> = {
  succeeded: { shape: 'dot', tone: 'good', word: 'succeeded' },
  running: { shape: 'ring', tone: 'live', word: 'running' },
  retrying: { shape: 'waiting-ring', tone: 'warn', word: 'retrying' },
  failed: { shape: 'cross', tone: 'bad', word: 'failed' },
  skipped: { shape: 'dash', tone: 'rest', word: 'skipped' },
  cancelled: { shape: 'square', tone: 'rest', word: 'cancelled' },
  interrupted: { shape: 'broken-ring', tone: 'odd', word: 'interrupted' },
  queued: { shape: 'hollow', tone: 'none', word: 'queued' },
  started: { shape: 'dot', tone: 'rest', word: 'started' },
  paused: { shape: 'bars', tone: 'none', word: 'paused' },
  missed: { shape: 'diamond', tone: 'warn', word: 'missed' },
  undecided: { shape: 'dots', tone: 'warn', word: 'not decided' },
  ran: { shape: 'dot', tone: 'rest', word: 'ran' },
  next: { shape: 'point', tone: 'none', word: 'to come' },
  sent: { shape: 'dot', tone: 'good', word: 'sent' },
  'given-up': { shape: 'cross', tone: 'bad', word: 'given up' },
  late: { shape: 'clock', tone: 'warn', word: 'late' },
  clocks: { shape: 'arrows', tone: 'warn', word: 'clocks are set' },
  never: { shape: 'hollow', tone: 'none', word: 'never ran' },
};

/** The look of a state; one that this page does not know yet is shown by its name. */
export function lookOf(state: string): Look {
  return Object.hasOwn(looks, state) ? looks[state as ShownState] : { shape: 'hollow', tone: 'none', word: state };
}

/** The look of what dbt says of a model or test. */
export function dbtLook(status: string): Look {
  switch (status) {
    case 'success':
    case 'pass':
      return { ...looks.succeeded, word: status };
    case 'error':
    case 'fail':
    case 'partial success':
      return { ...looks.failed, word: status };
    case 'warn':
      return { ...looks.retrying, word: status };
    case 'skipped':
    case 'no-op':
      return { ...looks.skipped, word: status };
    default:
      return { shape: 'hollow', tone: 'none', word: status };
  }
}

/** True while more is to come. */
export function isLive(state: string): boolean {
  return state === 'running' || state === 'retrying' || state === 'queued';
}
