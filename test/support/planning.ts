import type { JsonObject } from '../../engine/base/json.ts';
import type { CommandContext } from '../../engine/command.ts';
import type { Config, Diagnostic } from '../../engine/config.ts';
import type { CatalogTable, Connection, NodeType, Roles } from '../../engine/connector.ts';
import { EngineError, type ErrorData } from '../../engine/error.ts';
import type { NodePlan, Plan } from '../../engine/plan.ts';

/** What a command showed, in order of kind. */
export interface Shown {
  readonly plans: Plan[];
  readonly documents: object[];
  readonly texts: string[];
  readonly notes: string[];
  readonly errors: ErrorData[];
  readonly diagnostics: Diagnostic[];
}

export interface FakeParts {
  readonly config: Config;
  readonly types?: readonly NodeType[];
  readonly catalog?: readonly CatalogTable[];
  readonly connections?: Readonly<Record<string, Partial<Connection>>>;
  readonly json?: boolean;
  readonly agreed?: boolean;
  readonly cwd?: string;
}

/** A command's context without a process or a server: `shown` keeps what goes to the reporter; links are `connections`, or a source with `catalog`. */
export function fakeContext(parts: FakeParts): { readonly context: CommandContext; readonly shown: Shown } {
  const shown: Shown = { plans: [], documents: [], texts: [], notes: [], errors: [], diagnostics: [] };
  const connectionOf = (kind: string, name: string): Connection => ({
    name,
    type: 'postgres',
    source: { catalog: async () => parts.catalog ?? [] },
    close: async () => undefined,
    ...parts.connections?.[`${kind} ${name}`],
  });
  const context: CommandContext = {
    cwd: parts.cwd ?? parts.config.root,
    env: {},
    clock: { now: () => Date.parse('2026-01-31T09:30:00Z'), sleep: async () => undefined },
    reporter: {
      event: () => undefined,
      diagnostics: (found) => void shown.diagnostics.push(...found),
      plan: (plan) => void shown.plans.push(plan),
      error: (error) => void shown.errors.push(error),
      note: (text) => void shown.notes.push(text),
      data: (document, text) => {
        shown.documents.push(document);
        shown.texts.push(text());
      },
      close: () => undefined,
    },
    json: parts.json ?? false,
    agreed: parts.agreed ?? false,
    signal: new AbortController().signal,
    engine: '0.0.0',
    config: async () => parts.config,
    loaded: async () => ({ config: parts.config, diagnostics: [], file: parts.config.file }),
    connection: async (kind, name) => connectionOf(kind, name),
    prepare: async () => [],
    link: async (_type, name) => connectionOf('link', name),
    async roles() {
      return <R extends keyof Roles>(name: string, role: R): Roles[R] => {
        for (const kind of ['source', 'sink', 'lake', 'dbt']) {
          const found = connectionOf(kind, name)[role];
          if (found !== undefined) return found as Roles[R];
        }
        throw new EngineError('usage', 'connection.unknown', `nothing named ${name}`);
      };
    },
    nodeTypes: async () => new Map((parts.types ?? []).map((type) => [type.type, type])),
    store: () => Promise.reject(new Error('a plan needs no store')),
    peekStore: async () => undefined,
    storeApart: () => Promise.reject(new Error('a plan needs no store')),
  };
  return { context, shown };
}

/** A node's plan with nothing special in it. */
export function nodePlanOf(over: Partial<NodePlan> = {}): NodePlan {
  return { action: 'read', summary: 'reads', details: [], warnings: [], moves: true, sql: [], pins: {}, ...over };
}

/** A node type whose survey finds `facts` and whose plan is made from them. */
export function fakeType(type: string, facts: JsonObject | (() => JsonObject), describe: NodeType['describe']): NodeType {
  return {
    type,
    survey: async () => (typeof facts === 'function' ? facts() : facts),
    describe,
    run: () => Promise.reject(new Error('a plan runs nothing')),
  };
}
