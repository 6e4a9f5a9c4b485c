import { EngineError } from '../../engine/error.ts';
import { lakeError } from '../../lake/error.ts';
import { type S3Settings, s3Uri } from './settings.ts';

interface Translation {
  readonly code: string;
  readonly why: string;
  readonly hint: string;
  readonly retryable?: true;
}

/** What a request needs of the policy, by the SDK's name of the operation. docs/s3.md has the policy. */
export const actions: Readonly<Record<string, string>> = {
  GetObject: 's3:GetObject',
  HeadObject: 's3:GetObject',
  PutObject: 's3:PutObject',
  CreateMultipartUpload: 's3:PutObject',
  UploadPart: 's3:PutObject',
  CompleteMultipartUpload: 's3:PutObject',
  AbortMultipartUpload: 's3:AbortMultipartUpload',
  DeleteObject: 's3:DeleteObject',
  ListObjectsV2: 's3:ListBucket',
};

const credentials: Translation = {
  code: 'lake.bad-credentials',
  why: 'the server does not accept the access key or its secret',
  hint: 'Look at AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or at the profile in AWS_PROFILE: key and secret must belong together, and to this server.',
};
const expired: Translation = {
  code: 'lake.credentials-expired',
  why: 'the credentials have run out, or their session token is wrong',
  hint: 'Log in again (aws sso login), or give the engine credentials that are renewed by themselves (a role of the machine or of the pod).',
};
const skew: Translation = {
  code: 'lake.clock-skew',
  why: 'the clock of this machine and that of the server differ too much',
  hint: 'Set the clock of this machine (NTP), then run again.',
};
const busy: Translation = {
  code: 'lake.busy',
  why: 'the server is overloaded or ill, and stayed so over several tries',
  hint: 'Run again later. If it lasts, look at the server, or spread the tables over several prefixes.',
  retryable: true,
};
const checksum: Translation = {
  code: 'lake.checksum',
  why: 'what arrived is not what was sent: the checksums differ',
  hint: 'Run again. If it lasts, something on the way changes bytes; a server that does not know the checksums of the SDK needs `checksums: when_required`.',
  retryable: true,
};
const unreachable: Translation = {
  code: 'lake.unreachable',
  why: 'the server cannot be reached',
  hint: 'Look at the endpoint and the network: does this machine reach that host and port, and is the scheme (http, https) right?',
  retryable: true,
};
const lost: Translation = {
  code: 'lake.connection-lost',
  why: 'the connection broke, or no answer came in time',
  hint: 'Run again. If it lasts, look at the network between this machine and the server.',
  retryable: true,
};
const tls: Translation = {
  code: 'lake.tls',
  why: "the server's certificate is not trusted",
  hint: 'Name the file of the authority that signed it: `lake: { caFile: ... }`, or AWS_CA_BUNDLE. The host in the endpoint must be one that the certificate names.',
};
const full: Translation = {
  code: 'lake.disk-full',
  why: 'the server has no space left',
  hint: 'Free some space there, or raise the quota of the bucket; nothing was committed.',
};
/** Whoever cannot refuse to overwrite cannot hold a lake: two commits of one version would both seem to succeed. */
const unconditional: Translation = {
  code: 'lake.no-conditional-put',
  why: 'this server does not know conditional writes (If-None-Match: *), which make a commit atomic',
  hint: 'It cannot be used for a lake. Take a server that has them (Amazon S3, MinIO, Ceph, versitygw, all in recent versions), or a folder.',
};

const byName: Readonly<Record<string, Translation>> = {
  NoSuchBucket: {
    code: 'lake.no-bucket',
    why: 'there is no such bucket',
    hint: 'Make the bucket (aws s3 mb), or correct `lake: { bucket, endpoint }`.',
  },
  InvalidBucketName: { code: 'lake.no-bucket', why: 'the name of the bucket is not allowed', hint: 'Correct `lake: { bucket: ... }`.' },
  NoSuchKey: { code: 'lake.file-missing', why: 'it does not exist', hint: 'Look at what removed it; a full run brings the table back.' },
  NotFound: { code: 'lake.file-missing', why: 'it does not exist', hint: 'Look at what removed it; a full run brings the table back.' },
  InvalidAccessKeyId: credentials,
  XAdminUserNotFound: credentials,
  SignatureDoesNotMatch: credentials,
  CredentialsProviderError: {
    code: 'lake.no-credentials',
    why: 'no credentials were found',
    hint: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the machine or the pod a role. `.env` is only read for `${...}`.',
  },
  TokenProviderError: expired,
  ExpiredToken: expired,
  ExpiredTokenException: expired,
  InvalidToken: expired,
  TokenRefreshRequired: expired,
  RequestTimeTooSkewed: skew,
  RequestExpired: skew,
  SlowDown: busy,
  ServiceUnavailable: busy,
  InternalError: busy,
  ThrottlingException: busy,
  TooManyRequestsException: busy,
  OperationAborted: busy,
  RequestTimeout: lost,
  TimeoutError: lost,
  BadDigest: checksum,
  InvalidDigest: checksum,
  XAmzContentSHA256Mismatch: checksum,
  XAmzContentChecksumMismatch: checksum,
  NotImplemented: {
    code: 'lake.not-implemented',
    why: 'this server does not know a part of S3 that is needed',
    hint: 'Try `checksums: when_required`; if that does not help, this server cannot be used.',
  },
  KeyTooLongError: { code: 'lake.name-too-long', why: 'the name is too long for S3', hint: 'Give the lake a shorter prefix.' },
  InvalidObjectState: {
    code: 'lake.archived',
    why: 'the file was moved to an archive, where it cannot be read at once',
    hint: 'Take the rule away that moves files of the lake to Glacier, and restore this one.',
  },
  QuotaExceeded: full,
  XMinioStorageFull: full,
  InsufficientCapacity: full,
};

