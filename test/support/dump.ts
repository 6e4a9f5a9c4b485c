import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

/** Runs a plain dump of pg_dump on a session: statements, and the rows of each `COPY ... FROM stdin;` up to its `\.`. No psql needed. */
export async function restoreDump(client: pg.Client, path: string): Promise<void> {
  const lines = (await readFile(path, 'utf8')).split('\n');
  let statements: string[] = [];
  const flush = async (): Promise<void> => {
    if (statements.some((line) => line.trim() !== '')) await client.query(statements.join('\n'));
    statements = [];
  };
  for (let i = 0; i < lines.length; i += 1) {
    const line = lines[i] ?? '';
    if (!/^COPY .* FROM stdin;$/.test(line)) {
      if (!line.startsWith('\\')) statements.push(line);
      continue;
    }
    await flush();
    const end = lines.indexOf('\\.', i);
    const rows = lines.slice(i + 1, end).map((row) => `${row}\n`);
    await pipeline(Readable.from(rows), client.query(copyFrom(line.replace(/;$/, ''))));
    i = end;
  }
  await flush();
}
