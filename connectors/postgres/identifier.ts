import type { Relation } from '../../engine/config.ts';

/** An SQL identifier, quoted: the one place where names become SQL (Postgres docs, 4.1.1). Throws on a NUL or an empty name. */
export function quoteIdentifier(name: string): string {
  if (name === '' || name.includes('\0')) throw new RangeError('an identifier has at least one character and no NUL');
  return `"${name.replaceAll('"', '""')}"`;
}

/** `"schema"."name"`. */
export function quoteRelation(relation: Relation): string {
  return `${quoteIdentifier(relation.schema)}.${quoteIdentifier(relation.name)}`;
}

/** A text constant, safe whatever `standard_conforming_strings` says; for statements that take no parameters (SET, COPY options, DuckDB's postgres_query). */
export function quoteLiteral(text: string): string {
  if (text.includes('\0')) throw new RangeError('text in SQL has no NUL');
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}

/** A relation for a person: quoted only where SQL asks for it. */
export function showRelation(relation: Relation): string {
  const show = (name: string): string => (/^[a-z_][a-z0-9_]*$/.test(name) ? name : quoteIdentifier(name));
  return `${show(relation.schema)}.${show(relation.name)}`;
}
