import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { hotId } from './ledger.ts';
import { type Random, seeded } from './random.ts';

/** What the writers did. */
export interface WriterCounts {
  /** Committed, prepared ones included, the hot row's not. */
  transactions: number;
  /** Committed after they had been held open for up to `latestMs`. */
  late: number;
  aborts: number;
  /** Prepared; then committed or rolled back later. */
  prepared: number;
  /** Changes of the hot row. */
  beats: number;
}

/** Writers at work on the two ledgers. */
export interface Writers {
  readonly counts: Readonly<WriterCounts>;
  /** Throws what a writer failed with. */
  check(): void;
  /** Lets every transaction that is open or prepared come to its end and ends the sessions. Throws what a writer failed with. */
  quiet(): Promise<void>;
}

const oneInLate = 60;
const oneInAborted = 60;
const oneInPrepared = 300;
const latestMs = 4_000;
const pauseMs = 20;
const beatMs = 50;

/**
 * `connections` sessions that move amounts between the ledgers and open accounts until they are told to be quiet: 1 transaction in 60 commits up to 4 s
 * late, 1 in 60 aborts, 1 in 300 is prepared and decided up to a second later. One more session changes the hot row of both tables every 50 ms.
 */
export async function startWriters(connect: () => Promise<pg.Client>, connections: number, seed: number): Promise<Writers> {
  const counts: WriterCounts = { transactions: 0, late: 0, aborts: 0, prepared: 0, beats: 0 };
  const first = await connect();
  const { rows } = await first.query<{ id: string }>('SELECT max(id) AS id FROM ledger_a');
  let newest = Number(rows[0]?.id ?? 0);
  let quiet = false;
  const latecomers = new Set<Promise<void>>();

  const oneTransaction = async (client: pg.Client, random: Random, name: string): Promise<void> => {
    const amount = random.below(1000) - 500;
    await client.query('BEGIN');
    if (random.oneIn(5)) {
      newest += 1;
      const id = newest;
      await client.query(`INSERT INTO ledger_a VALUES (${id}, ${amount}, 'opened by ${name}')`);
      await client.query(`INSERT INTO ledger_b VALUES (${id}, ${-amount}, 'opened by ${name}')`);
    } else {
      // Rows that a late transaction holds are passed by: nobody waits for four seconds.
      const picked = (table: string): string =>
        `WITH one AS (SELECT id FROM ${table} WHERE id > ${hotId} AND id >= ${1 + random.below(newest)} ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)`;
      const taken = await client.query(
        `${picked('ledger_a')} UPDATE ledger_a t SET amount = amount + ${amount}, note = 'moved by ${name}' FROM one WHERE t.id = one.id`,
      );
      const given = await client.query(
        `${picked('ledger_b')} UPDATE ledger_b t SET amount = amount - ${amount}, note = 'moved by ${name}' FROM one WHERE t.id = one.id`,
      );
      if (taken.rowCount !== 1 || given.rowCount !== 1) {
        await client.query('ROLLBACK');
        return;
      }
    }
    if (random.oneIn(oneInAborted)) {
      await client.query('ROLLBACK');
      counts.aborts += 1;
      return;
    }
    if (random.oneIn(oneInPrepared)) {
      await client.query(`PREPARE TRANSACTION '${name}'`);
      counts.prepared += 1;
      const verdict = random.oneIn(4) ? 'ROLLBACK' : 'COMMIT';
      const wait = random.below(1_000);
      const decision = (async (): Promise<void> => {
        await sleep(wait);
        await first.query(`${verdict} PREPARED '${name}'`);
        if (verdict === 'COMMIT') counts.transactions += 1;
      })();
      latecomers.add(decision);
      void decision.then(
        () => latecomers.delete(decision),
        () => undefined,
      );
      return;
    }
    if (random.oneIn(oneInLate)) {
      await sleep(random.below(latestMs));
      counts.late += 1;
    }
    await client.query('COMMIT');
    counts.transactions += 1;
  };

  const writer = async (number: number): Promise<void> => {
    const client = await connect();
    const random = seeded(seed + number);
    for (let n = 1; !quiet; n += 1) {
      await oneTransaction(client, random, `writer ${number} transaction ${n} of ${seed}`);
      await sleep(random.below(pauseMs));
    }
    await client.end();
  };
  const beat = async (): Promise<void> => {
    const client = await connect();
    while (!quiet) {
      await client.query(
        `BEGIN; UPDATE ledger_a SET amount = amount + 1 WHERE id = ${hotId}; UPDATE ledger_b SET amount = amount - 1 WHERE id = ${hotId}; COMMIT`,
      );
      counts.beats += 1;
      await sleep(beatMs);
    }
    await client.end();
  };
  const work = Promise.all([beat(), ...Array.from({ length: connections }, (_, number) => writer(number))]);
  const failures: unknown[] = [];
  work.catch((error: unknown) => {
    quiet = true;
    failures.push(error);
  });
  return {
    counts,
    check() {
      if (failures.length > 0) throw failures[0];
    },
    async quiet() {
      quiet = true;
      await work;
      await Promise.all(latecomers);
      await first.end();
    },
  };
}
