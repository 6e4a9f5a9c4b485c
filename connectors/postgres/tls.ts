import { existsSync, readFileSync } from 'node:fs';
import { type ConnectionOptions, rootCertificates } from 'node:tls';
import type { DatabaseParameters } from '../../engine/connector.ts';
import { EngineError } from '../../engine/error.ts';

/** Where systems keep the authorities that they trust: Debian and Alpine, Red Hat, SUSE, macOS and the BSDs. */
const systemBundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** The file of the authorities that this system trusts (`SSL_CERT_FILE` first), or undefined. */
export function systemBundle(env: Readonly<Record<string, string | undefined>> = process.env): string | undefined {
  return [env.SSL_CERT_FILE, ...systemBundles].find((file) => file !== undefined && file !== '' && existsSync(file));
}

function read(file: string, key: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new EngineError(
      'usage',
      'postgres.url',
      `${key}: cannot read ${file}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`,
      {
        cause: error,
        hint: 'Check the path and its rights.',
      },
    );
  }
}

/**
 * `pg`'s `ssl` for parameters that ask for TLS, with libpq's meaning (Postgres docs, 34.19.1): the chain is verified when there is a root certificate, in every mode;
 * the name only with `verify-full`.
 */
export function tlsOptions(parameters: DatabaseParameters): ConnectionOptions {
  const { sslmode, sslrootcert, sslcert, sslkey } = parameters;
  const bundle = sslrootcert === 'system' ? systemBundle() : sslrootcert;
  const ca = bundle !== undefined ? read(bundle, 'sslrootcert') : sslrootcert === 'system' ? [...rootCertificates] : undefined;
  return {
    rejectUnauthorized: ca !== undefined || sslmode === 'verify-ca' || sslmode === 'verify-full',
    ...(ca === undefined ? {} : { ca }),
    ...(sslmode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
    ...(sslcert === undefined ? {} : { cert: read(sslcert, 'sslcert') }),
    ...(sslkey === undefined ? {} : { key: read(sslkey, 'sslkey') }),
  };
}