const byNetwork: Readonly<Record<string, Translation>> = {
  ECONNREFUSED: unreachable,
  ENOTFOUND: { ...unreachable, why: 'no host of that name is known' },
  EAI_AGAIN: { ...unreachable, why: 'the name of the host cannot be looked up' },
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  ETIMEDOUT: unreachable,
  ECONNRESET: lost,
  EPIPE: lost,
  ECONNABORTED: lost,
  ERR_STREAM_PREMATURE_CLOSE: lost,
  CERT_HAS_EXPIRED: { ...tls, why: "the server's certificate has expired" },
  ERR_TLS_CERT_ALTNAME_INVALID: { ...tls, why: "the server's certificate is for another host" },
  SELF_SIGNED_CERT_IN_CHAIN: tls,
  DEPTH_ZERO_SELF_SIGNED_CERT: tls,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: tls,
  UNABLE_TO_GET_ISSUER_CERT: tls,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: tls,
  ERR_SSL_WRONG_VERSION_NUMBER: { ...tls, why: 'the server does not speak TLS on this port' },
  EPROTO: { ...tls, why: 'the server does not speak TLS on this port' },
};

/** What is known of an error of the SDK or of Node's network. */
export interface S3Failure {
  /** S3's code (`NoSuchKey`), or the name of the SDK's or Node's error. */
  readonly name: string;
  /** The HTTP status; undefined when there was no answer. */
  readonly status: number | undefined;
  readonly message: string;
}

/** An error of the SDK taken apart. */
export function failureOf(error: unknown): S3Failure {
  const at = (key: string): unknown => (typeof error === 'object' && error !== null ? (error as Record<string, unknown>)[key] : undefined);
  const inner = Array.isArray(at('errors')) ? (at('errors') as readonly unknown[])[0] : undefined;
  if (inner !== undefined) return failureOf(inner);
  const metadata = at('$metadata') as { readonly httpStatusCode?: unknown } | undefined;
  const status = typeof metadata?.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
  const code = at('code') ?? at('Code');
  const ownName = typeof at('name') === 'string' ? String(at('name')) : '';
  const generic = ownName === '' || ownName === 'Error' || ownName === 'TypeError';
  const name = typeof code === 'string' && (status === undefined || generic) && ownName !== 'TimeoutError' ? code : ownName;
  return { name, status, message: error instanceof Error ? error.message : String(error) };
}

/** True when the file is not there. Not for every 404: some servers answer so for an access key or a bucket that they do not know. */
export function isAbsent(error: unknown): boolean {
  const { name } = failureOf(error);
  return name === 'NoSuchKey' || name === 'NotFound';
}

/** True when a right is missing, or hidden by the server behind the same answer. */
export function isDenied(error: unknown): boolean {
  const { name, status } = failureOf(error);
  return name === 'AccessDenied' || (status === 403 && byName[name] === undefined);
}

