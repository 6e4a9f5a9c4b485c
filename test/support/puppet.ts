import type { Json } from '../../engine/base/json.ts';
import type { NodeContext, NodeType, UnitResource } from '../../engine/connector.ts';
import { EngineError, type Trouble } from '../../engine/error.ts';
import type { Plan, PlannedNode } from '../../engine/plan.ts';

/** What a puppet node does when it is run; in its options. Without any it succeeds at once. */
export interface Strings {
  /** Fails in its first so many attempts. */
  readonly fails?: number;
  readonly retryable?: boolean;
  readonly trouble?: Trouble;
  /** Left behind by a failure. */
  readonly facts?: { readonly [key: string]: Json };
  /** Throws what is no EngineError. */
  readonly breaks?: boolean;
  /** Works until the test releases it, or it is told to stop. */
  readonly waits?: boolean;
  /** Together with `waits`: does not listen when told to stop. */
  readonly deaf?: boolean;
  /** Joins the unit's resource of that name. */
  readonly joins?: string;
  /** The resource's commit fails in the first so many attempts. */
  readonly commitFails?: number;
  readonly lease?: string;
  readonly source?: string;
}

/** Puppets of one test. What they were asked to do is in `calls`, in order: `run a 1`, `open r`, `commit r`, `rollback r`, `stopped a`. */
export interface Puppets {
  readonly nodeTypes: ReadonlyMap<string, NodeType>;
  readonly calls: string[];
  readonly histories: Map<string, NodeContext['history']>;
  /** Resolves once the node waits. */
  waiting(node: string): Promise<void>;
  release(node: string): void;
  /** The most that worked at one time. */
  readonly peak: () => number;
}

export function createPuppets(): Puppets {
  const calls: string[] = [];
  const histories = new Map<string, NodeContext['history']>();
  const releases = new Map<string, () => void>();
  const watchers = new Set<() => void>();
  let working = 0;
  let peak = 0;

  const wait = (context: NodeContext, deaf: boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      releases.set(context.nodeId, resolve);
      for (const watcher of watchers) watcher();
      if (deaf) return;
      context.signal.addEventListener('abort', () => {
        calls.push(`stopped ${context.nodeId}`);
        reject(context.signal.reason);
      });
    });
  const resource = (name: string, strings: Strings, attempt: number): UnitResource => ({
    async commit() {
      calls.push(`commit ${name}`);
      if (attempt <= (strings.commitFails ?? 0)) throw new EngineError('failed', 'puppet.commit', 'commit failed', { retryable: true });
      return { committed: name };
    },
    async rollback() {
      calls.push(`rollback ${name}`);
    },
  });
  const act = async (context: NodeContext, strings: Strings): Promise<void> => {
    calls.push(`run ${context.nodeId} ${context.attempt}`);
    histories.set(context.nodeId, context.history);
    if (strings.lease !== undefined) await context.lease(strings.lease);
    if (strings.joins !== undefined) {
      const name = strings.joins;
      await context.unit.join(name, async () => {
        calls.push(`open ${name}`);
        return resource(name, strings, context.attempt);
      });
    }
    context.progress({ rows: 1 });
    if (strings.waits === true) await wait(context, strings.deaf === true);
    if (strings.breaks === true) throw new TypeError('a puppet broke');
    if (context.attempt <= (strings.fails ?? 0))
      throw new EngineError(strings.trouble ?? 'failed', 'puppet.failed', `${context.nodeId} failed`, {
        hint: 'Pull another string.',
        retryable: strings.retryable ?? false,
        ...(strings.facts === undefined ? {} : { facts: strings.facts }),
      });
  };
  const nodeType = (type: string): NodeType => ({
    type,
    survey: async () => ({}),
    describe: () => nothing,
    async run(context, options) {
      working += 1;
      peak = Math.max(peak, working);
      try {
        await act(context, options as Strings);
        return { summary: `${context.nodeId} done`, rows: 1, facts: {} };
      } finally {
        working -= 1;
      }
    },
  });
  return {
    nodeTypes: new Map(['puppet.do', 'puppet.extract'].map((type) => [type, nodeType(type)])),
    calls,
    histories,
    waiting: (node) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!releases.has(node)) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
      }),
    release(node) {
      releases.get(node)?.();
      releases.delete(node);
    },
    peak: () => peak,
  };
}

const nothing: PlannedNode['plan'] = { action: 'run', summary: '', details: [], warnings: [], moves: true, sql: [], pins: {} };

/** A node of a puppet plan; `unit` defaults to its id. */
export interface PuppetNode extends Strings {
  readonly id: string;
  readonly type?: 'puppet.do' | 'puppet.extract';
  readonly unit?: string;
  readonly needs?: readonly string[];
}

/** A plan of puppets, in the given order. */
export function puppetPlan(nodes: readonly PuppetNode[]): Plan {
  return {
    format_version: 1,
    pipeline: 'puppets',
    mode: 'incremental',
    createdAt: '2026-01-31T09:00:00.000Z',
    fingerprint: 'puppets',
    schedules: [],
    request: { pipeline: 'puppets' },
    nodes: nodes.map(({ id, type, unit, needs, ...strings }) => ({
      id,
      type: type ?? 'puppet.do',
      table: undefined,
      unit: unit ?? id,
      needs: needs ?? [],
      options: { ...strings },
      plan: nothing,
    })),
  };
}
