import type { Command } from '../command.ts';

/** A command as `engine --help` lists it; `load` brings the rest, which nothing else loads. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  load(): Promise<Command>;
}

/** Every command, in the order of `engine --help`. Each module exports its `Command` as `command`. */
export const commands: readonly CommandEntry[] = [
  { name: 'init', summary: 'make a new project that runs as it is', load: async () => (await import('./init.ts')).command },
  { name: 'setup', summary: 'fetch ahead what is otherwise fetched on first use', load: async () => (await import('./setup.ts')).command },
  { name: 'validate', summary: 'check pipelines.yaml and show every finding', load: async () => (await import('./validate.ts')).command },
  { name: 'plan', summary: 'show what a run would do, and change nothing', load: async () => (await import('./plan.ts')).command },
  { name: 'run', summary: 'run a pipeline once', load: async () => (await import('./run.ts')).command },
  { name: 'daemon', summary: 'run pipelines at the times of their schedules', load: async () => (await import('./daemon.ts')).command },
  { name: 'retry', summary: 'go on with a run that failed or was stopped', load: async () => (await import('./retry.ts')).command },
  { name: 'cancel', summary: 'stop a live run cleanly', load: async () => (await import('./cancel.ts')).command },
  { name: 'status', summary: 'show what is going on', load: async () => (await import('./status.ts')).command },
  { name: 'runs', summary: 'list runs, newest first', load: async () => (await import('./runs.ts')).command },
  { name: 'why', summary: 'show what a pipeline waits for', load: async () => (await import('./why.ts')).command },
  { name: 'alerts', summary: 'show what rings, and test the channels', load: async () => (await import('./alerts.ts')).command },
  { name: 'logs', summary: 'show the log of a run', load: async () => (await import('./logs.ts')).command },
  { name: 'token', summary: 'make, list and revoke tokens of the API', load: async () => (await import('./token.ts')).command },
  { name: 'state', summary: 'show or change the watermarks', load: async () => (await import('./state.ts')).command },
  { name: 'doctor', summary: 'check what can be reached, with what rights', load: async () => (await import('./doctor.ts')).command },
  { name: 'generate', summary: 'make sample data in a source', load: async () => (await import('./generate.ts')).command },
  { name: 'up', summary: 'keep embedded servers running to look at', load: async () => (await import('./up.ts')).command },
  { name: 'down', summary: 'stop embedded servers', load: async () => (await import('./down.ts')).command },
  { name: 'psql', summary: 'open a Postgres shell on a source or a sink', load: async () => (await import('./psql.ts')).command },
  { name: 'query', summary: "run SQL on the lake's tables", load: async () => (await import('./query.ts')).command },
  { name: 'schema', summary: 'print the JSON Schema of pipelines.yaml', load: async () => (await import('./schema.ts')).command },
];
