/** What of a node says where it stands. */
export interface LaneNode {
  readonly id: string;
  readonly table: string | undefined;
  readonly needs: readonly string[];
}

/** Something in a graph with its place: columns and rows are counted from 0, and what joins lanes may stand between two. */
export interface Placed {
  readonly id: string;
  readonly column: number;
  readonly row: number;
}

/** A graph as lanes: each table's nodes in one row, each node right of all that it needs. */
export interface GraphLanes {
  readonly places: ReadonlyMap<string, Placed>;
  /** Tables by their rows. */
  readonly tables: readonly string[];
  readonly columns: number;
  readonly rows: number;
  /** Needs that are there. */
  readonly edges: readonly { readonly from: string; readonly to: string }[];
}

/** Up to so many lanes, what joins them stands in their middle; beyond it stands on top, where it is seen before anybody scrolls. */
const mostCentred = 8;

/** Places nodes, which come after what they need. Rows are in the order in which tables come. */
export function lanesOf(nodes: readonly LaneNode[]): GraphLanes {
  const tables = [...new Set(nodes.flatMap(({ table }) => table ?? []))];
  const rowOf = new Map(tables.map((table, row) => [table, row]));
  const places = new Map<string, Placed>();
  const taken = new Set<string>();
  for (const { id, table, needs } of nodes) {
    const before = needs.flatMap((need) => places.get(need) ?? []);
    const row = table === undefined ? joinRow(before, tables.length) : (rowOf.get(table) ?? 0);
    let column = before.reduce((most, place) => Math.max(most, place.column + 1), 0);
    while (taken.has(`${column} ${row}`)) column += 1;
    taken.add(`${column} ${row}`);
    places.set(id, { id, column, row });
  }
  const all = [...places.values()];
  return {
    places,
    tables,
    columns: all.reduce((most, { column }) => Math.max(most, column + 1), 0),
    rows: all.reduce((most, { row }) => Math.max(most, Math.ceil(row) + 1), tables.length),
    edges: nodes.flatMap(({ id, needs }) => needs.filter((need) => places.has(need)).map((from) => ({ from, to: id }))),
  };
}

function joinRow(before: readonly Placed[], lanes: number): number {
  const rows = before.map(({ row }) => row);
  if (rows.length === 0) return lanes;
  const top = Math.min(...rows);
  return lanes > mostCentred ? top : (top + Math.max(...rows)) / 2;
}

const ways: Readonly<Record<string, readonly [column: number, row: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** What an arrow key leads to from there: the nearest in that direction, in the same column or the next that has something; undefined where there is none. */
export function neighbour(all: readonly Placed[], from: string, key: string): string | undefined {
  const here = all.find(({ id }) => id === from);
  const way = ways[key];
  if (here === undefined || way === undefined) return undefined;
  const [columns, rows] = way;
  const ahead = all.filter(({ column, row }) =>
    columns === 0 ? column === here.column && (row - here.row) * rows > 0 : (column - here.column) * columns > 0,
  );
  const far = ({ column, row }: Placed): number => Math.abs(column - here.column) * 1_000_000 + Math.abs(row - here.row);
  return ahead.reduce<Placed | undefined>((best, place) => (best === undefined || far(place) < far(best) ? place : best), undefined)?.id;
}
