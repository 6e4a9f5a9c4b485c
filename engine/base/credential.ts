import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A random id and a random secret of 256 bits; `hash` is what may be kept of the secret. */
export interface Credential {
  readonly id: string;
  readonly secret: string;
  readonly hash: string;
}

/** Made from the system's random numbers. */
export function makeCredential(): Credential {
  const secret = randomBytes(32).toString('base64url');
  return { id: randomBytes(8).toString('hex'), secret, hash: hashOf(secret) };
}

/** SHA-256, hex. It needs no salt and no stretching: what it hides has 256 random bits. */
export function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Whether it is the secret of that hash; takes the same time whatever is wrong, also where there is no hash (no such id). */
export function isSecretOf(secret: string, hash: string | undefined): boolean {
  const kept = Buffer.from(hash ?? '0'.repeat(64), 'hex');
  const given = Buffer.from(hashOf(secret), 'hex');
  return kept.length === given.length && timingSafeEqual(kept, given) && hash !== undefined;
}

/** A token as its owner has it: `engine_<id>_<secret>`. */
export function tokenText({ id, secret }: Pick<Credential, 'id' | 'secret'>): string {
  return `engine_${id}_${secret}`;
}

/** The parts of a token; undefined for what is none. */
export function parseToken(text: string): Pick<Credential, 'id' | 'secret'> | undefined {
  const parts = /^engine_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/.exec(text);
  return parts?.[1] === undefined || parts[2] === undefined ? undefined : { id: parts[1], secret: parts[2] };
}
