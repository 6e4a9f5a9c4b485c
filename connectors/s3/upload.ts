import { type FileHandle, open } from 'node:fs/promises';
import type { CompletedPart } from '@aws-sdk/client-s3';
import { EngineError } from '../../engine/error.ts';
import type { S3 } from './client.ts';
import { oddAnswer } from './error.ts';

const mebibyte = 1024 * 1024;
/** S3 takes no smaller ones, but for the last. */
const smallestPart = 5 * mebibyte;
const partsAtOnce = 3;
/** S3's own limit for the parts of one upload. */
const mostParts = 10_000;

/** Bytes of one part of an upload: 5 MiB, or as much more as keeps the number of parts within S3's limit. */
export function partSizeFor(bytes: number): number {
  return Math.max(smallestPart, Math.ceil(bytes / mostParts / mebibyte) * mebibyte);
}

/** Uploads one file after another through memory that is taken once: what is read anew for each part grows faster than Node.js gives it back. */
export interface Uploader {
  /** Sends a file of that size: in one request, or by parts. What was begun and failed is aborted. Not to be called while another one is under way. */
  send(localPath: string, key: string, size: number): Promise<void>;
}

/** Makes one for a bucket. Its memory is that of the parts that travel at once. */
export function createUploader(s3: S3): Uploader {
  const Bucket = s3.settings.bucket;
  const buffers: Buffer[] = [];
  const bufferOf = (place: number, bytes: number): Buffer => {
    const had = buffers[place];
    const buffer = had !== undefined && had.length >= bytes ? had : Buffer.allocUnsafeSlow(Math.max(bytes, smallestPart));
    buffers[place] = buffer;
    return buffer.subarray(0, bytes);
  };

  const whole = async (file: FileHandle, key: string, size: number): Promise<void> => {
    const what = `writing s3://${Bucket}/${key}`;
    const Body = await fill(file, bufferOf(0, size), 0);
    const answer = await s3.use(what, 'PutObject', (client, sdk) => client.send(new sdk.PutObjectCommand({ Bucket, Key: key, Body })));
    if (answer.ETag === undefined) throw oddAnswer(what, 'it has no ETag');
  };

  const byParts = async (file: FileHandle, key: string, size: number): Promise<void> => {
    const what = `writing s3://${Bucket}/${key}`;
    const checksum = s3.settings.checksums === 'when_supported' ? { ChecksumAlgorithm: 'CRC32' as const } : {};
    const { UploadId } = await s3.use(what, 'CreateMultipartUpload', (client, sdk) =>
      client.send(new sdk.CreateMultipartUploadCommand({ Bucket, Key: key, ...checksum })),
    );
    if (UploadId === undefined) throw oddAnswer(what, 'it does not name the upload');
    const upload = { Bucket, Key: key, UploadId };
    const partSize = partSizeFor(size);
    const Parts: CompletedPart[] = Array.from({ length: Math.ceil(size / partSize) }, (_, i) => ({ PartNumber: i + 1 }));
    const waiting = [...Parts.keys()];
    const sendParts = async (place: number): Promise<void> => {
      for (let i = waiting.shift(); i !== undefined; i = waiting.shift()) {
        const PartNumber = i + 1;
        const Body = await fill(file, bufferOf(place, Math.min(partSize, size - i * partSize)), i * partSize);
        const { ETag, ChecksumCRC32 } = await s3.use(what, 'UploadPart', (client, sdk) =>
          client.send(new sdk.UploadPartCommand({ ...upload, ...checksum, PartNumber, Body })),
        );
        if (ETag === undefined) throw oddAnswer(what, 'it has no ETag');
        Parts[i] = { PartNumber, ETag, ...(ChecksumCRC32 === undefined ? {} : { ChecksumCRC32 }) };
      }
    };
    try {
      const sending = Array.from({ length: partsAtOnce }, (_, place) =>
        sendParts(place).catch((error: unknown) => {
          waiting.length = 0;
          throw error;
        }),
      );
      // All have to be over: a part that arrives after the abort would stay.
      for (const end of await Promise.allSettled(sending)) if (end.status === 'rejected') throw end.reason;
      const answer = await s3.use(what, 'CompleteMultipartUpload', (client, sdk) =>
        client.send(new sdk.CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } })),
      );
      if (answer.ETag === undefined) throw oddAnswer(what, 'it has no ETag');
    } catch (error) {
      // What cannot be aborted is swept by the bucket's own rule (docs/s3.md); the first error is the one that matters.
      await s3
        .use(what, 'AbortMultipartUpload', (client, sdk) => client.send(new sdk.AbortMultipartUploadCommand(upload)))
        .catch(() => undefined);
      throw error;
    }
  };

  return {
    async send(localPath, key, size) {
      const file = await open(localPath);
      try {
        await (size <= smallestPart ? whole(file, key, size) : byParts(file, key, size));
      } finally {
        await file.close();
      }
    },
  };
}

/** Reads as many bytes as the buffer holds from that place on. */
async function fill(file: FileHandle, buffer: Buffer, from: number): Promise<Buffer> {
  for (let at = 0; at < buffer.length; ) {
    const { bytesRead } = await file.read(buffer, at, buffer.length - at, from + at);
    if (bytesRead === 0)
      throw new EngineError(
        'failed',
        'lake.part-cut',
        `a part of ${from + at} bytes on this machine became shorter while it was uploaded`,
        {
          hint: 'Look at what else works in .engine/tmp, then run again; nothing was committed.',
          retryable: true,
        },
      );
    at += bytesRead;
  }
  return buffer;
}
