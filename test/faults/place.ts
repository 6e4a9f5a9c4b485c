import { join } from 'node:path';
import { openFileLake } from '../../connectors/file/lake.ts';
import { openS3 } from '../../connectors/s3/client.ts';
import { openS3Lake } from '../../connectors/s3/lake.ts';
import { s3Settings } from '../../connectors/s3/settings.ts';
import type { Lake } from '../../lake/lake.ts';
import { storageOptions } from '../support/deltalake.ts';
import { startS3 } from '../support/s3.ts';
import type { DeltaPlace } from './delta-reader.ts';

export type LakeKind = 'file' | 's3';

/** Where the lake of a project is: how the project's file names it, how the test reads it, how delta-rs does. */
export interface LakePlace {
  /** The value of `lake:`. */
  readonly yaml: string;
  /** What a process needs to reach it. */
  readonly env: Readonly<Record<string, string>>;
  /** Opens it for a test; `root` is the project's folder. */
  open(root: string): Lake;
  /** A table of it in delta-rs's words. */
  table(root: string, name: string): DeltaPlace;
  close(): Promise<void>;
}

/** Puts something between the engine and an S3 server: takes the server's endpoint, gives the one that the engine is to use. */
export type Detour = (endpoint: string) => Promise<string>;

/** A folder of the project, or a bucket of a strict S3 server of its own; tests reach that straight, the engine by the detour. */
export async function openLakePlace(kind: LakeKind, detour: Detour = async (endpoint) => endpoint): Promise<LakePlace> {
  if (kind === 'file')
    return {
      yaml: '{ type: file, path: lake }',
      env: {},
      open: (root) => openFileLake(join(root, 'lake')),
      table: (root, name) => ({ path: join(root, 'lake', name) }),
      close: async () => undefined,
    };
  const server = await startS3('versitygw');
  const { bucket, region, endpoint } = server;
  const s3 = openS3(s3Settings({ bucket, region, endpoint, prefix: 'lake' }));
  return {
    yaml: JSON.stringify({ type: 's3', bucket, region, endpoint: await detour(endpoint), prefix: 'lake' }),
    env: server.env,
    open: (root) => openS3Lake(s3, root),
    table: (_root, name) => ({ path: `s3://${bucket}/lake/${name}`, options: storageOptions(server) }),
    async close() {
      await s3.close();
      await server.close();
    },
  };
}
