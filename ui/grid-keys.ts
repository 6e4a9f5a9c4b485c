/** Where a cell that has something lies in a table. */
export interface GridPlace {
  readonly line: number;
  readonly column: number;
}

/** The cell that an arrow leads to: the next one in the line, or the nearest column in the next line that has any; undefined where there is none. Home and End lead to the ends of the line. */
export function nextInGrid(places: readonly GridPlace[], from: GridPlace, key: string): GridPlace | undefined {
  const line = places.filter((place) => place.line === from.line).sort((a, b) => a.column - b.column);
  switch (key) {
    case 'ArrowRight':
      return line.find(({ column }) => column > from.column);
    case 'ArrowLeft':
      return line.findLast(({ column }) => column < from.column);
    case 'Home':
      return line[0];
    case 'End':
      return line.at(-1);
    case 'ArrowDown':
    case 'ArrowUp': {
      const beyond = places.filter((place) => (key === 'ArrowDown' ? place.line > from.line : place.line < from.line));
      const next = key === 'ArrowDown' ? Math.min(...beyond.map((p) => p.line)) : Math.max(...beyond.map((p) => p.line));
      return beyond
        .filter((place) => place.line === next)
        .sort((a, b) => Math.abs(a.column - from.column) - Math.abs(b.column - from.column) || a.column - b.column)[0];
    }
    default:
      return undefined;
  }
}
