import { suite as uvuSuite } from 'uvu';

/** What a test file uses; uvu is wrapped here and nowhere else, because it exits 0 when a `before` hook throws, when `run()` is forgotten and on a rejection without an Error. */
export interface Suite {
  /** The name is a sentence. */
  test(name: string, body: () => Promise<void> | void): void;
  before(body: () => Promise<void> | void): void;
  after(body: () => Promise<void> | void): void;
  /** Declares a test that cannot run here, with the reason that is printed. */
  skip(name: string, reason: string): void;
}

const counts = { passed: 0, failed: 0, skipped: 0 };
let open = 0;

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(`thrown: ${JSON.stringify(thrown) ?? String(thrown)}`);
}

function report(name: string, error: Error): void {
  process.exitCode = 1;
  process.stdout.write(`FAILED ${name}\n${error.stack ?? error.message}\n`);
}

/** Declares the tests of one file; they run by themselves when `define` has returned. */
export function suite(name: string, define: (s: Suite) => void): void {
  const inner = uvuSuite(name);
  const only = process.env.TEST_ONLY;
  let broken: Error | undefined;
  open += 1;
  define({
    test(title, body) {
      if (only !== undefined && !title.includes(only)) return;
      inner(title, async () => {
        try {
          if (broken !== undefined) throw broken;
          await body();
          counts.passed += 1;
        } catch (thrown) {
          counts.failed += 1;
          const error = asError(thrown);
          report(`${name}: ${title}`, error);
          throw error;
        }
      });
    },
    before(body) {
      inner.before(async () => {
        try {
          await body();
        } catch (thrown) {
          broken ??= asError(thrown);
        }
      });
    },
    after(body) {
      inner.after(async () => {
        try {
          await body();
        } catch (thrown) {
          counts.failed += 1;
          report(`${name}: after`, asError(thrown));
        }
      });
    },
    skip(title, reason) {
      counts.skipped += 1;
      process.stdout.write(`skipped: ${reason} (${title})\n`);
    },
  });
  inner.after(() => {
    open -= 1;
  });
  inner.run();
}

process.on('exit', (code) => {
  const whole = open === 0 && (code === 0) === (counts.failed === 0);
  process.stdout.write(`\n##counts ${JSON.stringify({ ...counts, whole })}\n`);
  if (!whole || counts.failed > 0) process.exitCode = 1;
});
