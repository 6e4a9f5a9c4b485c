import type { Relation } from '../config.ts';

/** `relation` when the text names one; else `problem` in plain words, with what to write instead where that is clear. */
export type ParsedRelation = { readonly relation: Relation } | { readonly problem: string; readonly hint: string };

/** Postgres cuts longer names off (docs, 4.1.1): two names could become one. */
const maxNameBytes = 63;

/** Reads `schema.table` as SQL writes it, double-quoted parts included; a bare name is in `defaultSchema`. Parts without quotes are lower-case letters, digits and `_`. */
export function parseRelation(text: string, defaultSchema: string): ParsedRelation {
  const parts: string[] = [];
  let rest = text;
  for (;;) {
    const part = /^(?:"((?:[^"]|"")+)"|([a-z_][a-z0-9_]*))(?:(\.)(?=.)|$)/.exec(rest);
    if (part === null) return { problem: `${'`'}${text}${'`'} is no SQL name`, hint: rewrite(text) };
    parts.push(part[1]?.replaceAll('""', '"') ?? part[2] ?? '');
    rest = rest.slice(part[0].length);
    if (part[3] === undefined) break;
  }
  if (parts.length > 2)
    return { problem: `\`${text}\` has ${parts.length} parts`, hint: 'Write `schema.table`; the database is in the URL.' };
  const long = parts.find((part) => Buffer.byteLength(part) > maxNameBytes || part.includes('\0'));
  if (long !== undefined)
    return {
      problem: `\`${long}\` is longer than Postgres's names, which have at most ${maxNameBytes} bytes`,
      hint: 'Write the name as Postgres stores it.',
    };
  const name = parts.at(-1) ?? '';
  return { relation: { schema: parts.length === 2 ? (parts[0] ?? '') : defaultSchema, name } };
}

/** What is most likely meant: each part in double quotes that needs them. */
function rewrite(text: string): string {
  const plain = text.replaceAll('"', '').split('.');
  if (plain.length > 2 || plain.some((part) => part.trim() === ''))
    return 'Write `schema.table` as in SQL, odd parts in double quotes: \'"Sales"."Order Line"\'.';
  const quoted = plain.map((part) => (/^[a-z_][a-z0-9_]*$/.test(part) ? part : `"${part}"`)).join('.');
  return `Parts with anything but lower-case letters, digits and \`_\` go in double quotes, as in SQL: '${quoted}'.`;
}
