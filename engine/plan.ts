import { createHash } from 'node:crypto';
import type { Json, JsonObject } from './base/json.ts';
import { redact } from './base/secret.ts';
import { EngineError, type Trouble } from './error.ts';
import type { GraphNode } from './graph.ts';

/** What a run would do: plain data, the same list that a run walks. */
export interface Plan {
  readonly format_version: 1;
  readonly pipeline: string;
  readonly mode: 'full' | 'incremental';
  readonly createdAt: string;
  /** Changes when the configuration or what the survey found (lake versions, ledger, columns) changes; a saved plan with another one is refused. */
  readonly fingerprint: string;
  /** In an order in which they may run. */
  readonly nodes: readonly PlannedNode[];
  /** The schedules with their next fires, ISO 8601 with the zone's offset. */
  readonly schedules: readonly {
    readonly cron: string;
    readonly timezone: string;
    readonly next: readonly string[];
    /** The local dates among them on which the zone's clocks are set. */
    readonly clocksSet: readonly string[];
  }[];
  readonly request: JsonObject;
}

export type PlannedNode = GraphNode & { readonly plan: NodePlan };

/** What one node would do. Estimates are marked as such by their field names. */
export interface NodePlan {
  /** Glyphs: create `+`, replace `-/+`, merge `~`, read `>`, run `*`, nothing `=`, refused `!`. */
  readonly action: 'create' | 'replace' | 'merge' | 'read' | 'run' | 'nothing' | 'refused';
  /** What kind of trouble a refused node would fail with; left out: a guard's. */
  readonly trouble?: Trouble;
  /** One line. */
  readonly summary: string;
  /** Further lines: where it starts, what holds the fence, files, locks, what is destroyed. */
  readonly details: readonly string[];
  readonly warnings: readonly string[];
  readonly rowsEstimate?: number;
  readonly bytesEstimate?: number;
  /** False when a run would move no row or file as far as can be known. */
  readonly moves: boolean;
  /** Statements, in order, for `--sql`. */
  readonly sql: readonly string[];
  /** What a saved plan pins: lake version, ledger version, columns' fingerprint. */
  readonly pins: JsonObject;
}

/** All that a plan is made from; what the world is like has been read before and is closed over by `describe`. */
export interface PlanInput {
  readonly pipeline: string;
  readonly mode: 'full' | 'incremental';
  readonly createdAtMs: number;
  readonly request: JsonObject;
  /** In topological order. */
  readonly nodes: readonly GraphNode[];
  /** What that node would do, given the plans of the nodes before it by their ids. Pure. */
  describe(node: GraphNode, earlier: ReadonlyMap<string, NodePlan>): NodePlan;
  readonly schedules: Plan['schedules'];
  /** What else the plan holds for: which servers and which lake are meant. No secrets. */
  readonly settings: JsonObject;
}

/** The plan of a pipeline: each node described in order. Texts for people are redacted. Pure. */
export function makePlan(input: PlanInput): Plan {
  const earlier = new Map<string, NodePlan>();
  const nodes = input.nodes.map((node): PlannedNode => {
    const plan = withoutSecrets(input.describe(node, earlier));
    earlier.set(node.id, plan);
    return { ...node, plan };
  });
  return {
    format_version: 1,
    pipeline: input.pipeline,
    mode: input.mode,
    createdAt: new Date(input.createdAtMs).toISOString(),
    fingerprint: fingerprintOf(input, nodes),
    nodes,
    schedules: input.schedules,
    request: input.request,
  };
}

/** Of the plan that a run keeps, in characters of JSON: of its statements together, and of everything. */
export const mostKept = { statements: 256 * 1024, everything: 1024 * 1024 } as const;

