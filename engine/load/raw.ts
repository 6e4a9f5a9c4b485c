import type { LogLevel } from '../event.ts';

/** `pipelines.yaml` as it is written, once the schema has been checked and what was wrong has been taken out: everything may be absent. Items of lists that were wrong read as undefined. */
export interface RawConfig {
  readonly sources?: Block<RawSource>;
  readonly lake?: RawLake;
  readonly sinks?: Block<RawSink>;
  readonly state?:
    | 'memory'
    | {
        readonly url?: string;
        readonly sink?: string;
        readonly schema?: string;
        readonly retention?: { readonly olderThan?: string; readonly keepRuns?: number };
      };
  readonly dbt?: { readonly project?: string; readonly sink?: string; readonly command?: string };
  readonly extract?: {
    readonly memory?: string;
    readonly threads?: number;
    readonly connections?: number;
    readonly extensionFolder?: string;
  };
  readonly masking?: { readonly salt?: string };
  readonly alerts?: { readonly channels?: Block<RawChannel>; readonly heartbeat?: { readonly url?: string; readonly every?: string } };
  readonly daemon?: {
    readonly maxConcurrentRuns?: number;
    readonly shutdownTimeout?: string;
    readonly log?: 'text' | 'json';
    readonly logLevel?: LogLevel;
    readonly listen?: string;
    readonly hosts?: readonly string[];
    readonly requireToken?: boolean;
    readonly tls?: { readonly cert?: string; readonly key?: string };
    readonly links?: Block<string | undefined>;
  };
  readonly defaults?: RawTable & RawPipeline;
  readonly tables?: Block<RawTable | null> | null;
  readonly pipelines?: Block<RawPipeline>;
}

export type Block<T> = Readonly<Record<string, T>>;
export type List<T> = readonly (T | undefined)[];

export interface RawLake {
  readonly type?: 'file' | 's3';
  readonly path?: string;
  readonly bucket?: string;
  readonly prefix?: string;
  readonly region?: string;
  readonly endpoint?: string;
  readonly forcePathStyle?: boolean;
  readonly checksums?: 'when_supported' | 'when_required';
  readonly caFile?: string;
}

export interface RawSource {
  readonly url?: string;
}

export interface RawSink {
  readonly url?: string;
  readonly schema?: string;
}

export interface RawTable {
  readonly source?: string;
  readonly table?: string;
  readonly key?: string | List<string> | null;
  readonly cursor?: string | null;
  readonly cursorTimezone?: string | null;
  readonly lookback?: string | null;
  readonly maxHold?: string;
  readonly nullCursor?: 'include' | 'ignore' | 'error';
  readonly columns?: RawColumns;
  readonly where?: string | null;
  readonly lake?: RawTableLake;
  readonly sink?: string;
  readonly into?: string;
  readonly load?: 'merge' | 'append';
}

export interface RawColumns {
  readonly include?: List<string>;
  readonly exclude?: List<string>;
  readonly rename?: Block<string>;
  readonly types?: Block<'string'>;
  /** YAML's `null` is a kind too. `plain`: none, whatever `defaults` say. */
  readonly mask?: Block<'hash' | 'redact' | 'null' | 'plain' | null>;
}

export interface RawTableLake {
  readonly compression?: 'zstd' | 'snappy' | 'gzip' | 'none';
  readonly targetFileSize?: string;
}

export interface RawPipeline {
  readonly mode?: 'full' | 'incremental';
  readonly tables?: List<string>;
  readonly exclude?: List<string>;
  readonly dbt?: string | List<string>;
  readonly schedule?: RawSchedule | null;
  readonly schedules?: List<RawSchedule>;
  readonly overlap?: 'skip' | 'queue';
  readonly catchup?: RawCatchup;
  readonly resume?: boolean;
  readonly paused?: boolean;
  readonly retries?: RawRetries;
  readonly timeout?: string | null;
  readonly concurrency?: number;
  readonly tags?: List<string>;
  readonly alerts?: RawPipelineAlerts;
}

export interface RawPipelineAlerts {
  readonly lateAfter?: string | null;
  readonly freshness?: string | null;
  readonly heldFor?: string | null;
  readonly to?: List<string>;
}

export interface RawChannel {
  readonly type?: 'webhook' | 'slack' | 'email';
  readonly url?: string;
  readonly headers?: Block<string>;
  readonly smtp?: string;
  readonly from?: string;
  readonly to?: string | List<string>;
}

export type RawSchedule =
  | string
  | {
      readonly cron?: string;
      readonly timezone?: string;
      readonly dst?: { readonly gap?: 'after' | 'skip'; readonly fold?: 'once' | 'twice' };
    };

export type RawCatchup = 'none' | 'latest' | { readonly window?: string; readonly max?: number };

export interface RawRetries {
  readonly attempts?: number;
  readonly delay?: string;
  readonly factor?: number;
  readonly maxDelay?: string;
}
