import type { LogLevel } from './base/log-level.ts';

/** What `pipelines.yaml` says, after environment, defaults and checks: plain readonly data, everything named, durations in ms, sizes in bytes. */

export interface Config {
  /** Absolute path of pipelines.yaml. */
  readonly file: string;
  /** Absolute path of the project: the folder of pipelines.yaml. */
  readonly root: string;
  readonly sources: Readonly<Record<string, SourceConfig>>;
  readonly lake: LakeConfig;
  readonly sinks: Readonly<Record<string, SinkConfig>>;
  readonly state: StateConfig;
  readonly dbt: DbtConfig | undefined;
  readonly extract: ExtractConfig;
  readonly masking: MaskingConfig;
  readonly daemon: DaemonConfig;
  readonly alerts: AlertsConfig;
  /** What is declared under `tables:`, by its name there. */
  readonly tables: Readonly<Record<string, TableConfig>>;
  /** Settings of tables that only a wildcard names. `source` and `sink` are undefined where `defaults:` has none and there is more than one. */
  readonly tableDefaults: Omit<TableConfig, 'name' | 'relation' | 'into' | 'source' | 'sink'> & {
    readonly source: string | undefined;
    readonly sink: string | undefined;
  };
  readonly pipelines: Readonly<Record<string, PipelineConfig>>;
}

/** `url` may be `embedded`, or a Postgres URL with the password inside: never print it. */
export interface SourceConfig {
  readonly name: string;
  readonly type: 'postgres';
  readonly url: string;
}

export interface SinkConfig {
  readonly name: string;
  readonly type: 'postgres';
  readonly url: string;
  /** The schema of staging tables. */
  readonly schema: string;
}

export type LakeConfig = FileLakeConfig | S3LakeConfig;

export interface FileLakeConfig {
  readonly type: 'file';
  /** Absolute path. */
  readonly path: string;
}

/** undefined: what the AWS SDK takes by itself. Credentials are none of it. */
export interface S3LakeConfig {
  readonly type: 's3';
  readonly bucket: string;
  /** Without slashes at its ends; empty: the whole bucket. */
  readonly prefix: string;
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
  readonly forcePathStyle: boolean | undefined;
  readonly checksums: 'when_supported' | 'when_required';
  /** Absolute path. */
  readonly caFile: string | undefined;
}

/** Where runs and schedules are kept; `sink` names a sink whose database is used. */
export type StateConfig =
  | { readonly type: 'sink'; readonly sink: string; readonly schema: string; readonly retention: RetentionConfig }
  | { readonly type: 'postgres'; readonly url: string; readonly schema: string; readonly retention: RetentionConfig }
  | { readonly type: 'memory' };

/** What is kept of runs: everything younger than `olderThanMs`, and of each pipeline the newest `keepRuns` whatever their age. */
export interface RetentionConfig {
  readonly olderThanMs: number;
  readonly keepRuns: number;
}

export interface DbtConfig {
  /** Absolute path of the dbt project. */
  readonly project: string;
  /** Name of the sink that its profile is made from. */
  readonly sink: string;
  /** The dbt executable of people who have their own; undefined: the engine's own environment. */
  readonly command: string | undefined;
}

export interface ExtractConfig {
  /** Memory given to DuckDB, in bytes. */
  readonly memoryBytes: number;
  /** Threads given to DuckDB. */
  readonly threads: number;
  /** Ranges of one table that are read at once, each on a connection of its own. */
  readonly connections: number;
  /** Folder with `postgres_scanner.duckdb_extension`, absolute; undefined: the other places are looked at. */
  readonly extensionFolder: string | undefined;
}

/** What `engine daemon` may do. */
export interface DaemonConfig {
  /** Runs that it has at work at the same time. */
  readonly maxConcurrentRuns: number;
  /** How long its runs may go on once it is told to stop. */
  readonly shutdownTimeoutMs: number;
  /** How its own log is written without `--json`: lines for a person, or one JSON document each. */
  readonly log: 'text' | 'json';
  readonly logLevel: LogLevel;
  /** Where the page and the API answer; undefined: nowhere. */
  readonly listen: ListenAddress | undefined;
  /** Names by which it may be called beside those of this machine's loopback and `listen`. */
  readonly hosts: readonly string[];
  /** Of callers on this machine too. */
  readonly requireToken: boolean;
  /** Absolute paths of PEM files; undefined: plain HTTP. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  /** Pages of other programs about a run, in order; `{runId}` and other fields stand in the URL (engine/base/link.ts). */
  readonly links: readonly { readonly name: string; readonly url: string }[];
}

/** `host` is an IP address (IPv6 without brackets) or a name; port 0 takes a free one. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Where alarms go. URLs and headers are secrets: never print them. */
export interface AlertsConfig {
  readonly channels: Readonly<Record<string, ChannelConfig>>;
  /** Names of channels that nothing is sent to (`url: off`). */
  readonly off: readonly string[];
  readonly heartbeat: { readonly url: string; readonly everyMs: number } | undefined;
}

export type ChannelConfig = WebhookChannelConfig | SlackChannelConfig | EmailChannelConfig;

