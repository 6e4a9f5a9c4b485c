import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Json } from '../../engine/base/json.ts';
import { deltaPython } from '../support/deltalake.ts';

/** Where a Delta table lies, in delta-rs's own words: a folder or a URL, and its storage options. */
export interface DeltaPlace {
  readonly path: string;
  readonly options?: Readonly<Record<string, string>>;
}

/** The latest row of each key, by `_extracted_at`. */
export interface LatestRows {
  /** Of the table's log. */
  readonly version: number;
  /** The newest version that brought rows. */
  readonly dataVersion: number;
  /** Timestamps as ISO text; `times` says how often this version of the key is there: once, or something is wrong. */
  readonly rows: readonly { readonly [column: string]: Json }[];
  /** All rows of all versions. */
  readonly versionsOfRows: number;
  /** Paths of the active files. */
  readonly files: readonly string[];
}

/** One delta-rs at work for many questions: starting it costs a second. */
export interface DeltaReader {
  latest(place: DeltaPlace, key: string): Promise<LatestRows>;
  close(): Promise<void>;
}

const script = `
import datetime, json, sys
import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder

def show(value):
    return value.isoformat() if isinstance(value, (datetime.datetime, datetime.date)) else value

for line in sys.stdin:
    try:
        asked = json.loads(line)
        dt = DeltaTable(asked['path'], storage_options=asked['options'])
        key = asked['key']
        sql = (f'SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY "{key}" ORDER BY "_extracted_at" DESC) AS place, '
               f'count(*) OVER (PARTITION BY "{key}", "_extracted_at") AS times, count(*) OVER () AS everything FROM t) WHERE place = 1')
        rows = pa.table(QueryBuilder().register('t', dt).execute(sql).read_all()).to_pylist()
        answer = {
            'version': dt.version(), 'dataVersion': dt.transaction_version('engine.data'), 'files': dt.file_uris(),
            'versionsOfRows': rows[0]['everything'] if rows else 0,
            'rows': [{k: show(v) for k, v in row.items()} for row in rows],
        }
    except Exception as error:
        answer = {'error': repr(error)}
    print(json.dumps(answer), flush=True)
`;

/** Starts it. The caller closes it. */
export async function openDeltaReader(): Promise<DeltaReader> {
  const child: ChildProcess = spawn(await deltaPython(), ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('delta-rs has no pipes');
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  let turn: Promise<unknown> = Promise.resolve();
  const ask = async (question: object): Promise<LatestRows> => {
    stdin.write(`${JSON.stringify(question)}\n`);
    const { value, done } = await lines.next();
    if (done === true) throw new Error('delta-rs ended');
    const answer = JSON.parse(value) as LatestRows | { readonly error: string };
    if ('error' in answer) throw new Error(`delta-rs: ${answer.error}`);
    return answer;
  };
  return {
    latest(place, key) {
      const mine = turn.then(() => ask({ path: place.path, options: place.options ?? {}, key }));
      turn = mine.catch(() => undefined);
      return mine;
    },
    async close() {
      if (child.exitCode !== null) return;
      stdin.end();
      await once(child, 'exit');
    },
  };
}