/** The plan as a run keeps it, within `mostKept`. `leftOut` says in words what it had more. Pure. */
export function keptPlan(plan: Plan): { readonly plan: Plan; readonly leftOut: readonly string[] } {
  const leftOut: string[] = [];
  let kept = plan;
  const leave = (what: string, less: (node: PlannedNode) => PlannedNode): void => {
    kept = { ...kept, nodes: kept.nodes.map(less) };
    leftOut.push(what);
  };
  let left: number = mostKept.statements;
  const fits = (statement: string): boolean => {
    if (statement.length > left) return false;
    left -= statement.length;
    return true;
  };
  const count = (): number => kept.nodes.reduce((sum, node) => sum + node.plan.sql.length, 0);
  const had = count();
  kept = { ...kept, nodes: kept.nodes.map((node) => ({ ...node, plan: { ...node.plan, sql: node.plan.sql.filter(fits) } })) };
  if (count() < had) leftOut.push(`${had - count()} of ${had} statements`);
  const tooMuch = (): boolean => JSON.stringify(kept).length > mostKept.everything;
  if (tooMuch()) leave("the nodes' options", (node) => ({ ...node, options: {} }));
  if (tooMuch()) leave("the nodes' details and warnings", (node) => ({ ...node, plan: { ...node.plan, details: [], warnings: [] } }));
  if (tooMuch()) leave("the nodes' statements and pins", (node) => ({ ...node, plan: { ...node.plan, sql: [], pins: {} } }));
  return { plan: kept, leftOut };
}

/** True when a run would move a row or a file as far as can be known; what is run after the loads (dbt) moves none by itself. */
export function planMoves(plan: Plan): boolean {
  return plan.nodes.some((node) => node.plan.moves && node.plan.action !== 'run');
}

/** The trouble that a run of these plans would end with as far as can be known: the one that all refused nodes share, a guard's where they differ; undefined when none is refused. */
export function troubleOfPlans(plans: readonly Plan[]): Trouble | undefined {
  const refused = plans.flatMap(({ nodes }) => nodes.filter(({ plan }) => plan.action === 'refused'));
  const troubles = new Set(refused.map(({ plan }) => plan.trouble ?? 'refused'));
  return troubles.size > 1 ? 'refused' : [...troubles][0];
}

/** A plan read from text, as `engine plan --out` wrote it. Anything else is an EngineError `plan.unreadable`, trouble `usage`. */
export function parsePlan(text: string, where: string): Plan {
  const refuse = (why: string, cause?: unknown): EngineError =>
    new EngineError('usage', 'plan.unreadable', `${where} is no plan of this engine: ${why}`, {
      cause,
      hint: 'Write one with `engine plan --pipeline P --out FILE`.',
    });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw refuse('it is not JSON', error);
  }
  if (typeof value !== 'object' || value === null || !('format_version' in value)) throw refuse('it has no `format_version`');
  if (value.format_version !== 1) throw refuse(`its format_version is ${JSON.stringify(value.format_version)}, and this engine reads 1`);
  const plan = value as Partial<Plan>;
  const whole =
    typeof plan.pipeline === 'string' &&
    typeof plan.fingerprint === 'string' &&
    Array.isArray(plan.nodes) &&
    typeof plan.request === 'object';
  if (!whole) throw refuse('pipeline, fingerprint, nodes or request are missing');
  return value as Plan;
}

/** Returns when a fresh plan of the same request says the same as the saved one; else throws EngineError `plan.out-of-date`, trouble `refused`, naming what moved. */
export function checkSavedPlan(saved: Plan, fresh: Plan): void {
  if (saved.fingerprint === fresh.fingerprint) return;
  const moved = whatMoved(saved, fresh);
  const shown = moved.slice(0, 5).join('; ') + (moved.length > 5 ? `; and ${moved.length - 5} more` : '');
  throw new EngineError(
    'refused',
    'plan.out-of-date',
    `the plan of \`${saved.pipeline}\` from ${saved.createdAt} is out of date: ${shown}`,
    {
      hint: `Nothing was done. Make a new one with \`engine plan --pipeline ${saved.pipeline} --out FILE\`, read it, and run that.`,
    },
  );
}

