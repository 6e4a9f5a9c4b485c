/** How much attention a line asks for, the least first. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
