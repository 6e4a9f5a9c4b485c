import type { Clock } from './base/clock.ts';
import type { JsonObject } from './base/json.ts';
import type { Config, Diagnostic } from './config.ts';
import type { Connection, NodeType, Prepared, SurveyContext } from './connector.ts';
import type { Reporter } from './reporter.ts';
import type { Store } from './store.ts';

/** One command of the CLI: the export `command` of `engine/commands/<name>.ts`. Help is made from these fields. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly description?: string;
  readonly arguments?: readonly ArgumentSpec[];
  readonly options?: readonly OptionSpec[];
  /** `engine run --pipeline users   # what it shows`. */
  readonly examples: readonly string[];
  /** Once told to stop it takes the time it needs; others are left behind after a grace. */
  readonly endsInItsOwnTime?: true;
  /** Returns the exit code; throws EngineError. */
  run(context: CommandContext, input: CommandInput): Promise<number>;
}

export interface ArgumentSpec {
  readonly name: string;
  readonly summary: string;
  readonly required: boolean;
  readonly variadic?: boolean;
}

export interface OptionSpec {
  /** As commander has it: `--pipeline <name>`, `--table <name...>`, `--dry-run`. */
  readonly flags: string;
  readonly summary: string;
  readonly required?: boolean;
  readonly default?: string;
}

export interface CommandInput {
  readonly arguments: readonly (string | readonly string[] | undefined)[];
  /** By camel-case name. */
  readonly options: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
}

/** What a command may use; opened on first use, closed by main. */
export interface CommandContext {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly reporter: Reporter;
  readonly json: boolean;
  /** `--yes` given. */
  readonly agreed: boolean;
  /** Aborted by SIGINT and SIGTERM; the reason is an EngineError of trouble `stopped`. */
  readonly signal: AbortSignal;
  readonly engine: string;
  /** The project's configuration; findings are shown and end the command with 2. */
  config(): Promise<Config>;
  /** The configuration with its findings, nothing shown. */
  loaded(): Promise<{ readonly config: Config | undefined; readonly diagnostics: readonly Diagnostic[]; readonly file: string }>;
  /** An open link by its name in the configuration (a source, a sink, `lake`, `dbt`), the same one each time. */
  connection(kind: 'source' | 'sink' | 'lake' | 'dbt', name: string): Promise<Connection>;
  /** Opens a link of that kind of system that no configuration names (`init --from`); `settings` as the connector's `open` has them, `root` the project's folder (where there is none: the current one). Closed with the others. */
  link(type: string, name: string, settings: JsonObject, root?: string): Promise<Connection>;
  /** Opens every configured link (cheap, see `Connector.open`) and answers for names and roles, as `SurveyContext.connection` has it. */
  roles(): Promise<SurveyContext['connection']>;
  nodeTypes(): Promise<ReadonlyMap<string, NodeType>>;
  /** Has every connector fetch ahead what is otherwise fetched on first use; without a project, what its defaults would need. */
  prepare(): Promise<readonly Prepared[]>;
  /** The state store, migrated. `peek`: only when its schema exists already (plan, status), else undefined; nothing is created. */
  store(): Promise<Store>;
  peekStore(): Promise<Store | undefined>;
  /** A second handle on the state store with sessions of its own, so that many questions do not keep others waiting; it gives up what takes longer than 12 s. Closed with the others. */
  storeApart(): Promise<Store>;
}
