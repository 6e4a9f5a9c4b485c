import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Json } from '../../engine/base/json.ts';
import { pythonWith } from './python-packages.ts';
import type { S3Server } from './s3.ts';

/** delta-rs, a reader of Delta tables that shares no code with the engine, with pyarrow to hand its values over. */
const packages = ['deltalake==1.6.6', 'pyarrow==26.0.1'];

/** A table as delta-rs sees it. Values are text as `showValue` of the script has it; rows are in the order of the SQL. */
export interface DeltaTable {
  readonly version: number;
  readonly files: number;
  readonly rows: readonly { readonly [column: string]: Json }[];
  /** Oldest first. */
  readonly history: readonly { readonly [key: string]: Json }[];
  readonly fields: readonly { readonly name: string; readonly type: string; readonly metadata: { readonly [key: string]: Json } }[];
  readonly id: string;
  readonly configuration: { readonly [key: string]: string };
  readonly transactions: { readonly [appId: string]: number | null };
  readonly protocol: readonly [number, number];
}

const script = `
import datetime, decimal, json, sys
import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder

def show(value):
    if isinstance(value, bytes): return value.hex()
    if isinstance(value, (datetime.datetime, datetime.date)): return value.isoformat()
    if isinstance(value, decimal.Decimal): return format(value, 'f')
    if isinstance(value, float): return repr(value)
    if isinstance(value, int) and abs(value) > 2**53: return str(value)
    return value

path, sql, then, storage = sys.argv[1:5]
storage = json.loads(storage)
dt = DeltaTable(path, storage_options=storage)
if then == 'compact':
    dt.optimize.compact()
elif then == 'vacuum':
    dt.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
elif then == 'checkpoint':
    dt.create_checkpoint()
elif then.startswith('delete '):
    dt.delete(then[7:])
elif then == 'append':
    from deltalake import write_deltalake
    write_deltalake(dt, pa.table(QueryBuilder().register('t', dt).execute('SELECT * FROM t LIMIT 1').read_all()), mode='append')
dt = DeltaTable(path, storage_options=storage)
table = pa.table(QueryBuilder().register('t', dt).execute(sql).read_all())
schema = json.loads(dt.schema().to_json())
protocol = dt.protocol()
print(json.dumps({
    'version': dt.version(), 'files': len(dt.file_uris()),
    'rows': [{k: show(v) for k, v in row.items()} for row in table.to_pylist()],
    'history': list(reversed(dt.history())),
    'fields': [{'name': f['name'], 'type': f['type'], 'metadata': f['metadata']} for f in schema['fields']],
    'id': str(dt.metadata().id), 'configuration': dt.metadata().configuration,
    'transactions': {a: dt.transaction_version(a) for a in ('engine.fence', 'engine.data')},
    'protocol': [protocol.min_reader_version, protocol.min_writer_version],
}))
`;

/** The interpreter of an environment with delta-rs. */
export function deltaPython(): Promise<string> {
  return pythonWith(packages);
}

/**
 * Opens a table's folder with delta-rs and runs SQL on it (the table is `t`). `first` lets it change the table before: compact, vacuum, append a row
 * again, delete by a condition, write a checkpoint.
 */
export async function readDelta(
  path: string,
  sql = 'SELECT * FROM t',
  first: 'nothing' | 'compact' | 'vacuum' | 'append' | 'checkpoint' | `delete ${string}` = 'nothing',
  storage: Readonly<Record<string, string>> = {},
): Promise<DeltaTable> {
  const { stdout } = await promisify(execFile)(await deltaPython(), ['-c', script, path, sql, first, JSON.stringify(storage)], {
    maxBuffer: 256 * 1024 * 1024,
  });
  return JSON.parse(stdout) as DeltaTable;
}

/** What `readDelta` needs to read a table at `s3://bucket/...` on a server of the tests. */
export function storageOptions(server: S3Server): Readonly<Record<string, string>> {
  return {
    AWS_ENDPOINT_URL: server.endpoint,
    AWS_ALLOW_HTTP: 'true',
    AWS_REGION: server.region,
    AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
  };
}
