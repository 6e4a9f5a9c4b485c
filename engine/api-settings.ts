import type { Leadership } from './api.ts';
import type { Diagnostic } from './config.ts';
import type { Incident } from './incidents.ts';

/** Bodies of the answers about what is in force, whether all of it can be reached, and what rang. Times are ISO 8601 UTC; what is unknown is left out. None of them holds a secret. */

/** `GET /settings`. */
export interface SettingsPage {
  readonly at: string;
  readonly engine: string;
  readonly daemon: Leadership;
  readonly config: {
    readonly file: string;
    /** Since when what is in force is in force. */
    readonly takenAt: string;
    /** The file was changed since then, and is not taken. */
    readonly refused: ConfigRefusal | undefined;
  };
  readonly state: {
    readonly type: 'postgres' | 'sink' | 'memory';
    readonly place: string;
    readonly schema: string | undefined;
    readonly bytes: number | undefined;
    readonly retention: { readonly olderThanMs: number; readonly keepRuns: number } | undefined;
  };
  readonly sources: readonly PlaceView[];
  readonly lake: PlaceView;
  readonly sinks: readonly (PlaceView & { readonly schema: string })[];
  readonly dbt: { readonly project: string; readonly sink: string; readonly command: string | undefined } | undefined;
  readonly channels: readonly ChannelView[];
  readonly heartbeat: { readonly everyMs: number } | undefined;
  readonly tokens: readonly TokenView[];
  readonly access: {
    /** As they were when the daemon started. */
    readonly listen: string;
    readonly tls: boolean;
    readonly requireToken: boolean;
    readonly hosts: readonly string[];
  };
  readonly limits: { readonly maxConcurrentRuns: number; readonly shutdownTimeoutMs: number };
}

export interface ConfigRefusal {
  readonly at: string;
  readonly why: string;
}

/** A connection: host, port and database, a folder, or a bucket. */
export interface PlaceView {
  readonly name: string;
  readonly type: string;
  readonly place: string;
}

export interface ChannelView {
  readonly name: string;
  readonly type: 'webhook' | 'slack' | 'email' | undefined;
  /** Its URL is `off`: nothing is sent there. */
  readonly off: boolean;
  /** Pipelines that ring there. */
  readonly pipelines: readonly string[];
}

export interface TokenView {
  readonly name: string;
  readonly createdAt: string;
  readonly usedAt: string | undefined;
}

/** `GET /config`: the file as it is now, and what is wrong in it. */
export interface ConfigPage {
  readonly at: string;
  readonly file: string;
  /** Whether it is what is in force; the `.env` beside it counts too. */
  readonly inForce: boolean;
  readonly takenAt: string;
  readonly refused: ConfigRefusal | undefined;
  /** Without secrets; the first few thousand. */
  readonly lines: readonly string[];
  /** Whose line is one of `lines`; `column` and `length` are of that line as it is shown. */
  readonly findings: readonly ConfigFinding[];
  /** Why it cannot be read. */
  readonly unreadable: string | undefined;
}

export interface ConfigFinding extends Pick<Diagnostic, 'severity' | 'code' | 'message' | 'hint' | 'line'> {
  /** `pipelines.yaml`, or `.env`, whose lines are not shown. */
  readonly file: string;
  /** Undefined where what it points to is not shown. */
  readonly column: number | undefined;
  readonly length: number | undefined;
}

/** `GET /doctor`, `POST /doctor`: what a look at everything found. */
export interface DoctorPage {
  /** The newest look of this daemon; undefined before the first. */
  readonly last: DoctorLook | undefined;
  readonly runningSince: string | undefined;
}

export interface DoctorLook {
  readonly at: string;
  readonly by: string;
  readonly tookMs: number;
  readonly checks: readonly DoctorCheck[];
}

/** One thing that was looked at, as part of what: `source production`, `lake`. */
export interface DoctorCheck {
  readonly part: string;
  readonly subject: string;
  readonly outcome: 'ok' | 'warn' | 'fail';
  readonly message: string;
  readonly hint?: string;
}

/** `GET /incidents?limit=&before=`, the newest first. `next`: give it as `before`. */
export interface IncidentsPage {
  readonly incidents: readonly Incident[];
  readonly next: string | undefined;
}
