import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Client } from 'pg';

const blockChars = 64 * 1024;

/** Lines in blocks of about 64 KB, no more of them at a time than the receiver takes. */
export function* blocks(count: number, line: (i: number) => string, progress: (rows: number) => void): Generator<Buffer> {
  let block = '';
  for (let i = 0; i < count; i += 1) {
    block += line(i);
    if (block.length >= blockChars) {
      yield Buffer.from(block);
      block = '';
      progress(i + 1);
    }
  }
  if (block !== '') yield Buffer.from(block);
  progress(count);
}

/** Streams blocks into `COPY ... FROM STDIN`; ends with the signal's reason when it is aborted. */
export async function copyInto(client: Client, statement: string, source: Iterable<Buffer>, signal: AbortSignal): Promise<void> {
  const { from } = await import('pg-copy-streams');
  await pipeline(Readable.from(source, { objectMode: true, highWaterMark: 4 }), client.query(from(statement)), { signal });
}
