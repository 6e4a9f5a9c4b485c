import { secretName } from '../base/secret.ts';

/** Stands for what is not shown. */
export const hidden = '***';
/** A value that says nothing: a switch, a mask, or nothing but variables. */
export const plainValue = /^(?:true|false|null|~|off|hash|redact|plain|\d+|(["']?)(?:\$\{[A-Za-z_][A-Za-z0-9_]*\})+\1)?$/;

/** YAML's collections in braces and brackets, from line to line. */
export interface Flow {
  /** True while one is open. */
  isOpen(): boolean;
  /** True where nothing says that what is open is a secret, so that the lines behind one that was never closed need not be hidden. */
  mayEnd(): boolean;
  /** A line, or what is left of it from its first brace on, without the values of keys that sound like secrets, however deep they are and in how many lines. Takes no longer than the square of its length. */
  read(code: string): string;
  /** Reads it as what is not shown, whatever its keys are. */
  hide(code: string): void;
  /** A line too long to be read: all of it is hidden, and so is what it leaves open. */
  skip(line: string): void;
  /** None is open any more: the file is not well formed. */
  end(): void;
}

/** Keys of which nothing is shown that is in them. */
const secretBlock = /^\s*["']?headers["']?\s*$/;
const plainRun = /(?:\$\{[^{}]*\}|[^,{}[\]])+/y;
const colonNext = /\s*:/y;

/** `anchored`: the names of anchors whose values are secret. */
export function createFlow(anchored: ReadonlySet<string>): Flow {
  /** Open ones, the outermost first: true where nothing in it is shown. */
  const levels: boolean[] = [];
  /** The value that is read, or comes next, is not shown: until a comma, or the end of what it is in. */
  let secret = false;
  /** The quote that a hidden text goes on in. A text that is shown is not followed into the next line: where a quote is missing, what is a text and what is not would change places. */
  let quote = '';
  const end = (): void => {
    levels.length = 0;
    secret = false;
    quote = '';
  };
  const isHidden = (): boolean => secret || levels.at(-1) === true;
  const isSecret = (key: string): boolean => secretName.test(key) || secretBlock.test(key) || (/^\s*"/.test(key) && key.includes('\\'));

  const read = (code: string): string => {
    let out = '';
    let at = 0;
    const put = (text: string): void => {
      if (!isHidden()) out += text;
      else if (text.trim() === '') out += out.endsWith(hidden) ? '' : text;
      else if (!out.endsWith(hidden)) out += hidden;
      at += text.length;
    };
    const putValue = (text: string): void => {
      if (secret && levels.at(-1) !== true && plainValue.test(text)) {
        out += text;
        at += text.length;
      } else put(text);
      // A key may have its colon in the next line.
      if (isSecret(text) && code.slice(at).trim() === '') secret = true;
    };
    const putKey = (key: string, colon: string): void => {
      put(key + colon);
      if (!isHidden()) secret = isSecret(key);
    };
    const bracket = (mark: string): void => {
      if (mark === '{' || mark === '[') {
        const within = isHidden();
        put(mark);
        levels.push(within);
      } else {
        if (levels.pop() !== true) out += out.endsWith(hidden) && code.charAt(at - 1) === ' ' ? ` ${mark}` : mark;
        at += 1;
      }
      secret = false;
    };
    const text = (mark: string): void => {
      const close = closing(code, at + (quote === '' ? 1 : 0), mark);
      const whole = code.slice(at, close);
      if (close === undefined) {
        quote = isHidden() ? mark : '';
        put(whole);
        secret = true;
        return;
      }
      quote = '';
      colonNext.lastIndex = close;
      const colon = colonNext.exec(code)?.[0];
      if (colon === undefined || isHidden()) putValue(whole);
      else putKey(whole, colon);
    };
    const plain = (): void => {
      plainRun.lastIndex = at;
      const run = (plainRun.exec(code)?.[0] ?? code.charAt(at)).trimEnd();
      const colon = run.search(/:(?=\s|$)/);
      const close = colon < 0 ? run.indexOf(':') : colon;
      const isKey = close >= 0 && (colon >= 0 || secretName.test(run.slice(0, close)));
      if (isKey && !isHidden()) putKey(run.slice(0, close), ':');
      else {
        const anchor = /^&(\S+)/.exec(run)?.[1];
        if (anchor !== undefined && anchored.has(anchor)) secret = true;
        putValue(run);
      }
    };
    while (at < code.length) {
      const mark = code.charAt(at);
      if (quote !== '') text(quote);
      else if (/\s/.test(mark)) put(mark);
      else if (mark === ',') {
        if (levels.at(-1) !== true) secret = false;
        put(mark);
      } else if (/[{}[\]]/.test(mark)) bracket(mark);
      else if (mark === '"' || mark === "'") text(mark);
      else plain();
    }
    if (levels.length === 0) end();
    return out;
  };

  return {
    isOpen: () => levels.length > 0,
    mayEnd: () => quote === '' && !levels.includes(true),
    read,
    hide(code) {
      secret = true;
      read(code);
    },
    skip(line) {
      const opened = openedBy(line);
      for (let i = 0; i < opened; i += 1) levels.push(true);
      for (let i = 0; i > opened; i -= 1) levels.pop();
      secret = levels.length > 0;
      quote = '';
    },
    end,
  };
}

/** The place behind the quote that ends a text; undefined where none does. */
function closing(code: string, from: number, mark: string): number | undefined {
  for (let i = from; i < code.length; i += 1) {
    if (mark === '"' && code[i] === '\\') i += 1;
    else if (code[i] === mark) {
      if (mark === '"' || code[i + 1] !== mark) return i + 1;
      i += 1;
    }
  }
  return undefined;
}

/** How many braces and brackets stay open. A variable has none. */
function openedBy(line: string): number {
  let opened = 0;
  let variables = 0;
  for (let i = 0; i < line.length; i += 1) {
    const mark = line[i];
    if (mark === '{' && line[i - 1] === '$') variables += 1;
    else if (mark === '{' || mark === '[') opened += 1;
    else if (mark === '}' && variables > 0) variables -= 1;
    else if (mark === '}' || mark === ']') opened -= 1;
  }
  return opened;
}
