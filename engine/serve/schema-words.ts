/** Words that JSON Schemas of the API's bodies are written in. */

export const text = { type: 'string' } as const;
export const time = { type: 'string', description: 'ISO 8601, UTC' } as const;
export const number = { type: 'number' } as const;
export const integer = { type: 'integer' } as const;
export const texts = { type: 'array', items: text } as const;
export const anything = { type: 'object', additionalProperties: true } as const;
export const object = (properties: object, required: readonly string[] = Object.keys(properties)): object => ({
  type: 'object',
  properties,
  required,
});
export const list = (items: object): object => ({ type: 'array', items });

/** A reference to one of them. */
export const ref = (id: string): { readonly $ref: string } => ({ $ref: `${id}#` });

export const runStates = ['queued', 'running', 'succeeded', 'failed', 'cancelled', 'interrupted'] as const;
export const nodeStates = [...runStates, 'retrying', 'skipped'] as const;
