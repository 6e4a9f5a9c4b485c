import { hex, type Pool } from './pool.ts';
import type { Random } from './random.ts';

/** The day before the first `daily`: all of a sample's times hang on it, none on the clock. */
export const firstDayMs = Date.UTC(2026, 0, 1);
export const dayMs = 86_400_000;
const yearsMs = 2 * 365 * dayMs;

/** What a row is made from: its table's words and numbers, and the span of time in which it was created. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Two years up to the first day. */
export const initialSpan: Span = { fromMs: firstDayMs - yearsMs, toMs: firstDayMs };

/** The day of that number, from 1. */
export function spanOfDay(day: number): Span {
  return { fromMs: firstDayMs + (day - 1) * dayMs, toMs: firstDayMs + day * dayMs };
}

const userStatuses = ['active', 'active', 'active', 'active', 'Active', 'ACTIVE', 'Inactive', 'inactive', 'BLOCKED'];
export const transactionStatuses = ['Completed', 'pending', 'FAILED', 'refunded'];
const statusDice = ['Completed', 'Completed', 'Completed', 'completed', 'COMPLETED', 'pending', 'Pending', 'FAILED', 'failed', 'refunded'];
const currencies = ['EUR', 'EUR', 'EUR', 'USD', 'USD', 'GBP', 'CZK', 'JPY', 'CHF'];

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** A value as COPY's text format has it (Postgres docs, COPY). */
export function copyText(value: string | null): string {
  if (value === null) return '\\N';
  return /[\\\n\r\t]/.test(value) ? value.replace(/[\\\n\r\t]/g, (c) => escapes[c] ?? c) : value;
}

function instant(ms: number, micros: number): string {
  return `${new Date(ms).toISOString().slice(0, 23)}${String(micros).padStart(3, '0')}Z`;
}

/** One line of `COPY public.users (userColumns)`. Without `withUpdatedAt` the last column is left to its default. */
export function userLine(id: number, pool: Pool, random: Random, span: Span, withUpdatedAt: boolean): string {
  const first = random.pick(pool.firstNames);
  const last = random.pick(pool.lastNames);
  const plain = `${first}.${last}`.normalize('NFKD').replace(/[^A-Za-z.]/g, '');
  const local = `${/^[A-Za-z]+\.[A-Za-z]+$/.test(plain) ? plain : 'user'}${id}`;
  const email = random.chance(0.02) ? null : `${random.chance(0.3) ? local.toUpperCase() : local}@${random.pick(pool.domains)}`;
  const phone = random.chance(0.1) ? null : `+${1 + random.below(98)} ${100 + random.below(900)} ${1000000 + random.below(9000000)}`;
  const createdMs = span.fromMs + random.below(span.toMs - span.fromMs);
  const line = [
    String(id),
    copyText(email === null || !random.chance(0.05) ? email : ` ${email} `),
    copyText(first),
    copyText(last),
    copyText(phone),
    random.pick(pool.countries),
    random.pick(userStatuses),
    random.chance(0.05) ? '\\N' : random.chance(0.4) ? 't' : 'f',
    instant(createdMs, random.below(1000)),
  ].join('\t');
  return withUpdatedAt ? `${line}\t${instant(createdMs + random.below(span.toMs - createdMs), random.below(1000))}\n` : `${line}\n`;
}

export const userColumns = ['id', 'email', 'first_name', 'last_name', 'phone', 'country', 'status', 'marketing_opt_in', 'created_at'];

/** One line of `COPY public.transactions (transactionColumns)`; its user is one of 1 to `users`. */
export function transactionLine(id: number, users: number, pool: Pool, random: Random, span: Span, withUpdatedAt: boolean): string {
  const cents = Math.floor(100 * Math.exp(random.next() * 8.5)) * (random.chance(0.03) ? -1 : 1);
  const createdMs = span.fromMs + random.below(span.toMs - span.fromMs);
  const metadata =
    `{"ip": "10.${random.below(256)}.${random.below(256)}.${random.below(256)}", "city": ${JSON.stringify(random.pick(pool.cities))}, ` +
    `"items": ${1 + random.below(9)}, "device": "${random.pick(pool.devices)}"}`;
  const line = [
    String(id),
    String(1 + random.below(users)),
    (cents / 100).toFixed(2),
    random.pick(currencies),
    random.pick(statusDice),
    copyText(random.pick(pool.merchants)),
    random.chance(0.05) ? (random.chance(0.5) ? '' : '\\N') : copyText(random.pick(pool.descriptions)),
    random.chance(0.05) ? '\\N' : copyText(metadata),
    `tok_${hex(random, 4)}`,
    instant(createdMs, random.below(1000)),
  ].join('\t');
  return withUpdatedAt ? `${line}\t${instant(createdMs + random.below(span.toMs - createdMs), random.below(1000))}\n` : `${line}\n`;
}

export const transactionColumns = [
  'id',
  'user_id',
  'amount',
  'currency',
  'status',
  'merchant',
  'description',
  'metadata',
  'card_token',
  'created_at',
];
