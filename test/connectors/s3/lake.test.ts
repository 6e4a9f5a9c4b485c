import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openS3 } from '../../../connectors/s3/client.ts';
import { openS3Lake } from '../../../connectors/s3/lake.ts';
import { s3Settings } from '../../../connectors/s3/settings.ts';
import { lakeConformance } from '../../conformance/lake.ts';
import { missingS3, s3Kinds, startS3 } from '../../support/s3.ts';
import { suite } from '../../support/suite.ts';

for (const kind of s3Kinds) {
  const missing = await missingS3(kind);
  if (missing !== undefined) {
    suite(`the lake contract, by S3 (${kind})`, (s) => s.skip('all of it', missing));
    continue;
  }
  const server = await startS3(kind);
  const root = mkdtempSync(join(tmpdir(), 'engine-s3-lake-'));
  let count = 0;
  lakeConformance(`S3 (${kind})`, async () => {
    const prefix = `team a/lake-${++count}`;
    const s3 = openS3(s3Settings({ bucket: server.bucket, prefix, endpoint: server.endpoint, region: server.region }));
    return {
      lake: openS3Lake(s3, root),
      again: () => openS3Lake(s3, root),
      close: async () => {
        await s3.close();
        await rm(root, { recursive: true, force: true });
      },
    };
  });
}
