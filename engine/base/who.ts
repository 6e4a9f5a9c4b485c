import { hostname, userInfo } from 'node:os';

/** Who asks from the command line, for people: `name@host`. A user whom the system has no name for, as in containers, goes by its number. */
export function whoHere(look: () => { readonly username: string } = userInfo): string {
  return `${nameOf(look)}@${hostname()}`;
}

function nameOf(look: () => { readonly username: string }): string {
  try {
    return look().username;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SYSTEM_ERROR') throw error;
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
