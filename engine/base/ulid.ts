import { createHash } from 'node:crypto';

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** The 16 bytes of a ULID (github.com/ulid/spec: Crockford's base 32, the time first). Of any other text the first 16 bytes of its SHA-256. */
export function ulidBytes(id: string): Buffer {
  if (!/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(id)) return createHash('sha256').update(id).digest().subarray(0, 16);
  let value = 0n;
  for (const letter of id) value = value * 32n + BigInt(alphabet.indexOf(letter));
  return Buffer.from(value.toString(16).padStart(32, '0'), 'hex');
}

/** Those bytes as 32 hex digits: the id of the run's trace (W3C Trace Context). */
export function traceIdOf(runId: string): string {
  return ulidBytes(runId).toString('hex');
}

/** Those bytes as a UUID: the id of the run in OpenLineage. */
export function uuidOf(runId: string): string {
  return uuidText(ulidBytes(runId));
}

/** The UUID of a name within another UUID (RFC 9562, version 5). */
export function uuidWithin(uuid: string, name: string): string {
  const bytes = createHash('sha1')
    .update(Buffer.from(uuid.replaceAll('-', ''), 'hex'))
    .update(name)
    .digest()
    .subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return uuidText(bytes);
}

function uuidText(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
