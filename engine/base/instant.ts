/**
 * A moment in UTC with microseconds: `2026-01-31T09:30:00.123456Z`, always 27 characters, so that text order is time order.
 * Postgres keeps microseconds; a JavaScript Date would lose three digits.
 */
export type Instant = string;

const form = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/;

/** True for text in the one form of an `Instant`. */
export function isInstant(text: string): text is Instant {
  return form.test(text);
}

/** Microseconds since 1970. Throws on any other form. */
export function instantToMicros(instant: Instant): bigint {
  if (!form.test(instant)) throw new RangeError(`not an instant with microseconds in UTC: ${instant}`);
  const millis = Date.parse(`${instant.slice(0, 19)}Z`);
  return BigInt(millis) * 1000n + BigInt(instant.slice(20, 26));
}

/** The instant of so many microseconds since 1970. */
export function microsToInstant(micros: bigint): Instant {
  const seconds = micros >= 0n ? micros / 1_000_000n : (micros - 999_999n) / 1_000_000n;
  const rest = micros - seconds * 1_000_000n;
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${rest.toString().padStart(6, '0')}Z`;
}

/** The instant of so many milliseconds since 1970. */
export function millisToInstant(millis: number): Instant {
  return microsToInstant(BigInt(Math.round(millis)) * 1000n);
}

/** That much later (or earlier, when negative). */
export function plusMicros(instant: Instant, micros: bigint): Instant {
  return microsToInstant(instantToMicros(instant) + micros);
}

/** The earliest of them; undefined for none. */
export function earliest(...instants: readonly (Instant | undefined | null)[]): Instant | undefined {
  const known = instants.filter((i): i is Instant => i !== undefined && i !== null);
  return known.length === 0 ? undefined : known.reduce((a, b) => (a < b ? a : b));
}

/** SQL of an expression of type timestamptz, written as an `Instant` text by Postgres. */
export function sqlInstant(expression: string): string {
  return `to_char((${expression}) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}
