import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';

/** A name as the source writes it: fixed words, and `undefined` where it is filled in while running. */
type Name = readonly (string | undefined)[];

/** The values of a function's parameters where they are plain strings. */
type Bound = ReadonlyMap<string, Name>;

function isFunction(node: ts.Node | undefined): node is ts.ArrowFunction | ts.FunctionExpression | ts.FunctionDeclaration {
  return node !== undefined && (ts.isArrowFunction(node) || ts.isFunctionExpression(node) || ts.isFunctionDeclaration(node));
}

function nameOf(node: ts.Expression | undefined, bound: Bound): Name {
  if (node === undefined) return [undefined];
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (ts.isIdentifier(node)) return bound.get(node.text) ?? [undefined];
  if (ts.isTemplateExpression(node))
    return [node.head.text, ...node.templateSpans.flatMap((span) => [...nameOf(span.expression, bound), span.literal.text])];
  return [undefined];
}

function asPattern(name: Name): string {
  return name.map((part) => (part === undefined ? '.+' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))).join('');
}

/** What a call calls: the word itself, or the last one of `s.test`. */
function calleeOf(call: ts.CallExpression): string | undefined {
  if (ts.isIdentifier(call.expression)) return call.expression.text;
  return ts.isPropertyAccessExpression(call.expression) ? call.expression.name.text : undefined;
}

function each(node: ts.Node, visit: (node: ts.Node) => boolean): void {
  node.forEachChild((child) => {
    if (visit(child)) each(child, visit);
  });
}

interface Source {
  readonly path: string;
  readonly file: ts.SourceFile;
  readonly functions: ReadonlyMap<string, ts.ArrowFunction | ts.FunctionExpression | ts.FunctionDeclaration>;
  readonly imports: ReadonlyMap<string, string>;
  /** `test`, and the functions of this file that hand their own first parameter on to it. */
  readonly testers: ReadonlySet<string>;
  readonly literals: ReadonlySet<string>;
}

const sources = new Map<string, Source>();

function readSource(path: string): Source {
  const known = sources.get(path);
  if (known !== undefined) return known;
  const file = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
  const functions = new Map<string, ts.ArrowFunction | ts.FunctionExpression | ts.FunctionDeclaration>();
  const imports = new Map<string, string>();
  const literals = new Set<string>();
  each(file, (node) => {
    if (ts.isFunctionDeclaration(node) && node.name !== undefined) functions.set(node.name.text, node);
    if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && isFunction(node.initializer))
      functions.set(node.name.text, node.initializer);
    if (ts.isStringLiteralLike(node)) literals.add(node.text);
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier) && node.moduleSpecifier.text.startsWith('.')) {
      const bindings = node.importClause?.namedBindings;
      if (bindings !== undefined && ts.isNamedImports(bindings))
        for (const one of bindings.elements) imports.set(one.name.text, join(dirname(path), node.moduleSpecifier.text));
    }
    return true;
  });
  const testers = new Set(['test']);
  for (let grown = true; grown; ) {
    grown = false;
    for (const [name, made] of functions) {
      const first = made.parameters[0]?.name;
      if (testers.has(name) || first === undefined || !ts.isIdentifier(first)) continue;
      each(made, (node) => {
        if (ts.isCallExpression(node) && testers.has(calleeOf(node) ?? '')) {
          const given = node.arguments[0];
          if (given !== undefined && ts.isIdentifier(given) && given.text === first.text && !testers.has(name)) {
            testers.add(name);
            grown = true;
          }
        }
        return true;
      });
    }
  }
  const source = { path, file, functions, imports, testers, literals };
  sources.set(path, source);
  return source;
}

function testsIn(source: Source, suite: string, body: ts.Node, bound: Bound, found: string[]): void {
  const wrapped = (node: ts.Node): boolean => [...source.testers].some((name) => source.functions.get(name) === node);
  each(body, (node) => {
    if (wrapped(node)) return false;
    // With one argument it is the `test` of a pattern.
    if (!ts.isCallExpression(node) || node.arguments.length < 2 || !source.testers.has(calleeOf(node) ?? '')) return true;
    const name = nameOf(node.arguments[0], bound);
    // A name that stands in a list of cases: it has to be one of the file's own words.
    if (name.every((part) => part === undefined))
      found.push(...[...source.literals].filter((words) => words.includes(' ')).map((words) => `${suite}: ${asPattern([words])}`));
    else found.push(`${suite}: ${asPattern(name)}`);
    return true;
  });
}

function suitesIn(source: Source, body: ts.Node, bound: Bound, found: string[]): void {
  each(body, (node) => {
    // What a function declares counts where it is called.
    if (ts.isFunctionDeclaration(node) || (ts.isVariableDeclaration(node) && isFunction(node.initializer))) return false;
    if (!ts.isCallExpression(node)) return true;
    const callee = calleeOf(node);
    if (callee === 'suite') {
      const define = node.arguments[1];
      if (define !== undefined) testsIn(source, asPattern(nameOf(node.arguments[0], bound)), define, bound, found);
      return false;
    }
    if (callee === undefined) return true;
    const from = source.imports.get(callee);
    if (from !== undefined && !existsSync(from)) return true;
    const there = from === undefined ? source : readSource(from);
    const called = there.functions.get(callee);
    if (called?.body === undefined) return true;
    const values = new Map<string, Name>();
    for (const [i, parameter] of called.parameters.entries())
      if (ts.isIdentifier(parameter.name)) values.set(parameter.name.text, nameOf(node.arguments[i], bound));
    if (!declares(there, called)) return true;
    suitesIn(there, called, values, found);
    const given = node.arguments.filter(isFunction);
    // A function of the file that a suite of another file takes in (`onEachS3`).
    each(called, (inner) => {
      if (ts.isCallExpression(inner) && calleeOf(inner) === 'suite')
        for (const define of given) testsIn(source, asPattern(nameOf(inner.arguments[0], values)), define, bound, found);
      return true;
    });
    return true;
  });
}

function declares(source: Source, made: ts.Node): boolean {
  let found = false;
  each(made, (node) => {
    if (ts.isCallExpression(node)) {
      const callee = calleeOf(node);
      if (callee === 'suite') found = true;
      const inner = callee === undefined ? undefined : source.functions.get(callee);
      if (inner !== undefined && inner !== made && declares(source, inner)) found = true;
    }
    return !found;
  });
  return found;
}

/**
 * The names of all tests that a test file declares, as `suite: test`, each as a pattern whose open places are those that are filled in while running. Read
 * from the source, so that nothing runs; suites that the file takes from a function of another file (test/conformance) are its own.
 */
export function namedTests(path: string): readonly RegExp[] {
  const source = readSource(path);
  const found: string[] = [];
  suitesIn(source, source.file, new Map(), found);
  return found.map((pattern) => new RegExp(`^${pattern}$`, 's'));
}
