import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import * as assert from 'uvu/assert';
import { checkup } from '../../../connectors/s3/checkup.ts';
import { openS3, type S3 } from '../../../connectors/s3/client.ts';
import { openS3Lake } from '../../../connectors/s3/lake.ts';
import { s3Settings } from '../../../connectors/s3/settings.ts';
import { partSizeFor } from '../../../connectors/s3/upload.ts';
import { redact } from '../../../engine/base/secret.ts';
import { commit } from '../../../lake/commit.ts';
import type { Lake } from '../../../lake/lake.ts';
import { readTable } from '../../../lake/log.ts';
import { codeOf } from '../../conformance/lake.ts';
import { makeCertificates } from '../../support/certificates.ts';
import { errorOf } from '../../support/engine-error.ts';
import { at, engineCommit, idAndText, stillClock } from '../../support/lake-table.ts';
import { onEachS3, type S3Server, startS3 } from '../../support/s3.ts';
import { type Between, s3Answer, standBetween } from '../../support/s3-between.ts';
import { waitUntil } from '../../support/wait.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (content: Uint8Array | undefined): string | undefined =>
  content === undefined ? undefined : new TextDecoder().decode(content);
const partPut = /[?&]partNumber=2&/;

await onEachS3('S3 when things go wrong', ({ test, before, after }, s3, kind) => {
  let server: S3Server;
  let between: Between;
  const root = mkdtempSync(join(tmpdir(), 'engine-s3-faults-'));
  const opened: S3[] = [];
  let count = 0;

  before(async () => {
    server = s3();
    between = await standBetween(server.endpoint);
  });
  after(async () => {
    for (const one of opened) await one.close();
    await between.close();
    await rm(root, { recursive: true, force: true });
  });

  /** A new place in the bucket, reached through what stands between. */
  const lakeAt = (more: Record<string, string | boolean> = {}): { readonly lake: Lake; readonly prefix: string } => {
    const prefix = String(more.prefix ?? `lake-${++count}`);
    const one = openS3(s3Settings({ bucket: server.bucket, endpoint: between.endpoint, ...more, prefix }));
    opened.push(one);
    between.seen.length = 0;
    between.decide = () => 'pass';
    return { lake: openS3Lake(one, root), prefix };
  };
  const uploads = async (): Promise<number> => {
    const client = new S3Client({ endpoint: server.endpoint, region: server.region, forcePathStyle: true });
    const found = await client.send(new ListMultipartUploadsCommand({ Bucket: server.bucket }));
    client.destroy();
    return (found.Uploads ?? []).length;
  };
  const publishLarge = async (lake: Lake, size: number): Promise<{ readonly content: Buffer; readonly published: Promise<number> }> => {
    const writer = await lake.write('t/run');
    const content = Buffer.alloc(size);
    for (let i = 0; i < size; i += 4) content.writeUInt32LE((i * 2654435761) >>> 0, i);
    await writeFile(join(writer.localFolder, 'part-0'), content);
    return { content, published: writer.publish('part-0').finally(() => writer.close('keep')) };
  };
  const contentOf = async (lake: Lake, path: string): Promise<Buffer> => {
    const { localPath, release } = await lake.fetch(path);
    const content = readFileSync(localPath);
    await release();
    return content;
  };
  const once = (matches: (method: string, url: string) => boolean, fate: ReturnType<Between['decide']>, times = 1): Between['decide'] => {
    let left = times;
    return ({ method, url }) => (left > 0 && matches(method, url) && left-- > 0 ? fate : 'pass');
  };

  test('a large part goes up by parts, and comes back the same; nothing stays on this machine', async () => {
    const { lake } = lakeAt();
    const { content, published } = await publishLarge(lake, 20 * 1024 * 1024 + 4);
    assert.is(await published, content.length);
    assert.is(between.seen.filter((p) => /[?&]partNumber=\d/.test(p.url)).length, 5);
    assert.ok((await contentOf(lake, 't/run/part-0')).equals(content));
    assert.is(await uploads(), 0);
    assert.equal(readdirSync(join(root, '.engine', 'tmp')), []);
  });

  test('an upload that fails is aborted: no parts are left to be paid for', async () => {
    const { lake } = lakeAt();
    between.decide = ({ url }) => (partPut.test(url) ? s3Answer(403, 'AccessDenied') : 'pass');
    const { published } = await publishLarge(lake, 20 * 1024 * 1024);
    const error = await errorOf(published);
    assert.is(error.code, 'lake.no-right');
    assert.match(error.hint ?? '', 's3:PutObject');
    assert.is(await uploads(), 0);
    assert.is(await lake.read('t/run/part-0'), undefined);
  });

  test('the lost answer of the last request of an upload is found out', async () => {
    const { lake } = lakeAt();
    let ends = 0;
    between.decide = ({ method, url }) => {
      if (method !== 'POST' || !/[?&]uploadId=/.test(url)) return 'pass';
      ends += 1;
      // Some servers know an upload no more once it is complete.
      return ends === 1 ? 'lose answer' : s3Answer(404, 'NoSuchUpload');
    };
    const { content, published } = await publishLarge(lake, 10 * 1024 * 1024);
    assert.is(await published, content.length);
    assert.is(ends, 2);
    assert.ok((await contentOf(lake, 't/run/part-0')).equals(content));
  });

  test('an upload whose end is refused is no upload: the part is not there', async () => {
    const { lake } = lakeAt();
    between.decide = ({ method, url }) => (method === 'POST' && /[?&]uploadId=/.test(url) ? s3Answer(400, 'InvalidPart') : 'pass');
    const { published } = await publishLarge(lake, 10 * 1024 * 1024);
    assert.is(await codeOf(published), 'lake.s3');
    assert.is(await lake.read('t/run/part-0'), undefined);
    assert.is(await uploads(), 0);
  });

  test('an error inside a 200 answer to the last request of an upload is an error, and tried again', async () => {
    const { lake } = lakeAt();
    between.decide = once((method, url) => method === 'POST' && /[?&]uploadId=/.test(url), s3Answer200('InternalError'), 2);
    const { content, published } = await publishLarge(lake, 10 * 1024 * 1024);
    assert.is(await published, content.length);
    assert.ok((await contentOf(lake, 't/run/part-0')).equals(content));
  });

  test('the lost answer of a conditional write is found out: the commit is ours', async () => {
    const { lake } = lakeAt();
    between.decide = once((method, url) => method === 'PUT' && url.includes('_delta_log'), 'lose answer');
    const done = await commit(
      lake,
      await readTable(lake, 't'),
      { commit: engineCommit({ extractedAt: at(1) }), fields: idAndText, configuration: {}, files: [], check: async () => undefined },
      stillClock(0),
    );
    assert.equal(done, { version: 0, alreadyThere: true });
    assert.is((await readTable(lake, 't')).version, 0);
  });

  test('a refusal that follows a lost answer does not say that nothing was written', async () => {
    const { lake } = lakeAt();
    await lake.createIfAbsent('t/first', bytes('x'));
    let puts = 0;
    between.decide = ({ method }) => {
      if (method !== 'PUT') return 'pass';
      puts += 1;
      return puts === 1 ? 'lose answer' : s3Answer(403, 'AccessDenied');
    };
    const after = await errorOf(lake.createIfAbsent('t/a', bytes('a')));
    assert.equal([after.code, after.retryable, puts], ['lake.no-right', true, 2]);
    assert.is(text(await lake.read('t/a')), 'a', 'and it was written');
    const alone = await errorOf(lake.createIfAbsent('t/b', bytes('b')));
    assert.equal([alone.code, alone.retryable], ['lake.no-right', false]);
  });

  test('409 means that another write is under way: it is tried again', async () => {
    const { lake } = lakeAt();
    await lake.createIfAbsent('t/first', bytes('x'));
    between.decide = once((method) => method === 'PUT', s3Answer(409, 'ConditionalRequestConflict'), 3);
    assert.is(await lake.createIfAbsent('t/a', bytes('a')), 'created');
    assert.is(await lake.createIfAbsent('t/a', bytes('b')), 'exists');
    assert.is(text(await lake.read('t/a')), 'a');
  });

  test('a conditional write that stays in conflict is an error that may be tried again', async () => {
    const { lake } = lakeAt();
    await lake.createIfAbsent('t/first', bytes('x'));
    between.decide = ({ method }) => (method === 'PUT' ? s3Answer(409, 'ConditionalRequestConflict') : 'pass');
    const error = await errorOf(lake.createIfAbsent('t/a', bytes('a')));
    assert.equal([error.code, error.retryable], ['lake.busy', true]);
  });

  test('503 SlowDown and 500 InternalError are tried again, by every method', async () => {
    const { lake } = lakeAt();
    const ill = [s3Answer(503, 'SlowDown'), s3Answer(500, 'InternalError'), 'pass'] as const;
    between.decide = ({ index }) => ill[index % 3] ?? 'pass';
    assert.is(await lake.createIfAbsent('t/a', bytes('a')), 'created');
    await lake.replace('t/b', bytes('b'));
    assert.is(text(await lake.read('t/a')), 'a');
    const names: string[] = [];
    for await (const file of lake.list('t')) names.push(file.path);
    assert.equal(names, ['t/a', 't/b']);
    assert.is((await contentOf(lake, 't/b')).toString(), 'b');
    await lake.remove('t/b');
    between.decide = () => 'pass';
    assert.is(await lake.read('t/b'), undefined);
  });

  // Half a minute of patience, once.
  if (kind === 'moto')
    test('a server that stays overloaded is an error that may be tried again', async () => {
      const { lake } = lakeAt();
      between.decide = () => s3Answer(503, 'SlowDown');
      const error = await errorOf(lake.read('t/a'));
      assert.equal([error.code, error.trouble, error.retryable], ['lake.busy', 'outside', true]);
    });

  test('a body that breaks on its way is read again, whole', async () => {
    const { lake } = lakeAt();
    const content = 'content '.repeat(50_000);
    await lake.createIfAbsent('t/a', bytes(content));
    between.decide = once((method) => method === 'GET', 'cut body', 2);
    assert.is(text(await lake.read('t/a')), content);
    between.decide = once((method) => method === 'GET', 'cut body', 2);
    assert.is((await contentOf(lake, 't/a')).toString(), content);
  });

  if (kind === 'moto')
    test('200 with an error in its body is never taken for an empty listing, a file or a write', async () => {
      const { lake } = lakeAt();
      await lake.createIfAbsent('t/a', bytes('a'));
      between.decide = () => s3Answer200('InternalError');
      const list = async (): Promise<number> => {
        let files = 0;
        for await (const file of lake.list('t')) files += file.size;
        return files;
      };
      for (const [what, work] of [
        ['list', list],
        ['read', () => lake.read('t/a')],
        ['fetch', () => lake.fetch('t/a')],
        ['create', () => lake.createIfAbsent('t/b', bytes('b'))],
        ['replace', () => lake.replace('t/b', bytes('b'))],
      ] as const) {
        const error = await errorOf(work());
        assert.ok(['lake.busy', 'lake.odd-answer', 'lake.not-s3'].includes(error.code), `${what}: ${error.code}`);
      }
    });

  test('a server that answers 501 to a conditional write cannot be used', async () => {
    const { lake } = lakeAt();
    between.decide = ({ headers }) => (headers['if-none-match'] === undefined ? 'pass' : s3Answer(501, 'NotImplemented'));
    const error = await errorOf(lake.createIfAbsent('t/a', bytes('a')));
    assert.equal([error.code, error.retryable], ['lake.no-conditional-put', false]);
    assert.match(error.hint ?? '', 'cannot be used for a lake');
  });

  if (kind === 'moto')
    test('a server that overwrites in silence is found out before the first commit', async () => {
      const { lake } = lakeAt();
      between.decide = () => ({ without: 'if-none-match' });
      assert.is(await codeOf(lake.createIfAbsent('t/a', bytes('a'))), 'lake.no-conditional-put');
      between.decide = () => 'pass';
      assert.is(await lake.read('t/a'), undefined);
    });

  test('what a server refuses has a code and the way out, and never the secret', async () => {
    const { lake } = lakeAt();
    const cases: readonly (readonly [ReturnType<Between['decide']>, string, RegExp])[] = [
      [s3Answer(403, 'AccessDenied'), 'lake.no-right', /s3:GetObject on arn:aws:s3:::lake\/lake-\d+\/\*.*s3:ListBucket/],
      [s3Answer(403, 'InvalidAccessKeyId'), 'lake.bad-credentials', /AWS_ACCESS_KEY_ID/],
      [s3Answer(403, 'SignatureDoesNotMatch', `${server.credentials.secretAccessKey}`), 'lake.bad-credentials', /AWS_SECRET_ACCESS_KEY/],
      [s3Answer(400, 'ExpiredToken'), 'lake.credentials-expired', /aws sso login/],
      [s3Answer(403, 'RequestTimeTooSkewed'), 'lake.clock-skew', /NTP/],
      [s3Answer(404, 'NoSuchBucket'), 'lake.no-bucket', /Make the bucket/],
      [
        { status: 301, body: '<Error><Code>PermanentRedirect</Code></Error>', headers: { 'x-amz-bucket-region': 'eu-central-1' } },
        'lake.wrong-region',
        /region: eu-central-1/,
      ],
      [s3Answer(403, 'InvalidObjectState'), 'lake.archived', /Glacier/],
      [s3Answer(507, 'XMinioStorageFull'), 'lake.disk-full', /Free some space/],
    ];
    for (const [fate, code, hint] of cases) {
      between.decide = () => fate;
      const error = await errorOf(lake.read('t/a'));
      assert.is(error.code, code);
      assert.match(error.hint ?? '', hint);
      assert.is(error.trouble, 'outside');
      assert.not.ok(redact(`${error.message} ${error.hint}`).includes(server.credentials.secretAccessKey));
    }
    between.decide = () => s3Answer(403, 'AccessDenied');
    assert.match((await errorOf(lake.remove('t/a'))).hint ?? '', 's3:DeleteObject');
    assert.match((await errorOf(lake.replace('t/a', bytes('')))).hint ?? '', 's3:PutObject');
  });

  test('where the right to list is bound to a prefix, an absent file is answered with 403, and told from a forbidden one', async () => {
    const { lake } = lakeAt();
    await lake.createIfAbsent('t/there', bytes('x'));
    between.decide = ({ method, url }) => (method === 'GET' && !url.includes('list-type') ? s3Answer(403, 'AccessDenied') : 'pass');
    assert.is(await lake.read('t/absent'), undefined);
    assert.is(await codeOf(lake.read('t/there')), 'lake.no-right');
    assert.is(await codeOf(lake.read('t/ther')), 'no error: undefined');
    between.decide = () => s3Answer(403, 'AccessDenied');
    assert.is(await codeOf(lake.read('t/absent')), 'lake.no-right', 'when it may not be listed either');
  });

  test('doctor names what fails, with the way out, and leaves nothing behind', async () => {
    const prefix = `doctor-${++count}`;
    const one = openS3(s3Settings({ bucket: server.bucket, endpoint: between.endpoint, prefix }));
    opened.push(one);
    const found = async (fate: Between['decide']): Promise<readonly string[]> => {
      between.decide = fate;
      return (await checkup(one)).map((c) => `${c.subject} ${c.outcome}`);
    };
    assert.equal(await found(() => 'pass'), ['bucket ok', 'commit ok', 'read ok', 'remove ok']);
    assert.equal(await found(() => s3Answer(403, 'AccessDenied')), ['bucket fail']);
    assert.equal(await found(({ method }) => (method === 'PUT' ? s3Answer(501, 'NotImplemented') : 'pass')), [
      'bucket ok',
      'commit fail',
      'remove ok',
    ]);
    assert.equal(await found(({ method }) => (method === 'DELETE' ? s3Answer(403, 'AccessDenied') : 'pass')), [
      'bucket ok',
      'commit ok',
      'read ok',
      'remove fail',
    ]);
    if (kind === 'moto') assert.equal(await found(() => ({ without: 'if-none-match' })), ['bucket ok', 'commit fail', 'remove ok']);
    between.decide = () => s3Answer(403, 'AccessDenied');
    assert.match((await checkup(one))[0]?.hint ?? '', 's3:ListBucket on arn:aws:s3:::lake');
  });

  test('a bucket that is not there is no absent file', async () => {
    const { lake } = lakeAt({ bucket: 'not-there' });
    assert.is(await codeOf(lake.read('t/a')), 'lake.no-bucket');
  });

  if (kind === 'moto')
    test('a server that cannot be reached, or is none of S3, says so', async () => {
      const closed = createServer();
      await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
      const { port } = closed.address() as AddressInfo;
      await new Promise((resolve) => closed.close(resolve));
      assert.is(await codeOf(lakeAt({ endpoint: `http://127.0.0.1:${port}` }).lake.read('t/a')), 'lake.unreachable');
      assert.is(await codeOf(lakeAt({ endpoint: `http://no-such-host.invalid:${port}` }).lake.read('t/a')), 'lake.unreachable');
      const { lake } = lakeAt();
      between.decide = () => ({ status: 200, body: '<html><body>hello</body></html>', headers: { 'content-type': 'text/html' } });
      assert.ok(['lake.odd-answer', 'lake.not-s3'].includes(await codeOf(lake.read('t/a'))));
      const listed = async (): Promise<void> => {
        for await (const file of lake.list('t')) assert.unreachable(file.path);
      };
      assert.ok(['lake.odd-answer', 'lake.not-s3'].includes(await codeOf(listed())), 'a page of the web is no empty listing');
    });

  test('a certificate is trusted when its authority is named, else refused', async () => {
    const folder = mkdtempSync(join(root, 'tls-'));
    const certificates = makeCertificates(folder, 'nobody');
    const secure = await startS3(kind, { certificate: { cert: certificates.serverCert, key: certificates.serverKey } });
    try {
      const to = { endpoint: secure.endpoint };
      const { lake } = lakeAt({ ...to, caFile: certificates.authority });
      assert.is(await lake.createIfAbsent('t/a', bytes('a')), 'created');
      assert.is(await codeOf(lakeAt(to).lake.read('t/a')), 'lake.tls');
      assert.is(await codeOf(lakeAt({ ...to, caFile: certificates.otherAuthority }).lake.read('t/a')), 'lake.tls');
      assert.is(await codeOf(lakeAt({ ...to, caFile: join(folder, 'nothing') }).lake.read('t/a')), 'lake.ca-file');
      process.env.AWS_CA_BUNDLE = certificates.authority;
      assert.is(await codeOf(lakeAt(to).lake.read('t/b')), 'no error: undefined');
    } finally {
      delete process.env.AWS_CA_BUNDLE;
      await secure.close();
    }
  });

  if (kind === 'versitygw')
    test('an access key that the server does not know is no absent file', async () => {
      const right = process.env.AWS_ACCESS_KEY_ID;
      process.env.AWS_ACCESS_KEY_ID = 'AKIANOBODY';
      try {
        assert.is(await codeOf(lakeAt().lake.read('t/a')), 'lake.bad-credentials');
      } finally {
        process.env.AWS_ACCESS_KEY_ID = right;
      }
    });

  if (kind === 'versitygw')
    test('a wrong secret is refused by name, and stays a secret', async () => {
      const right = process.env.AWS_SECRET_ACCESS_KEY;
      process.env.AWS_SECRET_ACCESS_KEY = 'another/secret+0123456789';
      try {
        const error = await errorOf(lakeAt().lake.read('t/a'));
        assert.is(error.code, 'lake.bad-credentials');
        assert.not.match(`${error.message} ${error.hint}`, 'another/secret');
        assert.is(redact('it is another/secret+0123456789'), 'it is ***');
      } finally {
        process.env.AWS_SECRET_ACCESS_KEY = right;
      }
    });

  test('a listing of more files than a page holds has all of them, from any place on', async () => {
    const { lake } = lakeAt();
    const names = Array.from({ length: 1_203 }, (_, i) => `t/${String(i).padStart(20, '0')}.json`);
    for (let from = 0; from < names.length; from += 24)
      await Promise.all(names.slice(from, from + 24).map((name) => lake.replace(name, bytes(name))));
    const list = async (after?: string): Promise<readonly string[]> => {
      const found: string[] = [];
      for await (const file of lake.list('t', after)) found.push(file.path);
      return found;
    };
    between.seen.length = 0;
    assert.equal(await list(), names);
    assert.is(between.seen.length, 2, 'pages');
    between.seen.length = 0;
    assert.equal(await list(names[1_100]), names.slice(1_101));
    assert.is(between.seen.length, 1, 'what comes before is not listed');
    assert.equal(await list(names[3]), names.slice(4));
  });

  test('every character that a name can have comes back as it was', async () => {
    const { lake } = lakeAt({ prefix: `odd ${++count} +%20&é` });
    const odd = [...' !"#$%&\'()*+,-.:;<=>?@[\\]^_`{|}~', 'é', '日本', '%2F', '%25', 'a+b', '++', 'a b', '&amp;', 'ß', '\u{1F600}'];
    for (const name of odd) assert.is(await lake.createIfAbsent(`t/x${name}y/${name}z`, bytes(name)), 'created', name);
    const found: string[] = [];
    for await (const file of lake.list('t')) found.push(file.path);
    assert.equal(found.sort(), odd.map((name) => `t/x${name}y/${name}z`).sort());
    for (const name of odd) assert.is((await contentOf(lake, `t/x${name}y/${name}z`)).toString(), name);
    for (const name of odd) await lake.remove(`t/x${name}y/${name}z`);
    for await (const file of lake.list('t')) assert.unreachable(file.path);
  });

  test('every write carries a checksum, unless a setting lowers that', async () => {
    const checksums = async (more: Record<string, string>): Promise<readonly boolean[]> => {
      const { lake } = lakeAt(more);
      await lake.createIfAbsent('t/a', bytes('a'));
      await lake.replace('t/b', bytes('b'));
      const { published } = await publishLarge(lake, 9 * 1024 * 1024);
      await published;
      const writes = between.seen.filter((p) => p.method === 'PUT');
      assert.ok(writes.length >= 5);
      return writes.map((p) => p.headers['x-amz-checksum-crc32'] !== undefined);
    };
    assert.not((await checksums({})).includes(false));
    assert.not((await checksums({ checksums: 'when_required' })).includes(true));
  });

  if (kind === 'versitygw')
    test('credentials come from a profile too; none at all is an error of its own', async () => {
      const file = join(root, 'credentials');
      const { accessKeyId, secretAccessKey } = server.credentials;
      await writeFile(file, `[lake]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`);
      const kept = { ...process.env };
      delete process.env.AWS_ACCESS_KEY_ID;
      delete process.env.AWS_SECRET_ACCESS_KEY;
      try {
        assert.is(await codeOf(lakeAt().lake.read('t/a')), 'lake.no-credentials');
        process.env.AWS_SHARED_CREDENTIALS_FILE = file;
        process.env.AWS_PROFILE = 'lake';
        assert.is(await codeOf(lakeAt().lake.read('t/a')), 'no error: undefined');
        process.env.AWS_PROFILE = 'other';
        assert.is(await codeOf(lakeAt().lake.read('t/a')), 'lake.no-credentials');
      } finally {
        delete process.env.AWS_PROFILE;
        Object.assign(process.env, kept);
      }
    });

  test('without an endpoint of its own a lake needs a region', async () => {
    const one = openS3(s3Settings({ bucket: server.bucket }));
    opened.push(one);
    assert.is(await codeOf(openS3Lake(one, root).read('t/a')), 'lake.no-region');
  });

  test('a listing that writes a space as `+`, as Amazon does, is read so', async () => {
    const { lake, prefix } = lakeAt();
    const contents = ['a+b%2Bc', 'd%20e'].map((name) => `<Contents><Key>${prefix}/t/${name}</Key><Size>1</Size></Contents>`).join('');
    const body = `<?xml version="1.0"?><ListBucketResult><Name>lake</Name><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>${contents}</ListBucketResult>`;
    between.decide = () => ({ status: 200, body, headers: { 'content-type': 'application/xml' } });
    const found: string[] = [];
    for await (const file of lake.list('t')) found.push(file.path);
    assert.equal(found, ['t/a b+c', 't/d e']);
  });

  test('a folder for data files is new, or an error', async () => {
    const { lake } = lakeAt();
    const writer = await lake.write('t/run-1');
    await writeFile(join(writer.localFolder, 'part'), 'x');
    await writer.publish('part');
    await writer.close('keep');
    assert.is(await codeOf(lake.write('t/run-1')), 'lake.folder-taken');
  });

  test('parts may be published at once, and empty ones too', async () => {
    const { lake } = lakeAt();
    const writer = await lake.write('t/run');
    const sizes = [0, 1, 1000, 9 * 1024 * 1024, 5];
    for (const [i, size] of sizes.entries()) await writeFile(join(writer.localFolder, `part-${i}`), Buffer.alloc(size, i));
    assert.equal(await Promise.all(sizes.map((_, i) => writer.publish(`part-${i}`))), sizes);
    assert.equal(readdirSync(writer.localFolder), []);
    await writer.close('discard');
    await waitUntil(async () => (await lake.read('t/run/part-3')) === undefined, 'the parts to be gone');
    for await (const file of lake.list('t')) assert.unreachable(file.path);
  });

  test('parts grow so that 10,000 of them hold the largest object', () => {
    const mebibyte = 1024 * 1024;
    assert.is(partSizeFor(1), 5 * mebibyte);
    assert.is(partSizeFor(50_000 * mebibyte), 5 * mebibyte);
    const largest = 5 * mebibyte * mebibyte;
    assert.ok(Math.ceil(largest / partSizeFor(largest)) <= 10_000);
    assert.is(partSizeFor(largest) % mebibyte, 0);
  });
});

function s3Answer200(code: string): ReturnType<Between['decide']> {
  return s3Answer(200, code);
}
