import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type * as Sdk from '@aws-sdk/client-s3';
import * as sdk from '@aws-sdk/client-s3';
import * as assert from 'uvu/assert';
import { missingS3, type S3Kind, type S3Server, s3Kinds, startS3 } from '../../support/s3.ts';
import { suite } from '../../support/suite.ts';

// The documented switch of the SDK, as connectors/s3 sets it.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';

const page = join(import.meta.dirname, '../../../docs/s3-servers.md');
const Bucket = 'lake';
const small = 'three';

type Send = Sdk.S3Client['send'];
interface At {
  readonly send: Send;
  /** A client of the same server with other settings. */
  other(settings: Sdk.S3ClientConfig): Send;
}

/** What a strict server must refuse, or answer in one way only. Each gives what is written on the page. */
const probes: readonly (readonly [string, (at: At) => Promise<string>])[] = [
  [
    'a write with the wrong Content-MD5',
    ({ send }) => said(send(new sdk.PutObjectCommand({ Bucket, Key: 'md5', Body: small, ContentMD5: 'AAAAAAAAAAAAAAAAAAAAAA==' }))),
  ],
  [
    'a write with the wrong CRC32',
    ({ send }) => said(send(new sdk.PutObjectCommand({ Bucket, Key: 'crc', Body: small, ChecksumCRC32: 'AAAAAA==' }))),
  ],
  [
    'a wrong secret',
    ({ other }) =>
      said(
        other({ credentials: { accessKeyId: process.env.AWS_ACCESS_KEY_ID ?? '', secretAccessKey: 'wrong' } })(
          new sdk.ListObjectsV2Command({ Bucket }),
        ),
      ),
  ],
  [
    'an access key that is not known',
    ({ other }) =>
      said(other({ credentials: { accessKeyId: 'AKIANOBODY', secretAccessKey: 'wrong' } })(new sdk.ListObjectsV2Command({ Bucket }))),
  ],
  ['a request dated an hour ago', ({ other }) => said(other({ systemClockOffset: -3_600_000 })(new sdk.ListObjectsV2Command({ Bucket })))],
  [
    'a conditional write of a name that is taken',
    async ({ send }) => {
      await send(new sdk.PutObjectCommand({ Bucket, Key: 'taken', Body: small }));
      return said(send(new sdk.PutObjectCommand({ Bucket, Key: 'taken', Body: 'other', IfNoneMatch: '*' })));
    },
  ],
  [
    '20 conditional writes of one name at once',
    async ({ send }) => {
      const all = Array.from({ length: 20 }, (_, i) =>
        said(send(new sdk.PutObjectCommand({ Bucket, Key: 'race', Body: `${i}`, IfNoneMatch: '*' }))),
      );
      const outcomes = await Promise.all(all);
      return `${outcomes.filter((o) => o === 'accepted').length} of them succeeds`;
    },
  ],
  [
    'the conditional end of an upload to a name that is taken',
    async ({ send }) => {
      await send(new sdk.PutObjectCommand({ Bucket, Key: 'taken2', Body: small }));
      const { UploadId } = await send(new sdk.CreateMultipartUploadCommand({ Bucket, Key: 'taken2' }));
      const part = { Bucket, Key: 'taken2', UploadId };
      const { ETag } = await send(new sdk.UploadPartCommand({ ...part, PartNumber: 1, Body: small }));
      const outcome = await said(
        send(new sdk.CompleteMultipartUploadCommand({ ...part, IfNoneMatch: '*', MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] } })),
      );
      await send(new sdk.AbortMultipartUploadCommand(part)).catch(() => undefined);
      return outcome;
    },
  ],
  [
    'a part for an upload that is not known',
    ({ send }) => said(send(new sdk.UploadPartCommand({ Bucket, Key: 'up', UploadId: 'nothing', PartNumber: 1, Body: small }))),
  ],
  ['the end of an upload with the wrong ETag', ({ send }) => ended(send, '"00000000000000000000000000000000"', [small])],
  ['the end of an upload whose first part is below 5 MiB', ({ send }) => ended(send, undefined, [small, small])],
  ['reading a name that is absent', ({ send }) => said(send(new sdk.GetObjectCommand({ Bucket, Key: 'absent' })))],
  ['reading from a bucket that is absent', ({ send }) => said(send(new sdk.GetObjectCommand({ Bucket: 'not-there', Key: 'absent' })))],
  [
    'reading a range beyond the end',
    async ({ send }) => {
      await send(new sdk.PutObjectCommand({ Bucket, Key: 'range', Body: small }));
      return said(send(new sdk.GetObjectCommand({ Bucket, Key: 'range', Range: 'bytes=999-1000' })));
    },
  ],
  ['a malformed range', ({ send }) => said(send(new sdk.GetObjectCommand({ Bucket, Key: 'range', Range: 'bytes=2-1' })))],
  [
    'a name of 1,025 bytes',
    ({ send }) => said(send(new sdk.PutObjectCommand({ Bucket, Key: `${'k'.repeat(200)}/`.repeat(6).slice(0, 1025), Body: small }))),
  ],
  [
    'a listing from a token that was never given',
    ({ send }) => said(send(new sdk.ListObjectsV2Command({ Bucket, ContinuationToken: 'nothing' }))),
  ],
  ['removing a name that is absent', ({ send }) => said(send(new sdk.DeleteObjectCommand({ Bucket, Key: 'absent' })))],
];

