import { Argument, Command as CommanderCommand, CommanderError, Option } from 'commander';
import type { Command, CommandInput } from '../command.ts';
import { EngineError } from '../error.ts';
import { type CommandEntry, commands } from './index.ts';

/** Options that every command takes. */
export interface GlobalOptions {
  readonly config: string | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly yes: boolean;
}

/** What a command line asks for: a command with its input, or a text to show (help, version). */
export type CommandLine =
  | { readonly kind: 'command'; readonly command: Command; readonly input: CommandInput; readonly global: GlobalOptions }
  | { readonly kind: 'shown'; readonly text: string; readonly code: number };

const examples = [
  'engine validate                          # every finding in pipelines.yaml, with its place',
  'engine plan --pipeline incremental_users # what a run would do',
  'engine run --pipeline incremental_users  # do it',
  'engine status                            # what is going on',
];

const exitCodes = `Exit codes:
  0    done
  1    a run or a check failed
  2    the configuration or the command line is wrong
  3    something outside (a server, a disk) cannot be reached, or lacks a right
  4    refused: another run holds the table, the plan is out of date, not agreed to
  130  stopped by Ctrl-C, after cleaning up (SIGHUP 129, SIGTERM 143)
`;

/** Reads a command line (without node and script). Loads the named command's module only. A wrong one is an EngineError `command-line.*` of trouble `usage`. */
export async function parseCommandLine(argv: readonly string[], version: string): Promise<CommandLine> {
  let shown = '';
  let chosen: Omit<CommandLine & { kind: 'command' }, 'global'> | undefined;
  const program = new CommanderCommand('engine')
    .description('Declarative pipelines from Postgres to a Delta lake, a warehouse and dbt.')
    .usage('<command> [options]')
    .version(version, '--version', 'print the version')
    .option('--config <file>', 'pipelines.yaml to use (default: in the working directory or upwards)')
    .option('--json', 'one JSON document on stdout; for run, one event per line')
    .option('--quiet', 'say nothing but data and errors')
    .option('--yes', 'agree to what would be asked')
    .helpOption('-h, --help', 'show help with examples')
    .helpCommand('help [command]', 'show help of a command')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => {
        shown += text;
      },
      writeErr: () => undefined,
    })
    .exitOverride()
    .addHelpText('after', helpExamples(examples))
    .addHelpText('after', exitCodes);
  const word = commandWord(argv);
  for (const entry of commands) {
    const sub = program.command(entry.name).description(entry.summary);
    if (entry.name !== word) continue;
    const command = await entry.load();
    addDetails(sub, entry, command);
    sub.action(() => {
      chosen = { kind: 'command', command, input: { arguments: sub.processedArgs, options: sub.opts() } };
    });
  }
  if (argv.length === 0) return { kind: 'shown', text: program.helpInformation(), code: 2 };
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: 'shown', text: shown, code: 0 };
    if (error.code === 'commander.help') throw noCommand();
    throw usageError(error, word);
  }
  if (chosen === undefined) throw noCommand();
  const global = program.opts<{ config?: string; json?: true; quiet?: true; yes?: true }>();
  return {
    ...chosen,
    global: { config: global.config, json: global.json === true, quiet: global.quiet === true, yes: global.yes === true },
  };
}

function noCommand(): EngineError {
  return new EngineError('usage', 'command-line.no-command', 'no command is given', { hint: 'See engine --help.' });
}

/** The first word that names a command. */
function commandWord(argv: readonly string[]): string | undefined {
  return argv.find((word, i) => argv[i - 1] !== '--config' && commands.some((c) => c.name === word));
}

function addDetails(sub: CommanderCommand, entry: CommandEntry, command: Command): void {
  sub.summary(entry.summary).description(command.description ?? command.summary);
  for (const argument of command.arguments ?? []) {
    const name = argument.variadic === true ? `${argument.name}...` : argument.name;
    sub.addArgument(new Argument(argument.required ? `<${name}>` : `[${name}]`, argument.summary));
  }
  for (const option of command.options ?? []) {
    const added = new Option(option.flags, option.summary).makeOptionMandatory(option.required === true);
    sub.addOption(option.default === undefined ? added : added.default(option.default));
  }
  sub.addHelpText('after', helpExamples(command.examples));
}

function helpExamples(lines: readonly string[]): string {
  return lines.length === 0 ? '' : `\nExamples:\n${lines.map((l) => `  ${l}\n`).join('')}`;
}

function usageError(error: CommanderError, word: string | undefined): EngineError {
  const [first = '', ...rest] = error.message.split('\n');
  const see = `See engine ${word === undefined ? '' : `${word} `}--help.`;
  const isName = error.code === 'commander.excessArguments' && (word === 'run' || word === 'plan');
  const help = isName ? `Name what to ${word} with an option: engine ${word} --pipeline NAME. ${see}` : see;
  const suggestion = /\(Did you mean (.*)\?\)/.exec(rest.join(' '))?.[1];
  const code = `command-line.${error.code.replace(/^commander\./, '').replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;
  return new EngineError('usage', code, first.replace(/^error: /, '').replace(/\.$/, ''), {
    hint: suggestion === undefined ? help : `Did you mean ${suggestion}? ${help}`,
  });
}
