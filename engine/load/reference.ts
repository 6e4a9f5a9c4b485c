import type { JsonObject } from '../base/json.ts';
import { flow } from './plain-words.ts';

interface FieldSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly markdownDescription?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly enum?: readonly unknown[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly additionalProperties?: boolean | FieldSchema;
  readonly then?: FieldSchema;
  readonly else?: FieldSchema;
}

/** The page `docs/reference/configuration.md`, made from the bundled schema: a part for each block, a row for each key. */
export function referencePage(schema: JsonObject): string {
  const top = schema as FieldSchema;
  const follow = (field: FieldSchema): FieldSchema =>
    field.$ref === undefined
      ? field
      : follow(
          field.$ref
            .split('/')
            .slice(1)
            .reduce((at, step) => (at as Readonly<Record<string, unknown>>)[step], schema as unknown) as FieldSchema,
        );

  const parts: string[] = [
    '# `pipelines.yaml`',
    '',
    '<!-- Made from schemas/ by `engine schema --markdown`; a test keeps it up to date. -->',
    '',
    top.markdownDescription ?? '',
    '',
    'Editors check the file and show this text when it begins with `# yaml-language-server: $schema=...`; `engine schema` prints the schema.',
  ];

  const table = (field: FieldSchema, skip: (key: string) => boolean): void => {
    parts.push('', '| key | takes | default | |', '|---|---|---|---|');
    for (const [key, raw] of Object.entries(field.properties ?? {})) {
      if (skip(key)) continue;
      const value = follow(raw);
      const needed = field.required?.includes(key) === true ? ' (needed)' : '';
      const example = value.examples?.[0] === undefined ? '' : ` Example: \`${cell(flow(value.examples[0]))}\`.`;
      const standard = value.default === undefined ? '' : `\`${flow(value.default)}\``;
      parts.push(`| \`${key}\`${needed} | ${takes(value)} | ${standard} | ${cell(value.markdownDescription ?? '')}${example} |`);
    }
  };

  const block = (title: string, raw: FieldSchema, level: number): void => {
    const field = follow(raw);
    const named = typeof field.additionalProperties === 'object' ? follow(field.additionalProperties) : undefined;
    parts.push('', `${'#'.repeat(level)} ${title}`, '', field.markdownDescription ?? '');
    const inner = named?.properties === undefined ? field : named;
    if (inner !== field) parts.push('', inner.markdownDescription ?? '');
    if (title === '`defaults`') {
      parts.push(
        '',
        `Keys: ${Object.keys(inner.properties ?? {})
          .map((key) => `\`${key}\``)
          .join(', ')}.`,
      );
      return;
    }
    if (inner.properties !== undefined) table(inner, () => false);
    for (const kind of kindsOf(inner)) {
      const keys = follow(kind);
      block(`${title} of type \`${String(keys.properties?.type?.enum?.[0])}\``, keys, level + 1);
    }
    for (const [key, value] of Object.entries(inner.properties ?? {})) {
      const deeper = follow(value);
      const item = typeof deeper.additionalProperties === 'object' ? follow(deeper.additionalProperties) : deeper;
      if (item.properties !== undefined) block(`\`${key}\` of ${title}`, deeper, level + 1);
    }
  };

  parts.push('', '## The file');
  table(top, () => false);
  for (const [key, value] of Object.entries(top.properties ?? {})) if (key !== 'version') block(`\`${key}\``, value, 2);
  return `${parts.join('\n')}\n`;
}

/** What a block is by its `type`: the branches of `if`, `then`, `else`, the last first. */
function kindsOf({ then, else: otherwise }: FieldSchema): readonly FieldSchema[] {
  return [...(otherwise === undefined ? [] : kindsOf(otherwise)), ...(then?.$ref === undefined ? [] : [then])];
}

function takes(field: FieldSchema): string {
  if (field.enum !== undefined) return field.enum.map((value) => `\`${String(value)}\``).join(', ');
  const words: Readonly<Record<string, string>> = {
    string: 'text',
    array: 'list',
    object: 'keys',
    integer: 'whole number',
    null: '`null`',
  };
  const types = typeof field.type === 'string' ? [field.type] : (field.type ?? []);
  return types.map((type) => words[type] ?? type).join(', ');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
