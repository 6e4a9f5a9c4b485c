import type { ColumnsConfig, MaskKind } from '../config.ts';
import { below, type Findings } from './findings.ts';
import { items, layered, type Placed } from './layer.ts';
import { checkMask } from './masking.ts';
import type { RawColumns } from './raw.ts';

/** Columns that the engine adds itself. */
const ownColumns = ['_extracted_at', '_loaded_at', '_deleted'];

/** What else of a table its columns have to agree with. */
export interface ColumnsBeside {
  readonly key: readonly string[] | undefined;
  readonly keyPointer: string;
  readonly cursor: string | undefined;
  /** There is a salt to hash with. */
  readonly salted: boolean;
}

/** The columns that are taken, and findings where they contradict one another, the key or the cursor. */
export function readColumns(
  own: Placed<RawColumns>,
  defaults: RawColumns | undefined,
  { key, keyPointer, cursor, salted }: ColumnsBeside,
  findings: Findings,
): ColumnsConfig {
  const layer = layered<RawColumns>(findings, own, { value: defaults, pointer: '/defaults/columns' });
  const include = layer.get('include') === undefined ? undefined : items(layer.get('include'));
  const exclude = items(layer.get('exclude'));
  const rename = layer.get('rename') ?? {};
  const types = layer.get('types') ?? {};
  const { mask, placeOf } = mergeMasks(own, defaults);
  const left = (column: string): boolean => exclude.includes(column) || (include !== undefined && !include.includes(column));

  for (const [i, column] of (layer.get('exclude') ?? []).entries())
    if (column !== undefined && include?.includes(column) === true)
      findings.on(below(layer.pointer('exclude'), i), 'value', {
        code: 'config.columns',
        message: `the column \`${column}\` is both included and excluded`,
        hint: 'Remove it from one of the two lists.',
      });
  for (const column of key ?? [])
    if (left(column))
      findings.on(
        exclude.includes(column) ? below(layer.pointer('exclude'), (layer.get('exclude') ?? []).indexOf(column)) : keyPointer,
        'value',
        {
          code: 'config.columns',
          message: `the column \`${column}\` is of the key, so it cannot be left out`,
          hint: include === undefined ? 'Remove it from `exclude`.' : 'Add it to `include`.',
        },
      );
  for (const part of ['rename', 'types', 'mask'] as const)
    if (layer.own(part))
      for (const column of Object.keys(layer.get(part) ?? {}))
        if (left(column))
          findings.on(below(layer.pointer(part), column), 'key', {
            code: 'config.columns',
            message: `the column \`${column}\` is not taken, so \`${part}\` does nothing to it`,
            hint: `Remove it from \`${part}\`, or take the column.`,
          });
  checkRename(rename, include, layer.pointer('rename'), findings);
  checkMask(mask, { key, cursor, types, salted }, placeOf, findings);
  return { include, exclude, rename, types, mask };
}

/** The masks of a table and those of `defaults`, column by column: a mask never goes because another column has one. `placeOf`: where that of a column stands. */
function mergeMasks(
  own: Placed<RawColumns>,
  defaults: RawColumns | undefined,
): { readonly mask: Readonly<Record<string, MaskKind>>; placeOf(column: string): string } {
  const said = new Map(Object.entries(own.value?.mask ?? {}));
  const mask = [...new Map([...Object.entries(defaults?.mask ?? {}), ...said])].flatMap(([column, kind]): [string, MaskKind][] =>
    kind === 'plain' ? [] : [[column, kind ?? 'null']],
  );
  return {
    mask: Object.fromEntries(mask),
    placeOf: (column) => below(said.has(column) ? own.pointer : '/defaults/columns', 'mask', column),
  };
}

function checkRename(
  rename: Readonly<Record<string, string>>,
  include: readonly string[] | undefined,
  pointer: string,
  findings: Findings,
): void {
  const taken = new Map((include ?? []).filter((column) => !Object.hasOwn(rename, column)).map((column) => [column.toLowerCase(), column]));
  for (const [column, name] of Object.entries(rename)) {
    const place = below(pointer, column);
    const twin = taken.get(name.toLowerCase());
    if (ownColumns.includes(name.toLowerCase()))
      findings.on(place, 'value', {
        code: 'config.columns',
        message: `\`${name}\` is a column of the engine's own`,
        hint: `A column cannot be renamed to ${ownColumns.map((own) => `\`${own}\``).join(', ')}.`,
      });
    else if (twin !== undefined)
      findings.on(place, 'value', {
        code: 'config.columns',
        message: `the columns \`${twin}\` and \`${column}\` would both be named \`${name}\``,
        hint: 'Lake readers do not tell names apart by case. Give one of them another name.',
      });
    else if (Buffer.byteLength(name) > 63)
      findings.on(place, 'value', {
        code: 'config.columns',
        message: `\`${name}\` is longer than 63 bytes`,
        hint: 'Postgres would cut it off: shorten it.',
      });
    taken.set(name.toLowerCase(), column);
  }
}
