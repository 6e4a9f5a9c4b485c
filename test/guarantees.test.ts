import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { namedTests } from './support/named-tests.ts';
import { suite } from './support/suite.ts';

const root = join(import.meta.dirname, '..');

/** What docs/guarantees.md has to have a row for (or name under "Not held by a test yet"), by the number of the section. */
const promised: Readonly<Record<string, readonly string[]>> = {
  '1': [
    'A row that commits after a run with an earlier cursor is taken by the next run',
    'Several transactions in one message lose nothing',
    'A row that is updated all the time is fresh after every run',
    'Extraction order decides, never the cursor',
    'Without any grant the fence holds too, by locks that every role may see',
    '`track_activities = off` and a hidden start are not taken for "no transaction"',
    "Only sessions that can write hold the fence; the engine's own keepers and subscribers' streams do not",
    'While a prepared transaction is open the fence stands still',
    'A transaction that is open for hours holds the fence, rows stay fresh, and after `maxHold` its holder is named',
    'A source that is a standby',
    'Times that come from elsewhere',
    'A clock that went back',
    'A failover to a new timeline of the same system',
    'Another system identifier or another database is refused',
    '`timestamp(0)`, `timestamp(3)` and `date` cursors',
    'A `timestamp` without time zone is read in the zone of its writers, and the repeated hour of autumn loses nothing',
    'Integer and text cursors',
    'NULL in a cursor',
    'The first run and full extracts',
    'What an extract means has changed',
    'A new column with old values that are not NULL asks for a full run',
    'Deletes are found by a full run, whatever ran before it',
    'Tables of a pipeline that share a source are read under one snapshot',
    'A keeper that dies fails the extract',
    'One extract per table at a time',
    'Rows that a statement took away under the snapshot fail the extract',
  ],
  '2': [
    'Every common type with its edges goes source, lake, staging unchanged, compared as text',
    'Arrays with lower bounds and NULLs, domains over composites, hstore, citext, ltree',
    'A type that the warehouse lacks becomes its base type or text',
    'Each lake column records its Postgres type, and staging has it',
    "Source columns with the names of the engine's own are a finding",
    'A value that the lake cannot hold fails by column, key and value before anything is committed',
    "`columns.types` is the way out for values that the lake's type cannot hold",
    "The session's settings are the engine's, whatever the server's or the role's are",
    'Another DateStyle, TimeZone, IntervalStyle and lc_monetary of the server change nothing',
    'Rows hidden by a policy are an error',
    'A database in SQL_ASCII is checked for valid UTF-8; LATIN1 arrives as UTF-8',
    'Names may hold all that Postgres allows',
    'Names that Delta forbids, and two that differ only by case, get a clean unique one in the lake',
    'Generated, identity and dropped columns',
    'Tables with no columns, no rows or no key',
    'Partitioned and inherited parents, views, foreign tables',
    'A wildcard takes a partitioned parent and not its parts as well',
    'Two tables never land in one folder or one target',
    'A row that cannot fit the memory budget is a clear error',
  ],
};
const openTitle = 'Not held by a test yet';

interface Row {
  readonly section: string;
  readonly promise: string;
  readonly tests: readonly { readonly file: string; readonly name: string }[];
}

/** The rows of a page's tables, and what stands in the list of promises without a test. */
function read(page: string): { readonly sections: readonly string[]; readonly rows: readonly Row[]; readonly open: readonly string[] } {
  const sections: string[] = [];
  const rows: Row[] = [];
  const open: string[] = [];
  for (const line of page.split('\n')) {
    const title = /^## (.+)$/.exec(line)?.[1];
    if (title !== undefined) sections.push(title);
    const section = sections.at(-1) ?? '';
    if (line.startsWith('- ') && section === openTitle) open.push(line.slice(2));
    const cells = /^\| (.+?) \| (.*) \|$/.exec(line);
    if (cells?.[1] === undefined || cells[1] === 'promise') continue;
    const tests = [...(cells[2] ?? '').matchAll(/`(test\/[^`]+\.ts)` "([^"]+)"/g)].map(([, file = '', name = '']) => ({ file, name }));
    rows.push({ section, promise: cells[1], tests });
  }
  return { sections, rows, open };
}

/** What is wrong with the tests that a page names: none, a file or a name that is not there. */
function troubles(rows: readonly Row[]): readonly string[] {
  return rows.flatMap((row) => {
    if (row.tests.length === 0) return [`${row.promise}: no test`];
    return row.tests.flatMap(({ file, name }) => {
      const path = join(root, file);
      if (!existsSync(path)) return [`${row.promise}: no file ${file}`];
      return namedTests(path).some((known) => known.test(name)) ? [] : [`${row.promise}: no test "${name}" in ${file}`];
    });
  });
}

suite('docs/guarantees.md', ({ test }) => {
  const page = read(readFileSync(join(root, 'docs', 'guarantees.md'), 'utf8'));

  test('every row names a test that exists', () => {
    assert.ok(page.rows.length > 40);
    assert.equal(troubles(page.rows), []);
  });

  test('each promise of the extract and of values is a row of its section, or said to be without a test', () => {
    for (const [number, promises] of Object.entries(promised)) {
      const has = new Set(page.rows.filter((row) => row.section.startsWith(`${number}. `)).map((row) => row.promise));
      assert.equal(
        promises.filter((promise) => has.has(promise) === page.open.includes(promise)),
        [],
        `in section ${number} these are in neither place, or in both`,
      );
    }
    const all = new Set(Object.values(promised).flat());
    assert.equal(
      page.open.filter((promise) => !all.has(promise)),
      [],
      'without a test, and not promised',
    );
  });

  test('it has a section for each part of the promise', () => {
    assert.equal(
      page.sections.filter((section) => section !== openTitle),
      ['1. What an incremental extract takes', '2. Values', '3. The lake', '4. The load', '5. dbt', '6. How it is proven'],
    );
  });

  test('a test that is renamed or gone, a file that is gone and a row without a test are found', () => {
    const row = (cell: string): string => `## 1. Section\n\n| promise | test |\n|---|---|\n| it holds | ${cell} |\n`;
    const found = (cell: string): number => troubles(read(row(cell)).rows).length;
    const self = '`test/guarantees.test.ts`';
    assert.is(found(`${self} "docs/guarantees.md: every row names a test that exists"`), 0);
    assert.is(found(`${self} "docs/guarantees.md: every row names a test that exist"`), 1);
    assert.is(found(`${self} "another suite: every row names a test that exists"`), 1);
    assert.is(found('`test/gone.test.ts` "docs/guarantees.md: every row names a test that exists"'), 1);
    assert.is(found(''), 1);
    assert.is(found('somebody looked'), 1);
    const lake = '`test/connectors/file/lake.test.ts`';
    assert.is(
      found(`${lake} "the lake contract, by a folder: an empty file is a file"`),
      0,
      'a suite of test/conformance, by its own name',
    );
    assert.is(found(`${lake} "the lake contract, by a shoe box: an empty file is a file"`), 1);
    const kill = '`test/end-to-end/kill.test.ts`';
    assert.is(found(`${kill} "SIGKILL: in the middle of a load (…): the next run ends with staging as the source"`), 0);
    assert.is(found(`${kill} "SIGKILL: in the midst of a load (…): the next run ends with staging as the source"`), 1);
    const shape = '`test/connectors/postgres/load-shape.test.ts`';
    assert.is(found(`${shape} "the shape of staging: a view is refused before anything is touched, and the plan says so"`), 0);
  });
});
