import type { Clock } from '../base/clock.ts';
import type { CommandContext } from '../command.ts';
import type { Config } from '../config.ts';
import type { Connection, Connector, NodeType, Prepared } from '../connector.ts';
import { EngineError } from '../error.ts';
import type { LogLevel } from '../event.ts';
import { type Connections, openConnections, settingsOfType } from '../execute/connections.ts';
import type { Reporter } from '../reporter.ts';
import type { Store } from '../store.ts';
import type { GlobalOptions } from './command-line.ts';

/** Code of the error that ends a command whose configuration has findings; they have been shown by then. */
export const configInvalid = 'config.invalid';

/** What main puts together for a command. */
export interface ContextParts {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly reporter: Reporter;
  readonly global: GlobalOptions;
  readonly signal: AbortSignal;
  readonly engine: string;
  readonly connectors: readonly { readonly type: string; load(): Promise<Connector> }[];
}

/** A command's context, and how to close what it opened: the store first, then the connections, the last opened first. `close` never throws. */
export interface OpenContext {
  readonly context: CommandContext;
  close(): Promise<void>;
}

/** Everything is opened on first use, once. */
export function createCommandContext(parts: ContextParts): OpenContext {
  const { clock, reporter, engine } = parts;
  const once = <T>(make: () => Promise<T>): (() => Promise<T>) => {
    let made: Promise<T> | undefined;
    return () => {
      made ??= make();
      return made;
    };
  };
  const opened: { readonly stores: Store[]; connections?: Connections; readonly links: Connection[] } = { stores: [], links: [] };

  const loaded = once(async () => {
    const { findConfigFile, loadConfig } = await import('../load/index.ts');
    const file = await findConfigFile(parts.cwd, parts.global.config);
    return loadConfig({ file, env: parts.env, frozen: parts.env.ENGINE_CONFIG_FROZEN });
  });
  const config = once(async (): Promise<Config> => {
    const { config, diagnostics, file } = await loaded();
    if (diagnostics.length > 0) reporter.diagnostics(diagnostics);
    if (config === undefined)
      throw new EngineError('usage', configInvalid, `${file} has findings`, {
        hint: 'Correct what is shown above; engine validate shows it again.',
      });
    return config;
  });
  const connector = async (type: string): Promise<Connector> => {
    const entry = parts.connectors.find((c) => c.type === type);
    if (entry === undefined) throw new Error(`no connector of type ${type}`);
    return entry.load();
  };
  const connections = once(async () => {
    const found = await config();
    opened.connections = openConnections(found, connector, {
      root: found.root,
      clock,
      engine,
      log: (level, text) => {
        if (level !== 'debug') reporter.note(text);
      },
    });
    return opened.connections;
  });
  const openStore = async (options: { readonly statementTimeoutMs?: number } = {}): Promise<Store> => {
    const { state } = await config();
    const it = await createStore(state, await connections(), clock, options);
    opened.stores.push(it);
    return it;
  };
  const onlyStore = once(() => openStore());
  const store = once(async () => {
    const it = await onlyStore();
    await it.migrate();
    return it;
  });

  const prepare = async (): Promise<readonly Prepared[]> => {
    const found = await loaded().catch((error: unknown) => {
      if (error instanceof EngineError && error.code === 'config.no-file' && parts.global.config === undefined) return undefined;
      throw error;
    });
    if (found !== undefined && found.config === undefined)
      reporter.note(`${found.file} has findings (engine validate shows them): fetching what the defaults need`);
    const log = (level: LogLevel, text: string): void => {
      if (level !== 'debug') reporter.note(text);
    };
    const ready: Prepared[] = [];
    for (const entry of parts.connectors) {
      const settings = found?.config === undefined ? undefined : settingsOfType(found.config, entry.type);
      ready.push(...((await (await entry.load()).prepare?.(settings, { signal: parts.signal, log })) ?? []));
    }
    return ready;
  };

  return {
    context: {
      cwd: parts.cwd,
      env: parts.env,
      clock,
      reporter,
      json: parts.global.json,
      agreed: parts.global.yes,
      signal: parts.signal,
      engine,
      config,
      loaded,
      connection: async (kind, name) => (await connections()).get(kind, name),
      link: async (type, name, settings, root = parts.cwd) => {
        const log = (level: LogLevel, text: string): void => (level === 'debug' ? undefined : reporter.note(text));
        const found = (await connector(type)).open(name, settings, { root, clock, engine, log });
        opened.links.push(found);
        return found;
      },
      roles: async () => {
        const all = await connections();
        await all.openAll();
        return all.role;
      },
      nodeTypes: once(async () => {
        const all = await Promise.all(parts.connectors.map((c) => c.load()));
        return new Map<string, NodeType>(all.flatMap((c) => c.nodes.map((n) => [n.type, n] as const)));
      }),
      prepare,
      store,
      peekStore: async () => {
        const it = await onlyStore();
        return (await it.exists()) ? it : undefined;
      },
      // An answer that takes longer is not waited for.
      storeApart: () => openStore({ statementTimeoutMs: 12_000 }),
    },
    async close() {
      for (const it of opened.stores) await it.close().catch(() => undefined);
      await opened.connections?.close();
      for (const link of opened.links) await link.close();
    },
  };
}

async function createStore(
  state: Config['state'],
  connections: Connections,
  clock: Clock,
  options: { readonly statementTimeoutMs?: number },
): Promise<Store> {
  if (state.type === 'memory') {
    const { createMemoryStore } = await import('../stores/memory.ts');
    return createMemoryStore(clock);
  }
  const link = state.type === 'sink' ? await connections.get('sink', state.sink) : await connections.get('state', 'state');
  const database = link.database;
  if (database === undefined) throw new Error(`the connection ${link.name} has no database`);
  const { createPostgresStore } = await import('../stores/postgres.ts');
  return createPostgresStore({ connect: (label: string) => database.connect(label), schema: state.schema, clock, ...options });
}
