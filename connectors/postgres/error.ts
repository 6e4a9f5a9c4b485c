import { redact } from '../../engine/base/secret.ts';
import { EngineError, type Trouble } from '../../engine/error.ts';
import { type Reason, reasonOf } from './reason.ts';

interface Rule {
  readonly code: string;
  readonly trouble: Trouble;
  readonly retryable: boolean;
  readonly hint?: string;
  /** SQLSTATEs (Postgres docs, appendix A), two-character classes, or Node's codes. */
  readonly codes?: readonly string[];
  /** How the message of `pg` or of libpq begins. */
  readonly text?: RegExp;
}

const grantHint = 'Ask the owner of that database for the right: `engine doctor` lists what is needed.';

const noPassword = 'the server asks for a password, and none is given';

/** The first rule that fits decides; codes are asked before texts. */
const rules: readonly Rule[] = [
  {
    code: 'postgres.password',
    trouble: 'outside',
    retryable: false,
    hint: 'Check user and password: in the URL (percent-encode odd characters), PGPASSWORD or ~/.pgpass.',
    codes: ['28P01'],
    text: /password authentication failed|the server asks for a password|SASL: SCRAM-SERVER-FINAL/i,
  },
  {
    code: 'postgres.login-refused',
    trouble: 'outside',
    retryable: false,
    hint: 'The server does not let this user in from here, or only with TLS: see its pg_hba.conf, or try another sslmode.',
    codes: ['28000'],
    text: /no pg_hba\.conf entry|pg_hba\.conf rejects|role ".*" does not exist|is not permitted to log in/i,
  },
  {
    code: 'postgres.no-database',
    trouble: 'outside',
    retryable: false,
    hint: 'Check the name at the end of the URL; the database must exist already.',
    codes: ['3D000'],
    text: /database ".*" does not exist/i,
  },
  {
    code: 'postgres.too-many-connections',
    trouble: 'outside',
    retryable: true,
    hint: 'Wait until others have gone, raise max_connections, or lower `concurrency`.',
    codes: ['53300'],
    text: /too many clients already|too many connections for|remaining connection slots/i,
  },
  {
    code: 'postgres.no-right',
    trouble: 'outside',
    retryable: false,
    hint: grantHint,
    codes: ['42501'],
    text: /permission denied for|must be owner of|query would be affected by row-level security/i,
  },
  {
    code: 'postgres.read-only',
    trouble: 'outside',
    retryable: false,
    hint: 'This is a standby, or a role or database that is set read-only: give the URL of the primary, or of a role that may write.',
    codes: ['25006'],
    text: /cannot execute [\w() ]+ in a read-only transaction/i,
  },
  {
    code: 'postgres.starting',
    trouble: 'outside',
    retryable: true,
    codes: ['57P03'],
    text: /the database system is (starting up|shutting down|in recovery|not yet accepting)/i,
  },
  {
    code: 'postgres.session-ended',
    trouble: 'outside',
    retryable: true,
    hint: 'An administrator or a shutdown ended the session, or the server crashed: its log says which.',
    codes: ['57P01', '57P02', '57P05', '25P03'],
    text: /terminating connection (due to|because of)/i,
  },
  {
    code: 'postgres.cancelled',
    trouble: 'failed',
    retryable: false,
    hint: 'Somebody cancelled the query, or a timeout of the server did.',
    codes: ['57014', '25P04'],
    text: /canceling statement due to (user request|statement timeout)/i,
  },
  {
    code: 'postgres.lock',
    trouble: 'failed',
    retryable: true,
    hint: 'Another session holds a lock on it: pg_locks and pg_stat_activity show who.',
    codes: ['55P03'],
    text: /could not obtain lock|canceling statement due to lock timeout/i,
  },
  {
    code: 'postgres.serialization',
    trouble: 'failed',
    retryable: true,
    codes: ['40001', '40003'],
    text: /could not serialize access|canceling statement due to conflict with recovery/i,
  },
  { code: 'postgres.deadlock', trouble: 'failed', retryable: true, codes: ['40P01'], text: /deadlock detected/i },
  {
    code: 'postgres.disk-full',
    trouble: 'failed',
    retryable: false,
    hint: "Make room on the server's disk.",
    codes: ['53100'],
    text: /could not (write|extend|create) .*No space left on device/i,
  },
  { code: 'postgres.out-of-memory', trouble: 'failed', retryable: true, codes: ['53200'] },
  {
    code: 'postgres.no-tls',
    trouble: 'outside',
    retryable: false,
    hint: 'Turn TLS on at the server; only where the network is safe, use sslmode=prefer or disable.',
    text: /(?:The )?server does not support SSL/i,
  },
  {
    code: 'postgres.certificate-name',
    trouble: 'outside',
    retryable: false,
    hint: "Use the host name that stands in the server's certificate, or sslmode=verify-ca when the name cannot match.",
    codes: ['ERR_TLS_CERT_ALTNAME_INVALID'],
    text: /server certificate for .* does not match host name/i,
  },
  {
    code: 'postgres.certificate',
    trouble: 'outside',
    retryable: false,
    hint: "Give the file of the authority that signed the server's certificate as sslrootcert (for RDS: its bundle).",
    codes: [
      'SELF_SIGNED_CERT_IN_CHAIN',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'UNABLE_TO_GET_ISSUER_CERT',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'CERT_HAS_EXPIRED',
      'CERT_NOT_YET_VALID',
      'CERT_SIGNATURE_FAILURE',
      'CERT_UNTRUSTED',
      'INVALID_CA',
    ],
    text: /certificate verify failed/i,
  },
  {
    code: 'postgres.tls',
    trouble: 'outside',
    retryable: false,
    hint: 'Server and engine did not agree on TLS: check sslcert and sslkey, and the versions that the server allows.',
    codes: ['EPROTO'],
    text: /SSL (error|connection)|There was an error establishing an SSL connection|^ERR_(SSL|TLS)|\bssl3?_|tlsv1 alert|alert number|PEM routines|key values mismatch/i,
  },
  {
    code: 'postgres.unknown-host',
    trouble: 'outside',
    retryable: true,
    hint: 'Check the host in the URL, and that this machine can look it up.',
    codes: ['ENOTFOUND', 'EAI_AGAIN', 'EAI_NODATA', 'EAI_NONAME', 'EAI_FAIL'],
    text: /could not translate host name/i,
  },
  {
    code: 'postgres.refused',
    trouble: 'outside',
    retryable: true,
    hint: 'No server listens there: check host and port, and that the server runs.',
    codes: ['ECONNREFUSED', 'ENOENT', 'EACCES'],
    text: /Connection refused|No such file or directory\s+Is the server running/i,
  },
  {
    code: 'postgres.timeout',
    trouble: 'outside',
    retryable: true,
    hint: 'The server did not answer in time: check the network, a firewall or security group, or raise connect_timeout.',
    codes: ['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN'],
    text: /timeout expired|Connection timed out|No route to host|Network is unreachable/i,
  },
  {
    code: 'postgres.pooler-options',
    trouble: 'refused',
    retryable: false,
    hint: 'A pooler stands before the server and does not pass settings on: give the URL of the server itself.',
    text: /unsupported startup parameter/i,
  },
  {
    code: 'postgres.connection-lost',
    trouble: 'outside',
    retryable: true,
    hint: "The server, a proxy or the network ended the connection: the server's log may say why.",
    codes: ['08', 'ECONNRESET', 'EPIPE', 'ECONNABORTED'],
    text: /Connection terminated|server closed the connection|connection to server was lost|could not connect to server|Client has encountered a connection error|Connection reset by peer|Client was closed/i,
  },
  {
    code: 'postgres.encoding',
    trouble: 'failed',
    retryable: false,
    hint: 'A text has bytes that are no UTF-8, or a character that a database in another encoding cannot hold: correct it in the source, leave its column out (`columns.exclude`), or load into a database in UTF8. Nothing was changed.',
    codes: ['22021', '22P05'],
    text: /invalid byte sequence for encoding|character with byte sequence .* has no equivalent in encoding/i,
  },
  {
    code: 'postgres.no-schema',
    trouble: 'failed',
    retryable: false,
    hint: 'Make the schema, or name another one in pipelines.yaml.',
    codes: ['3F000'],
  },
  {
    code: 'postgres.no-table',
    trouble: 'failed',
    retryable: false,
    hint: 'Somebody renamed or dropped it: `engine plan` shows what is found now.',
    codes: ['42P01'],
  },
  {
    code: 'postgres.no-column',
    trouble: 'failed',
    retryable: false,
    hint: 'Somebody renamed or dropped it: `engine plan` shows what is found now.',
    codes: ['42703'],
  },
  {
    code: 'postgres.value',
    trouble: 'failed',
    retryable: false,
    hint: 'Correct the value where it comes from, or the type of the column that does not take it; then `engine retry` goes on.',
    codes: ['22'],
  },
  {
    code: 'postgres.constraint',
    trouble: 'failed',
    retryable: false,
    hint: 'A constraint that somebody put on the table does not take a row that the source has: drop the constraint or correct the row, then `engine retry` goes on.',
    codes: ['23'],
  },
  {
    code: 'postgres.sql',
    trouble: 'failed',
    retryable: false,
    hint: '`engine plan --sql` shows the statements; a condition in `where` is the likely cause.',
    codes: ['42', '0A'],
  },
];

