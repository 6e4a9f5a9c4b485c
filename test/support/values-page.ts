/** What was found of one type on its way. */
export interface PassedType {
  readonly group: string;
  readonly type: string;
  readonly example: string;
  readonly values: number;
  readonly lake: string;
  readonly staging: string;
  /** In a warehouse that has none of the source's own types. */
  readonly elsewhere: string;
  readonly outcome: string;
}

/** What was found of a value that the lake's own type cannot hold. */
export interface RefusedValue {
  readonly type: string;
  readonly value: string;
  readonly byDefault: string;
  readonly asString: string;
}

const widest = 60;

function cell(text: string): string {
  const short = [...text].length > widest ? `${[...text].slice(0, widest).join('')}…` : text;
  const seen = short
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
    .replaceAll('|', '\\|');
  return seen === '' ? "`''`" : seen.includes('`') ? `\`\` ${seen} \`\`` : `\`${seen}\``;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** The page on values, from what a test found. Ends with a newline. */
export function valuesPage(passed: readonly PassedType[], refused: readonly RefusedValue[]): string {
  const groups = [...new Set(passed.map((p) => p.group))];
  return `# What a value looks like on its way

Each type goes from a Postgres 18 source through the lake into staging with the values at its edges, and what comes out is compared with what went in: staging by Postgres's own text, the
lake by delta-rs. This page is that test's output; \`UPDATE_DOCS=1 npm run test:files connectors/postgres/values\` writes it anew, and the test fails while the page says something else.

A warehouse that lacks a type (an enum, a domain, a composite, an extension) takes what that type is made of, or text; the plan says so. Types whose values point into the source's own catalog
(\`regclass\`, \`aclitem\`) are text in staging, because another database has other tables and roles. The number beside an outcome is the number of values that were tried.

${groups
  .map(
    (group) =>
      `## ${group}\n\n${table(
        ['Postgres', 'example', 'lake', 'staging', 'staging that lacks the type', 'outcome'],
        passed
          .filter((p) => p.group === group)
          .map((p) => [
            cell(p.type),
            cell(p.example),
            cell(p.lake),
            p.staging === p.type ? 'the same' : cell(p.staging),
            p.elsewhere === p.staging ? '' : cell(p.elsewhere),
            `${p.outcome} (${p.values})`,
          ]),
      )}`,
  )
  .join('\n\n')}

## Values that the lake's own type cannot hold

They fail the extract by the name of the column, the key and the value, before anything is committed. \`columns: { types: { <column>: string } }\` takes the column as text; staging still has the type of the source, and takes that text.

${table(
  ['Postgres', 'value', 'by default', 'with `columns.types: string`'],
  refused.map((r) => [cell(r.type), cell(r.value), r.byDefault, r.asString]),
)}
`;
}
