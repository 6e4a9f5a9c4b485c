import { basename } from 'node:path';
import type { Sender } from '../alarm.ts';
import type { CommandContext } from '../command.ts';
import type { Config } from '../config.ts';

/** As whom this engine sends alarms of a project. */
export function senderOf(context: CommandContext, config: Config, host: string): Sender {
  return { version: context.engine, project: basename(config.root), host };
}
