import type { Problem } from './problem.ts';

/** What is told about an incident: that there is one, that it is over, or nothing but that the channel works. */
export interface Alarm {
  readonly event: 'opened' | 'closed' | 'test';
  /** Of the incident: who gets the same alarm twice knows it by this and the event. */
  readonly incident: string;
  readonly problem: Problem;
  /** When the incident was opened, was over, or the test was asked for. */
  readonly at: string;
}

/** Who sends it. */
export interface Sender {
  /** The version of the engine. */
  readonly version: string;
  /** The name of the project's folder. */
  readonly project: string;
  readonly host: string;
}

/** One place that alarms go to. */
export interface Channel {
  readonly name: string;
  /** So many alarms make one message at the most. */
  readonly atOnce: number;
  /** Sends one message, once: returns when it was taken, throws EngineError (`alarm.*`) when it was not, or when that is not known. Ends within 15 s; texts of errors hold no secret. */
  send(alarms: readonly Alarm[]): Promise<void>;
}

/** What the daemon needs of the world outside to ring. */
export interface Ringing {
  /** The channels that something can be sent to, by name. */
  channels(): ReadonlyMap<string, Channel>;
  /** Asks the URL that waits for a sign of life; throws as `Channel.send` does. */
  beat(): Promise<void>;
}