/** The refusal of a server that cannot say "only if absent". */
export function noConditionalPut(settings: S3Settings, detail: string, cause?: unknown): EngineError {
  return new EngineError('outside', unconditional.code, `${s3Uri(settings)}: ${unconditional.why}: ${detail}`, {
    hint: unconditional.hint,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** An answer that no S3 server gives: a proxy's, or one that was cut. Whether the request was carried out is not known. */
export function oddAnswer(what: string, detail: string): EngineError {
  return new EngineError('outside', 'lake.odd-answer', `${what} failed: the answer is none of S3: ${detail}`, {
    hint: 'Look at what stands between this machine and the server (a proxy, a load balancer), then run again.',
    retryable: true,
  });
}

/**
 * An error of the SDK as an EngineError of trouble `outside`; an EngineError is passed through. `what` says what was tried (`reading users/_delta_log/...`),
 * `operation` is the SDK's name of the request. Retryable exactly when a request may still have been, or may yet be, carried out.
 */
export function s3Error(error: unknown, what: string, operation: string, settings: S3Settings): EngineError {
  if (error instanceof EngineError) return error;
  const failure = failureOf(error);
  const known = translate(error, failure, operation, settings);
  if (known === undefined) {
    if (isLocal(error)) return lakeError(error, what);
    const status = failure.status === undefined ? '' : ` (HTTP ${failure.status})`;
    return new EngineError('outside', 'lake.s3', `${what} failed: ${failure.name}${status}: ${firstLine(failure.message)}`, {
      cause: error,
      hint: 'Run `engine doctor` to see what of the lake can be reached.',
      retryable: failure.status === undefined || failure.status >= 500 || failure.status === 429,
    });
  }
  return new EngineError('outside', known.code, `${what} failed: ${known.why} (${s3Uri(settings)}${at(settings)})`, {
    cause: error,
    hint: known.hint,
    retryable: known.retryable ?? false,
  });
}

function at(settings: S3Settings): string {
  return settings.endpoint === undefined ? '' : ` at ${settings.endpoint}`;
}

function translate(error: unknown, failure: S3Failure, operation: string, settings: S3Settings): Translation | undefined {
  const { name, status, message } = failure;
  if (name === 'AccessDenied' || name === 'AllAccessDisabled' || name === 'AccountProblem') return denied(operation, settings);
  const region = regionOf(error, failure);
  if (region !== undefined) return region;
  if (/^Region is missing/.test(message))
    return { code: 'lake.no-region', why: 'no region is set', hint: 'Write `lake: { region: ... }`, or set AWS_REGION.' };
  if (/[Cc]ould not load credentials/.test(message)) return byName.CredentialsProviderError;
  if (/^Checksum mismatch/.test(message)) return checksum;
  if (/Deserialization error|is not expected|Unexpected token/.test(message) && status !== undefined && status < 500)
    return {
      code: 'lake.not-s3',
      why: `what answers there (HTTP ${status}) is no S3 server`,
      hint: 'Look at the endpoint: is it the port of the S3 interface, not of a web page?',
    };
  const known = byName[name] ?? (status === undefined ? (byNetwork[name] ?? fromText(message)) : undefined);
  if (known !== undefined) return known;
  if (status === 403) return denied(operation, settings);
  if (status === 503 || status === 500 || status === 502 || status === 504 || status === 429) return busy;
  if (status === 507) return full;
  return undefined;
}

function denied(operation: string, settings: S3Settings): Translation {
  const action = actions[operation] ?? `s3:${operation}`;
  const place =
    action === 's3:ListBucket'
      ? `arn:aws:s3:::${settings.bucket}`
      : `arn:aws:s3:::${settings.bucket}/${settings.prefix === '' ? '' : `${settings.prefix}/`}*`;
  const listing =
    operation === 'GetObject' ? ', and s3:ListBucket, without which a file that is absent looks like one that is forbidden' : '';
  return {
    code: 'lake.no-right',
    why: 'access is denied',
    hint: `Allow ${action} on ${place}${listing}. docs/s3.md has the whole policy.`,
  };
}

function regionOf(error: unknown, { name, status, message }: S3Failure): Translation | undefined {
  const redirected = name === 'PermanentRedirect' || name === 'TemporaryRedirect' || status === 301 || status === 307;
  const malformed = name === 'AuthorizationHeaderMalformed' || name === 'IllegalLocationConstraintException';
  if (!redirected && !malformed) return undefined;
  const { $response, Region } = error as {
    readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
    readonly Region?: unknown;
  };
  const named = typeof Region === 'string' ? Region : undefined;
  const right = $response?.headers?.['x-amz-bucket-region'] ?? named ?? /expecting '([a-z0-9-]+)'/.exec(message)?.[1];
  return {
    code: 'lake.wrong-region',
    why: 'the bucket is in another region',
    hint: right === undefined ? 'Write the region of the bucket: `lake: { region: ... }`.' : `Write \`lake: { region: ${right} }\`.`,
  };
}

function fromText(message: string): Translation | undefined {
  if (/socket hang up|aborted|premature close/i.test(message)) return lost;
  if (/self.signed certificate|unable to verify|certificate/i.test(message)) return tls;
  if (/wrong version number|EPROTO/.test(message)) return byNetwork.EPROTO;
  return undefined;
}

/** An error of this machine's file system: a part that was not written, a full disk. */
function isLocal(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && 'errno' in error && 'path' in error;
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').slice(0, 300);
}
