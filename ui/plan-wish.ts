/** What a plan or a run is asked for. */
export interface PlanWish {
  readonly fullRefresh: boolean;
  /** Empty: all of the pipeline's. */
  readonly tables: readonly string[];
}

/** A plain run. */
export const plainWish: PlanWish = { fullRefresh: false, tables: [] };

/** The wish as the API takes it for a run. */
export function wishBody({ fullRefresh, tables }: PlanWish): { readonly fullRefresh?: true; readonly tables?: readonly string[] } {
  return { ...(fullRefresh ? { fullRefresh } : {}), ...(tables.length === 0 ? {} : { tables }) };
}

/** The wish as it stands behind the `?` of a plan's address; empty for a plain one. */
export function wishQuery({ fullRefresh, tables }: PlanWish): string {
  const query = new URLSearchParams(tables.map((table): [string, string] => ['tables', table]));
  if (fullRefresh) query.set('fullRefresh', 'true');
  return query.toString();
}

/** What the address of a page asks for: `plan` says whether in full, each `tables` names one of those that are known, or any while none is; undefined when it asks for no plan. */
export function askedWish(query: URLSearchParams, known: readonly string[]): PlanWish | undefined {
  const plan = query.get('plan');
  if (plan === null) return undefined;
  const named = query.getAll('tables').filter((table) => known.length === 0 || known.includes(table));
  return { fullRefresh: plan === 'full', tables: named.length === known.length ? [] : named };
}

/** The wish with that table in it or not; all of them are the same as none named, and so is the last one taken out. */
export function withTable(wish: PlanWish, all: readonly string[], table: string, wanted: boolean): PlanWish {
  const now = wish.tables.length === 0 ? all : wish.tables;
  const next = all.filter((name) => (name === table ? wanted : now.includes(name)));
  return { ...wish, tables: next.length === all.length ? [] : next };
}
