import { list, object, ref, runStates, text, time } from './schema-words.ts';

/** Schemas of what `engine/api-search.ts` says. */
export const searchSchemas: Readonly<Record<string, object>> = {
  FoundRun: object({ runId: text, pipeline: text, state: { enum: runStates }, startedAt: time, cause: text }, [
    'runId',
    'pipeline',
    'state',
    'startedAt',
  ]),
  SearchPage: object({ runs: list(ref('FoundRun')) }),
};
