import type { TableBrief } from '../engine/api-overview.ts';

/** Those whose name, or the name of a pipeline of theirs, has every word of the search in it, whatever its case. */
export function foundTables<T extends Pick<TableBrief, 'table' | 'pipelines'>>(tables: readonly T[], search: string): readonly T[] {
  const words = search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  if (words.length === 0) return tables;
  return tables.filter(({ table, pipelines }) => {
    const text = [table, ...pipelines].join('\n').toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
