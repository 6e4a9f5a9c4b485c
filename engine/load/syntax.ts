import type { Finding, Span } from './findings.ts';

/** `confuses`: what the parser says of the rest of the file follows from this. */
export type SyntaxFinding = Finding & { readonly span: Span; readonly confuses: boolean };

const texts: Readonly<Record<string, { readonly message: string; readonly hint: string }>> = {
  TAB_AS_INDENT: { message: 'the line is indented with a tab', hint: 'YAML is indented with spaces; two for each level.' },
  BAD_INDENT: { message: 'the indentation fits nothing above it', hint: 'Keys of one block begin in the same column, with spaces.' },
  MULTILINE_IMPLICIT_KEY: {
    message: 'this is neither a key nor a value',
    hint: 'Is there a `:` missing behind a key, or a quote that does not end?',
  },
  BLOCK_AS_IMPLICIT_KEY: { message: 'a line holds two keys', hint: 'Put the second key on a line of its own, or the value in quotes.' },
  BLOCK_IN_FLOW: { message: 'a block cannot begin inside { } or [ ]', hint: 'Is a closing } or ] missing above?' },
  MISSING_CHAR: { message: 'something is missing here', hint: 'Look for a quote, a `:`, a `,`, a } or a ] that is missing.' },
  UNEXPECTED_TOKEN: {
    message: 'this cannot stand here',
    hint: 'Look for a quote, a `,` or a bracket too many or too few just before.',
  },
  BAD_DQ_ESCAPE: { message: 'this escape does not exist in "double quotes"', hint: "Write \\\\ for a backslash, or use 'single quotes'." },
  BAD_SCALAR_START: { message: 'a value without quotes cannot begin with this character', hint: 'Put the value in quotes.' },
  BAD_ALIAS: { message: 'this alias has no name', hint: 'A text that begins with `*` goes in quotes.' },
  TAG_RESOLVE_FAILED: { message: 'there is no such YAML tag', hint: 'Remove the `!...`: values need no tags here.' },
  BAD_DIRECTIVE: { message: 'there is no such YAML directive', hint: 'Remove the line that begins with %.' },
  KEY_OVER_1024_CHARS: { message: 'a key is longer than 1024 characters', hint: 'Is there a `:` missing behind a key?' },
  MULTIPLE_ANCHORS: { message: 'a value has two anchors', hint: 'Keep one `&name`.' },
  MULTIPLE_TAGS: { message: 'a value has two tags', hint: 'Remove the `!...`: values need no tags here.' },
};

const confusing = new Set(['BAD_INDENT', 'MULTILINE_IMPLICIT_KEY', 'BLOCK_IN_FLOW', 'MISSING_CHAR', 'UNEXPECTED_TOKEN']);

/** An error of the YAML parser in plain words, at the place where a person would look. */
export function syntaxFinding(code: string, parserText: string, text: string, pos: readonly [number, number]): SyntaxFinding {
  const begin = text.lastIndexOf('\n', pos[0] - 1) + 1;
  const line = text.slice(begin).split('\n', 1)[0] ?? '';
  const confuses = confusing.has(code);
  const tell = (span: Span, message: string, hint: string): SyntaxFinding => ({ span, confuses, code: 'config.syntax', message, hint });
  const known = texts[code];

  const tab = /^ *\t/.exec(line);
  if (tab !== null && texts.TAB_AS_INDENT !== undefined)
    return { ...tell([begin, begin + tab[0].length], texts.TAB_AS_INDENT.message, texts.TAB_AS_INDENT.hint), confuses: false };
  const variable = /[{,[]\s*(?:[\w"']+\s*:\s*)?(\$\{[^}]*\}?)/.exec(line);
  if (variable?.[1] !== undefined && confuses) {
    const from = begin + variable.index + variable[0].length - variable[1].length;
    return tell(
      [from, from + variable[1].length],
      'inside { } and [ ], a value with `${` needs quotes',
      'Write `{ url: "${NAME}" }`, or put the key on a line of its own.',
    );
  }
  if (/closing ["']quote/.test(parserText)) {
    const open = opener(text, text.length, `"'`);
    return tell([open, open + 1], 'this quote does not end', "Close it; a quote inside the text is doubled 'it''s' or escaped \"\\\"\".");
  }
  const bracket = /end with an? ([\]}])/.exec(parserText)?.[1];
  if (bracket !== undefined) {
    const open = opener(text, pos[0], bracket === ']' ? '[' : '{');
    return tell([open, open + 1], `this ${text.charAt(open)} does not end`, `Close it with ${bracket}.`);
  }
  const glued = /^\s*(?:- )?([\w.-]+:)[^\s:/]/.exec(line);
  if (code === 'MULTILINE_IMPLICIT_KEY' && glued?.[1] !== undefined) {
    const from = begin + line.indexOf(glued[1]);
    return tell([from, from + glued[1].length], 'there is no space behind the `:`', `Write \`${glued[1]} \` and then the value.`);
  }
  const from = pos[0] + (/^[ ]*/.exec(text.slice(pos[0]))?.[0].length ?? 0);
  const length = /^[^\s,{}[\]:]+/.exec(text.slice(from))?.[0].length ?? 1;
  return tell(
    [from, from + length],
    known?.message ?? `this is no YAML: ${parserText.charAt(0).toLowerCase()}${parserText.slice(1)}`,
    known?.hint ?? 'YAML is explained at https://yaml.org.',
  );
}

/** The innermost of these quotes or brackets that is open at `upTo`; that place itself when none is. */
function opener(text: string, upTo: number, wanted: string): number {
  const open: number[] = [];
  let quote: number | undefined;
  for (let i = 0; i < upTo; i += 1) {
    const char = text.charAt(i);
    if (quote !== undefined) {
      if (char === '\\' && text.charAt(quote) === '"') i += 1;
      else if (char === text.charAt(quote)) quote = undefined;
    } else if (`"'`.includes(char) && /(^|[\s:,[{-])$/.test(text.slice(Math.max(0, i - 1), i))) quote = i;
    else if (char === '#' && /(^|\s)$/.test(text.slice(Math.max(0, i - 1), i)))
      i = text.indexOf('\n', i) === -1 ? upTo : text.indexOf('\n', i);
    else if ('[{'.includes(char)) open.push(i);
    else if (']}'.includes(char)) open.pop();
  }
  if (wanted.includes('"')) return quote ?? upTo;
  return open.findLast((i) => wanted.includes(text.charAt(i))) ?? open.at(-1) ?? upTo;
}