const other: Rule = { code: 'postgres.error', trouble: 'failed', retryable: false };

interface DriverError {
  readonly message?: unknown;
  readonly code?: unknown;
  readonly detail?: unknown;
  readonly errors?: unknown;
}

function ruleOf(code: string | undefined, reason: Reason): Rule {
  const sqlState = code !== undefined && /^[0-9A-Z]{5}$/.test(code);
  const byCode =
    code === undefined
      ? undefined
      : rules.find((rule) => rule.codes?.some((c) => c === code || (sqlState && c.length === 2 && code.startsWith(c))));
  if (byCode !== undefined) return byCode;
  if (sqlState) return other;
  // Node's own errors, and what is said of a session, have no value of a row in them.
  const anywhere = code !== undefined || reason.by === 'session';
  const words = anywhere ? reason.words : reason.words.replace(wayToServer, '');
  const fits = ({ text, codes = [] }: Rule): boolean => {
    if (text === undefined) return false;
    if (code !== undefined && text.test(code)) return true;
    // What a server says of a statement has a SQLSTATE, though DuckDB does not pass it on.
    if (reason.by === 'statement' && !codes.some((c) => /^\d/.test(c))) return false;
    return anywhere ? text.test(words) : text.exec(words)?.index === 0;
  };
  return rules.find(fits) ?? other;
}

