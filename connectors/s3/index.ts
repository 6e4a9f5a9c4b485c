import type { Checkup, Connector } from '../../engine/connector.ts';
import { openS3 } from './client.ts';
import { openS3Lake } from './lake.ts';
import { s3Settings } from './settings.ts';

/** A lake in a bucket of Amazon S3, or of a server that speaks its protocol with conditional writes. */
export const connector: Connector = {
  type: 's3',
  open(name, settings, scope) {
    const s3 = openS3(s3Settings(settings));
    const checkup = async (): Promise<readonly Checkup[]> => (await import('./checkup.ts')).checkup(s3);
    return { name, type: 's3', lake: openS3Lake(s3, scope.root), checkup, close: () => s3.close() };
  },
  nodes: [],
};
