/** What a link to another program's page about a run may name in braces. */
export interface LinkFields {
  readonly runId: string;
  readonly traceId: string;
  readonly lineageRunId: string;
  readonly pipeline: string;
  readonly startedMs: string;
  readonly endedMs: string;
}

/** Their names. */
export const linkFields: readonly (keyof LinkFields)[] = ['runId', 'traceId', 'lineageRunId', 'pipeline', 'startedMs', 'endedMs'];

const braces = /\{([^{}]*)\}/g;

/** What a template names in braces. */
export function namedIn(template: string): readonly string[] {
  return [...template.matchAll(braces)].map(([, name]) => name ?? '');
}

/** The template with its fields put in, encoded for a URL. What is no field stays as it is. */
export function fillLink(template: string, fields: LinkFields): string {
  return template.replace(braces, (whole, name: string) => {
    const field = linkFields.find((known) => known === name);
    return field === undefined ? whole : encodeURIComponent(fields[field]);
  });
}
