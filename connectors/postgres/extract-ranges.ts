/** A place of a row version in its table's file: page from 0, tuple from 1 (0 lies before the first). */
export interface Tid {
  readonly page: number;
  readonly tuple: number;
}

/** Row versions from a place up to before another. In a table with partitions or children: those at these places in each of them. */
export interface TidRange {
  readonly from: Tid;
  /** Not in the range; undefined: to the end, whatever the table has grown to. */
  readonly to: Tid | undefined;
  /** Only this one of several files (`tableoid`). */
  readonly only?: string;
}

/** What is known of the files of a table and of all that belongs to it. */
export interface TableFiles {
  /** Their tables' oids: leaf partitions, or the table and its children. */
  readonly oids: readonly string[];
  /** Pages of the longest one. */
  readonly pages: number;
  /** Bytes of all, with what is kept aside (TOAST). */
  readonly bytes: number;
  /** `block_size` of the server. */
  readonly pageBytes: number;
}

/** The whole table. */
export const everything: TidRange = { from: { page: 0, tuple: 0 }, to: undefined };

/**
 * Cuts a table into ranges of about `rangeBytes` that cover every row once: each begins where the one before ends, the last one is open. There are as many
 * as make each of the `connections` equally busy. A table that is not bigger than one range stays whole.
 */
export function planRanges(files: TableFiles, rangeBytes: number, connections: number): readonly TidRange[] {
  const wanted = Math.ceil(files.bytes / Math.max(1, rangeBytes));
  if (wanted <= 1) return [everything];
  const even = Math.ceil(wanted / connections) * connections;
  const step = Math.max(1, Math.ceil(files.pages / even));
  const starts: number[] = [];
  for (let page = 0; page < Math.max(1, files.pages); page += step) starts.push(page);
  return starts.map((page, i) => ({ from: { page, tuple: 0 }, to: i === starts.length - 1 ? undefined : { page: page + step, tuple: 0 } }));
}

/** No page holds more tuples: a page header of 24 bytes, then for each tuple 4 bytes of pointer and at least 24 of its own (Postgres docs, 66.6). */
function tuplesOfPage(pageBytes: number): number {
  return Math.floor((pageBytes - 24) / 28) + 1;
}

/** How many places for row versions a range has. */
export function placesOf(range: TidRange, files: TableFiles): number {
  const per = tuplesOfPage(files.pageBytes);
  const end = range.to ?? { page: Math.max(files.pages, range.from.page + 1), tuple: 0 };
  return ((end.page - range.from.page) * per + end.tuple - range.from.tuple) * (range.only === undefined ? files.oids.length : 1);
}

/** Two or more ranges that together are this one: by pages, then by tuples of a page, at last by files. Undefined for a single place of a single file. */
export function halve(range: TidRange, files: TableFiles): readonly TidRange[] | undefined {
  const { from, to } = range;
  const at = (tid: Tid): readonly TidRange[] => [
    { ...range, to: tid },
    { ...range, from: tid },
  ];
  const end = to ?? { page: files.pages, tuple: 0 };
  const pages = end.page - from.page;
  if (pages > 1) return at({ page: from.page + (pages >> 1), tuple: 0 });
  if (to === undefined && from.page >= files.pages) return undefined;
  if (to === undefined) return at({ page: from.page + 1, tuple: 0 });
  const lastTuple = pages === 1 ? (end.tuple === 0 ? tuplesOfPage(files.pageBytes) : undefined) : end.tuple;
  if (lastTuple === undefined) return at({ page: end.page, tuple: 0 });
  const tuples = lastTuple - from.tuple;
  if (tuples > 1) return at({ page: from.page, tuple: from.tuple + (tuples >> 1) });
  if (range.only === undefined && files.oids.length > 1) return files.oids.map((only) => ({ ...range, only }));
  return undefined;
}

/** The range as a condition that Postgres answers by a TID range scan (version 14 and later); undefined for the whole table. */
export function rangeSql(range: TidRange): string | undefined {
  const tid = ({ page, tuple }: Tid): string => `'(${page},${tuple})'`;
  const conditions: string[] = [];
  if (range.from.page > 0 || range.from.tuple > 0) conditions.push(`ctid >= ${tid(range.from)}`);
  if (range.to !== undefined) conditions.push(`ctid < ${tid(range.to)}`);
  if (range.only !== undefined) conditions.push(`tableoid = ${range.only}`);
  return conditions.length === 0 ? undefined : conditions.join(' AND ');
}

/** The ranges that are still to be read. */
export interface RangeQueue {
  /** The next one, not longer than what fitted lately; undefined when none is left. */
  take(): TidRange | undefined;
  /** Gives one back that was not read. */
  giveBack(range: TidRange): void;
  /** Puts the pieces of one that did not fit in its place. False when it cannot be cut any more. */
  cut(range: TidRange): boolean;
  /** One was read: after some more of its length, longer ones are tried again. */
  fitted(range: TidRange): void;
}

/** So many ranges have to fit before longer ones are tried: each try that fails costs a range's time. */
const fitsBeforeLonger = 8;

/** A queue of these ranges of a table. */
export function createRangeQueue(ranges: readonly TidRange[], files: TableFiles): RangeQueue {
  const rest = [...ranges];
  let longest = Number.POSITIVE_INFINITY;
  let fits = 0;
  return {
    take() {
      for (;;) {
        const next = rest.shift();
        if (next === undefined || placesOf(next, files) <= longest) return next;
        const pieces = halve(next, files);
        if (pieces === undefined) return next;
        rest.unshift(...pieces);
      }
    },
    giveBack(range) {
      rest.unshift(range);
    },
    cut(range) {
      const pieces = halve(range, files);
      if (pieces === undefined) return false;
      longest = Math.max(...pieces.map((piece) => placesOf(piece, files)));
      fits = 0;
      rest.unshift(...pieces);
      return true;
    },
    fitted(range) {
      if (longest === Number.POSITIVE_INFINITY || placesOf(range, files) * 2 < longest) return;
      fits += 1;
      if (fits < fitsBeforeLonger) return;
      longest *= 2;
      fits = 0;
    },
  };
}