/** What differs between two plans, a short sentence for each table; never empty for plans with different fingerprints. */
export function whatMoved(saved: Plan, fresh: Plan): string[] {
  if (saved.pipeline !== fresh.pipeline) return [`it is for \`${saved.pipeline}\`, not for \`${fresh.pipeline}\``];
  const moved: string[] = [];
  if (saved.mode !== fresh.mode) moved.push(`the mode was ${saved.mode} and is ${fresh.mode}`);
  const before = new Map(saved.nodes.map((node) => [node.id, node]));
  const after = new Map(fresh.nodes.map((node) => [node.id, node]));
  const told = new Map<string, Set<string>>();
  const tell = (node: PlannedNode, what: string): void => {
    const subject = node.table === undefined ? `\`${node.id}\`` : `table \`${node.table}\``;
    told.set(subject, (told.get(subject) ?? new Set()).add(what));
  };
  for (const [id, node] of before) if (!after.has(id)) tell(node, `\`${id}\` is gone`);
  for (const [id, node] of after) {
    const old = before.get(id);
    if (old === undefined) tell(node, `\`${id}\` is new`);
    else for (const change of changes(old, node)) tell(node, inWords(change));
  }
  for (const [subject, what] of told) moved.push(`${subject}: ${[...what].join(', ')}`);
  return moved.length > 0 ? moved : ['the servers or the lake that the configuration names are others'];
}

/** What connectors pin (see NodePlan.pins), in words; another pin is named as it is. */
function inWords([what, path, was, is]: Change): string {
  const version = (value: Json | undefined): string => (typeof value === 'number' && value >= 0 ? `version ${value}` : 'nothing');
  if (what === 'setting') return `its setting \`${path}\` was ${show(was)} and is ${show(is)}`;
  switch (path) {
    case 'version':
    case 'lakeVersion':
      return `the lake had ${version(was)} and has ${version(is)}`;
    case 'ledgerVersion':
      return `staging had ${version(was)} and has ${version(is)}`;
    case 'fingerprint':
      return was === null || is === null ? 'whether it can be read has changed' : 'its columns or how it is read have changed';
    case 'lakeTableId':
    case 'ledgerTableId':
      return was === null || was === undefined ? 'it was loaded or extracted for the first time' : 'its lake table is another one';
    case 'stagingExists':
      return is === true ? 'its staging table is there now' : 'its staging table is gone';
    case 'shape':
      return 'the columns of its staging table are to be changed otherwise';
    default:
      return `\`${path}\` was ${show(was)} and is ${show(is)}`;
  }
}

type Change = readonly [what: 'setting' | 'pin', path: string, was: Json | undefined, is: Json | undefined];

function changes(old: PlannedNode, node: PlannedNode): Change[] {
  const of = (what: 'setting' | 'pin', was: JsonObject, is: JsonObject): Change[] => {
    const [a, b] = [flat(was), flat(is)];
    const paths = [...new Set([...a.keys(), ...b.keys()])].filter((path) => JSON.stringify(a.get(path)) !== JSON.stringify(b.get(path)));
    return paths.map((path) => [what, path, a.get(path), b.get(path)]);
  };
  const shape = of(
    'setting',
    { type: old.type, needs: old.needs, unit: old.unit },
    { type: node.type, needs: node.needs, unit: node.unit },
  );
  return [...shape, ...of('setting', old.options, node.options), ...of('pin', old.plan.pins, node.plan.pins)];
}

function flat(value: JsonObject, prefix = '', into = new Map<string, Json>()): Map<string, Json> {
  for (const [key, inner] of Object.entries(value)) {
    if (typeof inner === 'object' && inner !== null && !Array.isArray(inner)) flat(inner as JsonObject, `${prefix}${key}.`, into);
    else into.set(prefix + key, inner);
  }
  return into;
}

function show(value: Json | undefined): string {
  if (value === undefined) return 'not there';
  const text = redact(JSON.stringify(value));
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function fingerprintOf(input: PlanInput, nodes: readonly PlannedNode[]): string {
  const meant = {
    pipeline: input.pipeline,
    mode: input.mode,
    settings: input.settings,
    nodes: nodes.map(({ id, type, unit, needs, options, plan }) => ({ id, type, unit, needs, options, pins: plan.pins })),
  };
  return createHash('sha256')
    .update(JSON.stringify(sorted(meant)))
    .digest('hex');
}

/** The same data with the keys of every object in order, so that equal data has equal text. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

function withoutSecrets(plan: NodePlan): NodePlan {
  return {
    ...plan,
    summary: redact(plan.summary),
    details: plan.details.map(redact),
    warnings: plan.warnings.map(redact),
    sql: plan.sql.map(redact),
  };
}
