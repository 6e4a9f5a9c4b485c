/** Where a cell that has something lies in a grid. */
export interface GridPlace {
  readonly line: number;
  readonly column: number;
}

/** The lines of a grid from top to bottom, each with the columns, from left to right, where something is. */
export type GridLines = ReadonlyMap<number, readonly number[]>;

/** The lines that places lie in. */
export function gridLines(places: readonly GridPlace[]): GridLines {
  const lines = new Map<number, number[]>();
  for (const { line, column } of places) {
    const columns = lines.get(line);
    if (columns === undefined) lines.set(line, [column]);
    else columns.push(column);
  }
  for (const columns of lines.values()) columns.sort((a, b) => a - b);
  return new Map([...lines].sort(([a], [b]) => a - b));
}

const page = 10;

/**
 * Where a key leads to: the next place in the line, or the nearest one in the next line that has any; Home and End to the ends of the line, PageUp and PageDown ten lines
 * on, or to the last. Undefined for a key that leads nowhere, and at an edge.
 */
export function gridStep(lines: GridLines, from: GridPlace, key: string): GridPlace | undefined {
  const to = stepOf(lines, from, key);
  return to === undefined || (to.line === from.line && to.column === from.column) ? undefined : to;
}

function stepOf(lines: GridLines, from: GridPlace, key: string): GridPlace | undefined {
  switch (key) {
    case 'ArrowLeft':
      return inLine(
        from.line,
        of(lines, from.line).findLast((column) => column < from.column),
      );
    case 'ArrowRight':
      return inLine(
        from.line,
        of(lines, from.line).find((column) => column > from.column),
      );
    case 'Home':
      return inLine(from.line, of(lines, from.line)[0]);
    case 'End':
      return inLine(from.line, of(lines, from.line).at(-1));
    case 'ArrowUp':
      return nearest(
        lines,
        from,
        [...lines.keys()].findLast((line) => line < from.line),
      );
    case 'ArrowDown':
      return nearest(
        lines,
        from,
        [...lines.keys()].find((line) => line > from.line),
      );
    case 'PageUp':
      return nearest(lines, from, [...lines.keys()].filter((line) => line < from.line).slice(-page)[0]);
    case 'PageDown':
      return nearest(
        lines,
        from,
        [...lines.keys()]
          .filter((line) => line > from.line)
          .slice(0, page)
          .at(-1),
      );
    default:
      return undefined;
  }
}

function of(lines: GridLines, line: number): readonly number[] {
  return lines.get(line) ?? [];
}

function inLine(line: number, column: number | undefined): GridPlace | undefined {
  return column === undefined ? undefined : { line, column };
}

/** The place in a line that is nearest to the column; of two as near the left one. */
function nearest(lines: GridLines, { column }: GridPlace, line: number | undefined): GridPlace | undefined {
  if (line === undefined) return undefined;
  const [found] = [...of(lines, line)].sort((a, b) => Math.abs(a - column) - Math.abs(b - column) || a - b);
  return inLine(line, found);
}

/** Sizes of groups that so many columns are put into, each under one label; all but the first are of `size`, so that the newest column ends one. */
export function columnGroups(columns: number, size: number): readonly number[] {
  const first = columns % size;
  return [...(first === 0 ? [] : [first]), ...Array.from({ length: Math.floor(columns / size) }, () => size)];
}
