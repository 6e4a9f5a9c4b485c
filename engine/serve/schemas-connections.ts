import { list, object, ref, text, time } from './schema-words.ts';

/** Schemas of what `engine/api-connections.ts` says. */
export const connectionSchemas: Readonly<Record<string, object>> = {
  ConnectionState: object(
    {
      kind: { enum: ['source', 'sink', 'lake', 'store'] },
      name: text,
      type: text,
      state: { enum: ['answers', 'silent', 'idle'] },
      since: time,
      checkedAt: time,
      why: text,
      hint: text,
    },
    ['kind', 'name', 'type', 'state', 'since', 'checkedAt'],
  ),
  ConnectionsPage: object({ connections: list(ref('ConnectionState')) }),
};