/** `accepted`, or the code and status of the refusal. */
async function said(request: Promise<unknown>): Promise<string> {
  try {
    await request;
    return 'accepted';
  } catch (error) {
    const { name, $metadata } = error as { readonly name?: string; readonly $metadata?: { readonly httpStatusCode?: number } };
    return `refused: ${name} (${$metadata?.httpStatusCode ?? 'no answer'})`;
  }
}

async function ended(send: Send, wrongTag: string | undefined, bodies: readonly string[]): Promise<string> {
  const { UploadId } = await send(new sdk.CreateMultipartUploadCommand({ Bucket, Key: 'end' }));
  const upload = { Bucket, Key: 'end', UploadId };
  const Parts: Sdk.CompletedPart[] = [];
  for (const [i, Body] of bodies.entries()) {
    const { ETag } = await send(new sdk.UploadPartCommand({ ...upload, PartNumber: i + 1, Body }));
    Parts.push({ PartNumber: i + 1, ETag: wrongTag ?? ETag });
  }
  const outcome = await said(send(new sdk.CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } })));
  await send(new sdk.AbortMultipartUploadCommand(upload)).catch(() => undefined);
  return outcome;
}

async function ask(server: S3Server): Promise<readonly string[]> {
  const clients: Sdk.S3Client[] = [];
  const open = (settings: Sdk.S3ClientConfig): Send => {
    const client = new sdk.S3Client({
      endpoint: server.endpoint,
      region: server.region,
      forcePathStyle: true,
      maxAttempts: 1,
      ...settings,
    });
    clients.push(client);
    return client.send.bind(client) as Send;
  };
  const answers: string[] = [];
  for (const [, probe] of probes) answers.push(await probe({ send: open({}), other: open }));
  for (const client of clients) client.destroy();
  return answers;
}

const missing = (await Promise.all(s3Kinds.map(missingS3))).find((reason) => reason !== undefined);

suite('the list of what each S3 server of the tests refuses', ({ test, skip }) => {
  const title = 'docs/s3-servers.md says what they answer (UPDATE_FIXTURES=1 writes it)';
  if (missing !== undefined) return skip(title, missing);
  test(title, async () => {
    const answers = new Map<S3Kind, readonly string[]>();
    for (const kind of s3Kinds) {
      const server = await startS3(kind);
      answers.set(kind, await ask(server));
      await server.close();
    }
    const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
    const table = [
      row(['asked', ...s3Kinds]),
      row(['---', ...s3Kinds.map(() => '---')]),
      ...probes.map(([asked], i) => row([asked, ...s3Kinds.map((kind) => answers.get(kind)?.[i] ?? '')])),
    ].join('\n');
    process.stdout.write(`${table}\n`);
    const made = `${before}\n${table}\n${behind}`;
    if (process.env.UPDATE_FIXTURES === '1') writeFileSync(page, made);
    assert.fixture(made, readFileSync(page, 'utf8'));
    for (const kind of s3Kinds) {
      assert.match(answerTo(answers.get(kind), 'a conditional write of a name that is taken'), 'PreconditionFailed (412)', kind);
      assert.is(answerTo(answers.get(kind), '20 conditional writes of one name at once'), '1 of them succeeds', kind);
    }
  });
});

function answerTo(answers: readonly string[] | undefined, asked: string): string {
  return answers?.[probes.findIndex(([name]) => name === asked)] ?? '';
}

const before = `# What the S3 servers of the tests refuse

<!-- Made by test/connectors/s3/servers.test.ts (UPDATE_FIXTURES=1), which fails when a server answers differently. -->

Every test of the lake on S3 runs on two servers that share no code: [versitygw](https://github.com/versity/versitygw), a gateway to a folder, and
[moto](https://github.com/getmoto/moto), a simulation. A test that one of them would let pass whatever is sent proves nothing there; this is what each refuses.
`;
const behind = `
What follows for the tests: that a secret is checked and that a checksum guards what is sent is proven where the server refuses it. What a commit rests on, a
write of a name only if it is absent, both keep, also with twenty writers at once.
`;