export interface WebhookChannelConfig {
  readonly type: 'webhook';
  readonly name: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface SlackChannelConfig {
  readonly type: 'slack';
  readonly name: string;
  readonly url: string;
}

export interface EmailChannelConfig {
  readonly type: 'email';
  readonly name: string;
  /** `smtp://` or `smtps://`, with user and password inside. */
  readonly smtp: string;
  readonly from: string;
  readonly to: readonly string[];
}

/** A schema-qualified name, unquoted, as Postgres stores it. */
export interface Relation {
  readonly schema: string;
  readonly name: string;
}

export interface TableConfig {
  /** Its name in `tables:`; a lake folder and a node are named after it. */
  readonly name: string;
  readonly source: string;
  readonly relation: Relation;
  /** undefined: the source's primary key. */
  readonly key: readonly string[] | undefined;
  readonly cursor: string | undefined;
  /** IANA zone of the writers of a `timestamp` cursor without time zone. */
  readonly cursorTimezone: string | undefined;
  /** undefined: 10 s, or 10 m on a standby. */
  readonly lookbackMs: number | undefined;
  /** The lookback of an integer cursor, written in units; undefined: none, or one in time. */
  readonly lookbackUnits: number | undefined;
  readonly maxHoldMs: number;
  readonly nullCursor: 'include' | 'ignore' | 'error';
  readonly columns: ColumnsConfig;
  /** A condition in the source's SQL. */
  readonly where: string | undefined;
  readonly lake: TableLakeConfig;
  readonly sink: string;
  /** Its table in the sink. */
  readonly into: Relation;
  readonly load: 'merge' | 'append';
}

export interface ColumnsConfig {
  /** undefined: all. */
  readonly include: readonly string[] | undefined;
  readonly exclude: readonly string[];
  /** Source name -> name in the lake and in staging. */
  readonly rename: Readonly<Record<string, string>>;
  /** Source name -> the lake type to use instead (`string`: Postgres's own text). */
  readonly types: Readonly<Record<string, 'string'>>;
  /** Source name -> what is taken in place of its values, in the source's own SELECT. */
  readonly mask: Readonly<Record<string, MaskKind>>;
}

/** `hash`: the keyed hash of the value's text; `redact`: `***`; `null`: NULL. NULL stays NULL in all. */
export type MaskKind = 'hash' | 'redact' | 'null';

/** `salt` is a secret: never print it. undefined where no column is hashed. */
export interface MaskingConfig {
  readonly salt: string | undefined;
}

export interface TableLakeConfig {
  readonly compression: 'zstd' | 'snappy' | 'gzip' | 'none';
  readonly targetFileSizeBytes: number;
}

export interface PipelineConfig {
  readonly name: string;
  readonly mode: 'full' | 'incremental';
  /** Names in `tables:`, or patterns `schema.name` with `*`, which a source's catalog answers. */
  readonly tables: readonly string[];
  /** Names or patterns to leave out of patterns. */
  readonly exclude: readonly string[];
  /** dbt selectors; empty: no dbt node. */
  readonly dbt: readonly string[];
  readonly schedules: readonly ScheduleConfig[];
  /** A time that comes while the pipeline is still at work: left out, or run after it. */
  readonly overlap: 'skip' | 'queue';
  readonly catchup: CatchupConfig;
  /** A run whose process died is gone on with by the daemon. */
  readonly resume: boolean;
  /** No schedule of it fires. */
  readonly paused: boolean;
  readonly retries: RetryConfig;
  /** One attempt of one node may take so long. */
  readonly timeoutMs: number | undefined;
  /** Tables at work at the same time. */
  readonly concurrency: number;
  readonly tags: readonly string[];
  readonly alerts: PipelineAlertsConfig;
}

/** When a pipeline, or a table of it, needs attention. undefined: never for that reason. */
export interface PipelineAlertsConfig {
  /** A run may be at work, from when it was due or begun, for so long. */
  readonly lateAfterMs: number | undefined;
  /** What staging holds of each table may be so old. */
  readonly freshnessMs: number | undefined;
  /** The fence may be held back for so long; `maxHold`: for as long as the table's own key of that name says. */
  readonly heldForMs: number | 'maxHold' | undefined;
  /** Names of channels. */
  readonly to: readonly string[];
}

export interface ScheduleConfig {
  /** Five fields, cron(8). */
  readonly cron: string;
  /** IANA zone. */
  readonly timezone: string;
  readonly dst: DstConfig;
}

/** What becomes of a fixed time on a day when clocks are set: one that is left out, and one that comes twice. */
export interface DstConfig {
  readonly gap: 'after' | 'skip';
  readonly fold: 'once' | 'twice';
}

/** Which of the times that were missed are made up for: none, the newest one, or the newest `max` of the last `windowMs`. */
export type CatchupConfig = 'none' | 'latest' | { readonly windowMs: number; readonly max: number };

/** `attempts` counts the first one too. */
export interface RetryConfig {
  readonly attempts: number;
  readonly delayMs: number;
  readonly factor: number;
  readonly maxDelayMs: number;
}

/** A finding: the user's file is wrong. Lines and columns start at 1; `line` is the text of that line. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning';
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** How many characters the `~~~` is long. */
  readonly length: number;
  readonly text: string;
}
