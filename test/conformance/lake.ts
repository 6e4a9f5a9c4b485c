import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { EngineError } from '../../engine/error.ts';
import { commit } from '../../lake/commit.ts';
import type { Lake } from '../../lake/lake.ts';
import { readTable } from '../../lake/log.ts';
import { at, engineCommit, idAndText, stillClock } from '../support/lake-table.ts';
import { suite } from '../support/suite.ts';

/** An empty lake for one test. `again` opens the same place once more, as another process would. */
export interface LakeUnderTest {
  readonly lake: Lake;
  again(): Lake;
  close(): Promise<void>;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (content: Uint8Array | undefined): string | undefined =>
  content === undefined ? undefined : new TextDecoder().decode(content);

function same(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0;
}

async function paths(lake: Lake, folder: string, startAfter?: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const file of lake.list(folder, startAfter)) found.push(file.path);
  return found;
}

/** The error's code, or what came instead of an error. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    (value) => `no error: ${String(value)}`,
    (error: unknown) => (error instanceof EngineError ? error.code : `no EngineError: ${String(error)}`),
  );
}

/** What the Lake contract promises, for every implementation of it. */
export function lakeConformance(name: string, open: () => Promise<LakeUnderTest>): void {
  suite(`the lake contract, by ${name}`, ({ test }) => {
    const withLake = (title: string, body: (under: LakeUnderTest) => Promise<void>): void =>
      test(title, async () => {
        const under = await open();
        try {
          await body(under);
        } finally {
          await under.close();
        }
      });

    withLake('nothing is there at first', async ({ lake }) => {
      assert.is(await lake.read('t/_delta_log/00000000000000000000.json'), undefined);
      assert.equal(await paths(lake, 't'), []);
      assert.equal(await paths(lake, ''), []);
    });

    withLake('a created file has its whole content, once', async ({ lake, again }) => {
      const content = new Uint8Array(300_000).map((_, i) => i % 251);
      assert.is(await lake.createIfAbsent('t/a', content), 'created');
      assert.ok(same(await again().read('t/a'), content));
      assert.is(await lake.createIfAbsent('t/a', bytes('other')), 'exists');
      assert.is(await again().createIfAbsent('t/a', content), 'exists', 'also with the same content');
      assert.ok(same(await lake.read('t/a'), content));
    });

    withLake('an empty file is a file', async ({ lake }) => {
      assert.is(await lake.createIfAbsent('t/empty', new Uint8Array()), 'created');
      assert.is((await lake.read('t/empty'))?.length, 0);
      assert.is(await lake.createIfAbsent('t/empty', bytes('x')), 'exists');
    });

    withLake('of many writers of one name exactly one wins, and its content is what stands there', async ({ lake, again }) => {
      for (let round = 0; round < 5; round += 1) {
        const places = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? lake : again()));
        const outcomes = await Promise.all(
          places.map((place, i) => place.createIfAbsent(`t/${round}`, bytes(`writer ${i} `.repeat(1000)))),
        );
        const winners = outcomes.flatMap((outcome, i) => (outcome === 'created' ? [i] : []));
        assert.is(winners.length, 1);
        assert.is(text(await lake.read(`t/${round}`)), `writer ${winners[0]} `.repeat(1000));
      }
    });

    withLake('a replaced file is the old one or the new one for every reader', async ({ lake, again }) => {
      await lake.replace('t/_last_checkpoint', bytes('0'.repeat(50_000)));
      const reader = again();
      let done = false;
      const seen = new Set<string>();
      const reading = (async () => {
        while (!done) seen.add(text(await reader.read('t/_last_checkpoint')) ?? 'absent');
      })();
      for (let i = 1; i < 10; i += 1) await lake.replace('t/_last_checkpoint', bytes(String(i).repeat(50_000)));
      done = true;
      await reading;
      for (const content of seen) assert.is(content, (content[0] ?? '?').repeat(50_000));
      assert.is(text(await lake.read('t/_last_checkpoint')), '9'.repeat(50_000));
    });

    withLake('a listing is in code unit order of whole paths, below a folder, after a path', async ({ lake }) => {
      const made = [
        't/a-b/2',
        't/a/1',
        't/a/10',
        't/a.b',
        't/B',
        't/_delta_log/00000000000000000002.json',
        't/a/9/x',
        'tt/1',
        't/a0',
        't/é',
      ];
      for (const path of made) await lake.createIfAbsent(path, bytes(path));
      const sorted = made.filter((p) => p.startsWith('t/')).sort((a, b) => (a < b ? -1 : 1));
      assert.equal(await paths(lake, 't'), sorted);
      for (const start of [...sorted, 't/a', 't/a/', 't/a0', 't/zz', 't/a/99', ''])
        assert.equal(
          await paths(lake, 't', start),
          sorted.filter((p) => p > start),
          `after ${start}`,
        );
      assert.equal(await paths(lake, 't/a'), ['t/a/1', 't/a/10', 't/a/9/x']);
      assert.equal(
        await paths(lake, ''),
        [...made].sort((a, b) => (a < b ? -1 : 1)),
      );
      for await (const file of lake.list('t/a.b')) assert.unreachable(`a file is no folder: ${file.path}`);
      for await (const file of lake.list('tt')) {
        assert.is(file.size, 4);
        assert.ok(Math.abs(file.modifiedMs - Date.now()) < 24 * 3600 * 1000);
      }
    });

    withLake('odd characters in names are kept', async ({ lake }) => {
      const odd = 't/a b\'c"d#e?f%20g+h&i=j;k@l:m,n[o]{p}~q é日本.x';
      assert.is(await lake.createIfAbsent(odd, bytes('odd')), 'created');
      assert.equal(await paths(lake, 't'), [odd]);
      assert.is(text(await lake.read(odd)), 'odd');
      const { localPath, release } = await lake.fetch(odd);
      assert.is(text(await readFile(localPath)), 'odd');
      await release();
      await lake.remove(odd);
      assert.equal(await paths(lake, 't'), []);
    });

    withLake('a path that leads out of the lake is refused by every method', async ({ lake }) => {
      for (const path of ['../x', 't/../../x', '/etc/passwd', 't//x', './x', 't/.', 't/..', 'a\0b', 't/']) {
        assert.is(await codeOf(lake.read(path)), 'lake.path-outside', path);
        assert.is(await codeOf(lake.createIfAbsent(path, bytes(''))), 'lake.path-outside', path);
        assert.is(await codeOf(lake.replace(path, bytes(''))), 'lake.path-outside', path);
        assert.is(await codeOf(lake.fetch(path)), 'lake.path-outside', path);
        assert.is(await codeOf(lake.write(path)), 'lake.path-outside', path);
        assert.is(await codeOf(lake.remove(path)), 'lake.path-outside', path);
        assert.is(await codeOf(paths(lake, path)), 'lake.path-outside', path);
      }
    });

    withLake('published parts are in the lake, with their size; the rest is not', async ({ lake, again }) => {
      const writer = await lake.write('t/run 1');
      await writeFile(join(writer.localFolder, 'part-0.parquet'), 'first part');
      await writeFile(join(writer.localFolder, 'part-1.parquet'), 'never published');
      assert.is(await writer.publish('part-0.parquet'), 10);
      await writer.close('keep');
      await writer.close('keep');
      assert.equal(await paths(again(), 't'), ['t/run 1/part-0.parquet']);
      const { localPath, release } = await again().fetch('t/run 1/part-0.parquet');
      assert.is(text(await readFile(localPath)), 'first part');
      await release();
    });

    withLake('a writer that discards leaves nothing', async ({ lake }) => {
      const writer = await lake.write('t/run-1');
      for (const part of ['part-0', 'part-1']) await writeFile(join(writer.localFolder, part), part);
      await writer.publish('part-0');
      await writer.close('discard');
      assert.equal(await paths(lake, 't'), []);
      assert.is(await stat(writer.localFolder).catch(() => 'gone'), 'gone');
      await writer.close('discard');
    });

    withLake('to publish what was not written is an error', async ({ lake }) => {
      const writer = await lake.write('t/run-1');
      assert.is(await codeOf(writer.publish('part-0')), 'lake.file-missing');
      await writer.close('keep');
    });

    withLake('to fetch what is absent is an error, to remove it is none', async ({ lake }) => {
      assert.is(await codeOf(lake.fetch('t/nothing')), 'lake.file-missing');
      await lake.remove('t/nothing');
    });

    withLake('the address is the same for everybody who means the same place', async ({ lake, again }) => {
      assert.is(again().uri, lake.uri);
      await lake.createIfAbsent('t/a', bytes('a'));
      assert.is(again().uri, lake.uri);
    });

    withLake('of many commits of one version exactly one stands; the others are refused', async ({ lake, again }) => {
      const base = await readTable(lake, 't');
      const race = Array.from({ length: 12 }, (_, i) =>
        commit(
          i % 2 === 0 ? lake : again(),
          base,
          {
            commit: engineCommit({ run: `run-${i}`, extractedAt: at(i) }),
            fields: idAndText,
            configuration: {},
            files: [{ path: `run-${i}/part-0.parquet`, size: 1, rows: 1 }],
            check: async () => undefined,
          },
          stillClock(0),
        ).then(
          (result) => `version ${result.version}`,
          (error: unknown) => (error instanceof EngineError ? error.code : String(error)),
        ),
      );
      const outcomes = await Promise.all(race);
      assert.equal(
        outcomes.filter((o) => o === 'version 0'),
        ['version 0'],
      );
      assert.is(outcomes.filter((o) => o === 'lake.moved').length, 11);
      const state = await readTable(again(), 't');
      assert.is(state.version, 0);
      assert.is(state.files.length, 1);
      assert.is(state.files[0]?.add.path, `${state.last?.commit.run}/part-0.parquet`);
    });
  });
}
