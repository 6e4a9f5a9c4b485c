import type { Command } from '../command.ts';

/** `engine schema`: the JSON Schema of pipelines.yaml on stdout, as one document; `--markdown` prints the page that is made from it. */
export const command: Command = {
  name: 'schema',
  summary: 'print the JSON Schema of pipelines.yaml',
  description: 'One draft-07 document with help for every field, for editors and for other programs.',
  options: [{ flags: '--markdown', summary: 'print the reference page that is made from it' }],
  examples: ['engine schema > pipelines.schema.json', 'engine schema --markdown'],
  async run(context, input) {
    const { bundledSchema } = await import('../load/schema.ts');
    const schema = bundledSchema();
    if (input.options.markdown === true) {
      const { referencePage } = await import('../load/reference.ts');
      const page = referencePage(schema);
      context.reporter.data({ format_version: 1, markdown: page }, () => page.trimEnd());
    } else context.reporter.data(schema, () => JSON.stringify(schema, null, 2));
    return 0;
  },
};
