import { mkdtempSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { checkup } from '../../../connectors/s3/checkup.ts';
import { openS3 } from '../../../connectors/s3/client.ts';
import { actions } from '../../../connectors/s3/error.ts';
import { openS3Lake } from '../../../connectors/s3/lake.ts';
import { s3Settings } from '../../../connectors/s3/settings.ts';
import { onEachS3 } from '../../support/s3.ts';
import { type Passing, s3Answer, standBetween } from '../../support/s3-between.ts';

/** The right that a request needs, by Amazon's "Actions, resources, and condition keys for Amazon S3". */
function rightFor({ method, url }: Passing): string {
  const { pathname, searchParams } = new URL(url, 'http://any');
  if (/^\/[^/]+\/?$/.test(pathname) && method === 'GET' && searchParams.get('list-type') === '2') return 's3:ListBucket';
  if (method === 'GET' || method === 'HEAD') return 's3:GetObject';
  if (method === 'PUT' || method === 'POST') return 's3:PutObject';
  if (method === 'DELETE') return searchParams.has('uploadId') ? 's3:AbortMultipartUpload' : 's3:DeleteObject';
  return `${method} ${url}`;
}

await onEachS3('the rights that a lake on S3 needs', ({ test }, server) => {
  test('are those of the policy in docs/s3.md, within its prefix, and no others', async () => {
    const text = readFileSync(join(import.meta.dirname, '../../../docs/s3.md'), 'utf8');
    const policy = JSON.parse(/```json\n(\{\s+"Version"[^`]*)```/.exec(text)?.[1] ?? 'null') as {
      readonly Statement: readonly { readonly Action: string | readonly string[] }[];
    };
    const allowed = policy.Statement.flatMap((s) => s.Action).sort();
    assert.equal([...new Set(Object.values(actions))].sort(), allowed);

    const root = mkdtempSync(join(tmpdir(), 'engine-s3-policy-'));
    const between = await standBetween(server().endpoint);
    const s3 = openS3(s3Settings({ bucket: server().bucket, prefix: 'production', endpoint: between.endpoint }));
    try {
      const lake = openS3Lake(s3, root);
      await lake.createIfAbsent('t/a', new Uint8Array(1));
      await lake.replace('t/b', new Uint8Array(1));
      await lake.read('t/a');
      await lake.read('t/absent');
      await (await lake.fetch('t/a')).release();
      for await (const file of lake.list('t')) assert.ok(file.size === 1);
      for await (const file of lake.list('')) assert.ok(file.size === 1);
      await lake.remove('t/b');
      const writer = await lake.write('t/run');
      await writeFile(join(writer.localFolder, 'large'), Buffer.alloc(9 * 1024 * 1024));
      await writer.publish('large');
      await writer.close('discard');
      const failing = await lake.write('t/run');
      await writeFile(join(failing.localFolder, 'large'), Buffer.alloc(9 * 1024 * 1024));
      between.decide = ({ url }) => (url.includes('partNumber=2') ? s3Answer(400, 'EntityTooLarge') : 'pass');
      await failing.publish('large').then(
        () => assert.unreachable('it is refused'),
        () => undefined,
      );
      between.decide = () => 'pass';
      await failing.close('discard');
      assert.equal(
        (await checkup(s3)).map((c) => c.outcome),
        ['ok', 'ok', 'ok', 'ok'],
      );
      assert.equal([...new Set(between.seen.map(rightFor))].sort(), allowed);
      for (const { url } of between.seen) {
        const { pathname, searchParams } = new URL(url, 'http://any');
        const place = searchParams.get('list-type') === '2' ? `/lake/${searchParams.get('prefix') ?? ''}` : pathname;
        assert.ok(place.startsWith('/lake/production/'), url);
      }
      for await (const file of lake.list('')) assert.is(file.path, 't/a', 'what doctor wrote is gone');
    } finally {
      await s3.close();
      await between.close();
      await rm(root, { recursive: true, force: true });
    }
  });
});
