/** Takes one line about what happened, for people and programs. */
export type Tell = (level: 'info' | 'warn' | 'error', text: string, fields?: Readonly<Record<string, string | number>>) => void;