/** What libpq says before the reason that the system gives. */
const wayToServer =
  /^(?:could not (?:receive data from|send data to) server: |SSL SYSCALL error: |connection to server (?:at "[^"]*"(?: \([^)]*\))?, port \d+|on socket "[^"]*") failed: )/;

/** Texts that a driver says in words of its own making. */
function plainText(text: string): string {
  return /client password must be a (non-empty )?string|no password supplied/i.test(text) ? noPassword : text;
}

/**
 * An error of `pg`, libpq, DuckDB's postgres extension or Node as an EngineError `postgres.*`; `what` says what was being done and where
 * (`connecting to 10.0.0.5:5432`). Unreachable servers and missing rights are trouble `outside`, the rest `failed`. EngineErrors pass through.
 */
export function postgresError(error: unknown, what: string): EngineError {
  if (error instanceof EngineError) return error;
  const { message, code, detail, errors } = (typeof error === 'object' && error !== null ? error : { message: error }) as DriverError;
  // Several addresses were tried (AggregateError): the first one's reason stands for all.
  if (Array.isArray(errors) && errors.length > 0 && (message === undefined || message === '')) return postgresError(errors[0], what);
  const whole = plainText(String(message ?? error).trim());
  const reason = reasonOf(whole);
  const known = typeof code === 'string' ? code : undefined;
  // PgBouncer's code for it is that of a lost connection.
  const byWords = known?.startsWith('08') === true && /^unsupported startup parameter/i.test(whole);
  const rule = ruleOf(byWords ? undefined : known, reason);
  const text = reason.passedOn ? reason.words : whole;
  const more = typeof detail === 'string' && detail !== '' && rule.code !== 'postgres.no-right' ? ` (${detail})` : '';
  return new EngineError(rule.trouble, rule.code, redact(`${what}: ${text}${more}`), {
    cause: error,
    retryable: rule.retryable,
    ...(rule.hint === undefined ? {} : { hint: rule.hint }),
  });
}
