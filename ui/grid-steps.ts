/** A place in a grid of runs: row -1 is the head, where the runs themselves are. */
export interface GridPlace {
  readonly row: number;
  readonly column: number;
}

/** Where a key leads to in a grid of so many rows and columns; undefined for a key that leads nowhere, and at an edge. */
export function gridStep(from: GridPlace, key: string, rows: number, columns: number): GridPlace | undefined {
  const to = stepOf(from, key, rows, columns);
  if (to === undefined || to.row < -1 || to.row >= rows || to.column < 0 || to.column >= columns) return undefined;
  return to.row === from.row && to.column === from.column ? undefined : to;
}

function stepOf({ row, column }: GridPlace, key: string, rows: number, columns: number): GridPlace | undefined {
  switch (key) {
    case 'ArrowLeft':
      return { row, column: column - 1 };
    case 'ArrowRight':
      return { row, column: column + 1 };
    case 'ArrowUp':
      return { row: row - 1, column };
    case 'ArrowDown':
      return { row: row + 1, column };
    case 'Home':
      return { row, column: 0 };
    case 'End':
      return { row, column: columns - 1 };
    case 'PageUp':
      return { row: Math.max(-1, row - page), column };
    case 'PageDown':
      return { row: Math.min(rows - 1, row + page), column };
    default:
      return undefined;
  }
}

const page = 10;

/** Sizes of groups that so many columns are put into, each under one label; all but the first are of `size`, so that the newest column ends one. */
export function columnGroups(columns: number, size: number): readonly number[] {
  const first = columns % size;
  return [...(first === 0 ? [] : [first]), ...Array.from({ length: Math.floor(columns / size) }, () => size)];
}
