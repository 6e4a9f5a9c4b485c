import { integer, list, number, object, ref, text, texts, time } from './schema-words.ts';

/** Schemas of what `engine/api-run.ts` says. */
export const runSchemas: Readonly<Record<string, object>> = {
  DbtResult: object(
    {
      uniqueId: text,
      kind: text,
      name: text,
      status: { enum: ['success', 'pass', 'warn', 'error', 'fail', 'skipped', 'partial success', 'no-op'] },
      durationMs: number,
      startedAt: time,
      message: text,
      rows: number,
      failures: integer,
      relation: text,
      dependsOn: texts,
      reads: texts,
      path: text,
      compiledSql: text,
    },
    ['uniqueId', 'kind', 'name', 'status', 'durationMs'],
  ),
  RunDbt: object({ results: list(object({ node: text, result: ref('DbtResult') })) }),
  RunLink: object({ name: text, url: text }, ['name', 'url']),
  RunPlan: object({ plan: ref('Plan'), leftOut: texts }),
};
