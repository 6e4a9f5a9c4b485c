import type { JsonObject } from '../../engine/base/json.ts';

/** Where a lake on S3 is and how it is reached. Credentials are none of it: they come from the usual chain of the AWS SDK. */
export interface S3Settings {
  readonly bucket: string;
  /** Without a slash at its ends; empty: the whole bucket. */
  readonly prefix: string;
  /** undefined: from the environment or the profile. */
  readonly region: string | undefined;
  /** undefined: Amazon's own. */
  readonly endpoint: string | undefined;
  readonly forcePathStyle: boolean;
  /** `when_required`: for servers that do not know the checksums that the SDK adds. */
  readonly checksums: 'when_supported' | 'when_required';
  /** A file of certificates that are trusted besides the usual ones. */
  readonly caFile: string | undefined;
}

/** Settings from a connection's plain data, as `engine/execute/connections.ts` hands them over. A server of one's own gets path style unless told otherwise. */
export function s3Settings(given: JsonObject): S3Settings {
  const text = (key: string): string | undefined => (typeof given[key] === 'string' && given[key] !== '' ? given[key] : undefined);
  const endpoint = text('endpoint');
  return {
    bucket: text('bucket') ?? '',
    prefix: (text('prefix') ?? '').replace(/^\/+|\/+$/g, ''),
    region: text('region'),
    endpoint,
    forcePathStyle: typeof given.forcePathStyle === 'boolean' ? given.forcePathStyle : endpoint !== undefined && !isAmazon(endpoint),
    checksums: given.checksums === 'when_required' ? 'when_required' : 'when_supported',
    caFile: text('caFile'),
  };
}

function isAmazon(endpoint: string): boolean {
  return /\.amazonaws\.com(\.cn)?$/.test(new URL(endpoint).hostname);
}

/**
 * The lake's address. The endpoint is no part of it: one server has several (inside and outside a network, through a proxy), and two addresses for one place
 * would be two leases for one table. Buckets of one name on two servers share a lease, which only makes one wait; the ledger tells their tables apart by id.
 */
export function s3Uri(settings: S3Settings): string {
  return settings.prefix === '' ? `s3://${settings.bucket}` : `s3://${settings.bucket}/${settings.prefix}`;
}
