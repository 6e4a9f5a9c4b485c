import type { Finding, Span } from './findings.ts';

const texts: Readonly<Record<string, { readonly message: string; readonly hint: string }>> = {
  TAB_AS_INDENT: { message: 'the line is indented with a tab', hint: 'YAML is indented with spaces; two for each level.' },
  BAD_INDENT: { message: 'the indentation fits nothing above it', hint: 'Keys of one block begin in the same column, with spaces.' },
  MULTILINE_IMPLICIT_KEY: {
    message: 'a key goes over several lines',
    hint: 'Is there a `:` missing behind a key, or a quote that does not end?',
  },
  BLOCK_AS_IMPLICIT_KEY: {
    message: 'there is a second `: ` in this line',
    hint: 'Put the key on a line of its own, or the value in quotes.',
  },
  BLOCK_IN_FLOW: { message: 'a block cannot begin inside { } or [ ]', hint: 'Is a closing } or ] missing above?' },
  MISSING_CHAR: { message: 'something is missing here', hint: 'Look for a quote, a `,`, a } or a ] that is missing.' },
  UNEXPECTED_TOKEN: { message: 'this cannot stand here', hint: 'Look for a quote, a `,` or a bracket too many or too few just before.' },
  BAD_DQ_ESCAPE: { message: 'this escape does not exist in "double quotes"', hint: "Write \\\\ for a backslash, or use 'single quotes'." },
  BAD_SCALAR_START: { message: 'a value without quotes cannot begin with this character', hint: 'Put the value in quotes.' },
  BAD_ALIAS: { message: 'this alias has no name', hint: 'A text that begins with `*` goes in quotes.' },
  TAG_RESOLVE_FAILED: { message: 'there is no such YAML tag', hint: 'Remove the `!...`: values need no tags here.' },
  BAD_DIRECTIVE: { message: 'there is no such YAML directive', hint: 'Remove the line that begins with %.' },
  KEY_OVER_1024_CHARS: { message: 'a key is longer than 1024 characters', hint: 'Is there a `:` missing behind a key?' },
  MULTIPLE_ANCHORS: { message: 'a value has two anchors', hint: 'Keep one `&name`.' },
  MULTIPLE_TAGS: { message: 'a value has two tags', hint: 'Remove the `!...`: values need no tags here.' },
};

/** An error of the YAML parser in plain words, at the place where a person would look. */
export function syntaxFinding(
  code: string,
  parserText: string,
  text: string,
  pos: readonly [number, number],
): Finding & { readonly span: Span } {
  const from = pos[0];
  const rest = /^[^\s,{}[\]]+/.exec(text.slice(from, pos[1]))?.[0].length ?? 1;
  const span: Span = [from, from + rest];
  const begin = text.lastIndexOf('\n', from - 1) + 1;
  const line = text.slice(begin, text.indexOf('\n', from) === -1 ? undefined : text.indexOf('\n', from));
  const inFlow = /[{,[]\s*[\w"']*\s*:?\s*\$\{/.exec(line);
  if (inFlow !== null && code !== 'TAB_AS_INDENT') {
    const at = begin + line.indexOf('${');
    return {
      span: [at, at + (/^\$\{[^}]*\}?/.exec(text.slice(at))?.[0].length ?? 2)],
      code: 'config.syntax',
      message: 'inside { } and [ ], a value with `${` needs quotes',
      hint: 'Write `{ url: "${NAME}" }`, or put the key on a line of its own.',
    };
  }
  const tab = /^ *\t/.exec(line);
  if (tab !== null) return { span: [begin, begin + tab[0].length], code: 'config.syntax', ...known('TAB_AS_INDENT', parserText) };
  if (code === 'MISSING_CHAR') {
    const quote = /quote/.test(parserText);
    const what = quote ? 'a quote that ends the text is missing' : /\bspace\b/i.test(parserText) ? 'a space is missing' : undefined;
    return { span, code: 'config.syntax', ...known(code, parserText), ...(what === undefined ? {} : { message: what }) };
  }
  return { span, code: 'config.syntax', ...known(code, parserText) };
}

function known(code: string, parserText: string): { readonly message: string; readonly hint?: string } {
  return texts[code] ?? { message: `this is no YAML: ${parserText.charAt(0).toLowerCase()}${parserText.slice(1)}` };
}
