import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { Lake } from '../../lake/lake.ts';
import type { Access } from '../access.ts';
import type { ConfigPage, DoctorCheck } from '../api-settings.ts';
import type { Clock } from '../base/clock.ts';
import type { Config, ListenAddress } from '../config.ts';
import type { Connection } from '../connector.ts';
import type { History } from '../history.ts';
import type { Plan } from '../plan.ts';
import type { Problem } from '../problem.ts';
import type { Queue } from '../queue.ts';
import type { KnownHistories } from '../schedule/problem-facts.ts';
import type { LeaseHolder, Store } from '../store.ts';

/** What a plan is asked for. */
export interface PlanWish {
  readonly pipeline: string;
  readonly tables?: readonly string[];
  readonly fullRefresh?: boolean;
}

/** What is known of the file that the configuration comes from, and what is done apart. */
export interface SettingsParts {
  /** Since when what is in force is in force, and what became of a newer file. */
  standing(): Pick<ConfigPage, 'takenAt' | 'refused'>;
  /** The file as it is now, without secrets. */
  file(): Promise<Pick<ConfigPage, 'file' | 'inForce' | 'lines' | 'findings' | 'unreadable'>>;
  /** Looks at everything that the configuration in force names. */
  doctor(): Promise<readonly DoctorCheck[]>;
  /** Sends a message that says that it is a test; throws as `Channel.send` does. */
  testChannel(config: Config, channel: string): Promise<void>;
}

/** What the server is put together from. */
export interface ServerParts {
  /** Its own handle: what is asked here must not keep the daemon from its work. */
  readonly store: Store;
  readonly queue: Queue;
  readonly history: History;
  readonly access: Access;
  readonly clock: Clock;
  readonly engine: string;
  /** The daemon that answers. */
  readonly self: LeaseHolder & { readonly since: string };
  /** The configuration in force. */
  config(): Promise<Config>;
  /** What the configuration in force was read from, with its secrets, and whether the file is another one now. */
  configText(): { readonly yaml: string; readonly newer: boolean };
  /** By the configuration in force; ends when the signal aborts. */
  plan(wish: PlanWish, signal: AbortSignal): Promise<Plan>;
  lake(config: Config): Promise<Lake>;
  /** An open link to a source or a sink of that configuration, by its name there; the same one as long as its settings are the same. */
  link(config: Config, kind: 'source' | 'sink', name: string): Promise<Connection>;
  /** What needs attention, by that configuration; what is `known` of pipelines and tables is not read again. */
  problems(config: Config, known?: KnownHistories): Promise<readonly Problem[]>;
  readonly settings: SettingsParts;
  /** Requests go to it as `debug`. */
  readonly log: FastifyBaseLogger;
  /** One line about what happened, for people and programs. */
  tell(level: 'info' | 'warn' | 'error', text: string): void;
  /** Absolute path of the built page. */
  readonly uiFolder: string;
  readonly listen: ListenAddress;
  /** Names under which it may be called beside loopback and `listen`. */
  readonly hosts: readonly string[];
  /** Whether its runs are traced, so that they have a trace to name. */
  readonly traced: boolean;
  /** Of callers on this machine too. */
  readonly requireToken: boolean;
  /** PEM texts. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  /** Further routes, outside `/api`. */
  readonly routes: readonly Routes[];
}

/** Adds routes to the server. A route with `config: { open: true }` is for everybody who reaches it; all others ask for a token unless the caller is on this machine. */
export type Routes = (app: FastifyInstance, parts: ServerParts) => void;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** For everybody, without a token. */
    open?: true;
    /** To answer is work: not for links that pages of others have. */
    works?: true;
  }
  interface FastifyRequest {
    /** The name of a token, or `local`; undefined: not known. */
    caller: string | undefined;
  }
}
