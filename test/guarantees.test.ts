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
    "A masked column's plain values leave the source nowhere: not in files, staging, the state store, logs, plans or errors",
    'The salt of hashes is in no statement on the source, and another salt or mask asks for a full run',
    'Names may hold all that Postgres allows',
    'Names that Delta forbids, and two that differ only by case, get a clean unique one in the lake',
    'Generated, identity and dropped columns',
    'Tables with no columns, no rows or no key',
    'Partitioned and inherited parents, views, foreign tables',
    'A wildcard takes a partitioned parent and not its parts as well',
    'Two tables never land in one folder or one target',
    'A row that cannot fit the memory budget is a clear error',
  ],
  '3': [
    'On a folder a version is created only if absent: of many writers one wins, and no torn entry is ever seen',
    'On S3 too, by a conditional PUT',
    'The entry says what came: files with their rows, removals, schema, protocol, and what extract it was',
    'A full extract removes every file before it',
    'The protocol asks for `timestampNtz` only where such a column is',
    "The table's properties keep readers and writers from cleaning its log, or forgetting its fence",
    'The fence survives checkpoints and the cleaning of the log, and may go back',
    'A compaction by others brings nothing to load; rows that others add or remove are seen',
    'Where an entry or its files are gone the loader takes all active files as a full',
    'After a lost answer the own commit is recognised and not repeated',
    "Somebody else's rows in between make the commit give up",
    'An extract that is not above the newest is refused',
    'An attempt that is no longer the newest does not commit',
    'No rows: the fence still moves, with an entry that adds no file',
    'A listing is never a commit: what no entry names is not read',
    'Odd characters in names and keys are kept, and none leads out of the lake',
    'A writer that fails leaves nothing behind',
    'Parts are uploaded as they are finished, and none is kept on this machine',
    'A bucket that is not there is a failure with the way out, without the secret',
    'A checkpoint every so many commits; readers see the same table through it',
    'Reading the log stays quick after years: 10,000 commits, 100,000 files',
    'delta-rs reads every type with edge values, and odd names, from a folder and from a bucket',
    'The query for the latest version of each row, in the docs, gives it',
    'S3: retries on 500, 503 and SlowDown, an error inside a 200 answer, an upload that is aborted, a listing of many pages',
    'Files that no commit names can be found and removed',
  ],
  '4': [
    'The ledger is written with the rows, and tells after a lost COMMIT answer',
    'What a version is decides how it is loaded, not the pipeline that loads it',
    'Versions are loaded in order, and the newest full one stands for all before it',
    'With nothing new, nothing is emptied',
    'No reader sees an empty or partial table, also not with an older snapshot',
    'A full load waits for readers in short steps, and names one that never ends',
    'Views, grants, indexes and comments survive a full load',
    'Staging that cannot be loaded safely is refused by name',
    'Constraints, unique indexes and triggers that somebody added to staging are kept to, aloud',
    'Rows whose image is the same are not rewritten; a change of image is one',
    'A key twice in one extract is an error that names it',
    'Of two loaders of one table the second waits or is refused',
    'A worker that was declared dead does not commit, and whoever takes over ends what it holds',
    'With `load: append` every version is kept, and the same image is not added again',
    'A lake table that was made anew replaces staging; one that was put back to an older state is refused',
    'A session that dies before the commit leaves nothing',
    'A deadlock, a serialization failure and a restart of the server in the middle are tried again',
  ],
  '5': [
    '`run_results.json` is believed only if this invocation wrote it',
    'Two invocations at once share no target and no log path',
    'A crash or a compile error is a failure',
    'After a crash everything is built again',
    'Secrets stand in no command line, file or line of output',
    'Models take the latest version per key, by what was extracted since',
    'Deleted rows leave analytics with a full refresh',
    'A relationships test runs only when both of its models are built',
  ],
  '6': [
    'No row lost: writers that commit late, abort and prepare, a hot row, runs killed at random; then source, lake and staging are equal',
    'The comparison itself finds what is missing, twice or different',
    "No row twice: a SIGKILL in an extract, in a load, and between a load's commit and its event",
    'Every named effect can be struck before and after, and none is left out',
    'Values: every type and edge, source to lake to staging, compared by `::text`',
    'delta-rs and DuckDB give the same latest rows per key',
    'Two independent S3 servers pass the same suite as a folder',
    'A fault before and after each named effect, in full and incremental runs, on a folder and on S3',
    'A run that stands still in any phase is taken over, and commits no more when it wakes up',
    'Proxies before Postgres and S3 that delay, cut, answer 503 and drop answers',
  ],
  '7': [
    "A schedule fires by cron(8)'s rule around every change of the clocks, in every zone",
    'Every time fires exactly once, while daemons and runs are killed, stopped and cut off',
    'A leader that was taken over decides nothing more',
    'After a downtime what `catchup` says is made up for, and no more',
    'A clock that is set back fires nothing twice',
    'A changed schedule never fires the past',
    'Pipelines that share a table never run at once',
    'A run whose process died is gone on with, once, and not for ever',
    'An edited file that has findings does not touch what is in force',
    'Told to stop, the daemon lets its runs end, or stops them and has them gone on with',
  ],
  '8': [
    'Counts for monitoring only rise, whatever is sent twice, removed or restarted, and all daemons tell the same',
    'A store that fails or hangs keeps neither health checks nor scrapes, and is told as such',
    "No secret leaves by the daemon's log",
    'Its log has each event of the runs that it starts once, in order',
    'Copies of configurations stay while a daemon goes by them, and no longer than a day after',
    'A warehouse that is older than the lake catches up; a lake that is older is refused; whatever is lost is made anew',
    'A store is never worked on by an engine that is older than it',
    'Without a token nobody from elsewhere reads or does anything by the API',
    'A page of somebody else in the same browser neither reads nor does anything',
    'Big bodies and connections that are held open keep nobody from being served',
    "No path leads out of the page's folder, and markup in names is never run",
    'Tokens and cookies can be read neither from the store nor from a log, and end when they are revoked',
    'A stream of events that breaks is gone on with, and each event comes once',
    'What somebody does by the API is kept, refused tries too',
    'Whatever is asked of the API, it has no 5xx of its own',
    'What needs attention is told once when it begins and once when it is over, across restarts and takeovers',
    'An alarm that could not be sent is tried again until it was taken or a day has gone by, and is to be seen meanwhile',
    'A channel that fails or hangs keeps neither schedules nor other channels',
    'That no daemon was there is told by the one that comes next',
    'No secret leaves by an alarm, and no markup in a name or an error works in one',
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

  test('each promise is a row of its section, or said to be without a test', () => {
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
      [
        '1. What an incremental extract takes',
        '2. Values',
        '3. The lake',
        '4. The load',
        '5. dbt',
        '6. How it is proven',
        '7. Schedules',
        '8. Operation',
      ],
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
