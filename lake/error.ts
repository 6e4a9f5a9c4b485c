import { EngineError } from '../engine/error.ts';

interface Translation {
  readonly code: string;
  readonly why: string;
  readonly hint: string;
  readonly retryable?: true;
}

const full: Translation = {
  code: 'lake.disk-full',
  why: 'no space is left on the device',
  hint: 'Free some space, or move the lake to a larger disk; nothing was committed.',
};
const rights: Translation = {
  code: 'lake.no-right',
  why: 'the operating system denies it',
  hint: 'Give the user that runs the engine the right to read and write this folder.',
};

const byCode: Readonly<Record<string, Translation>> = {
  ENOSPC: full,
  EDQUOT: { ...full, why: 'the disk quota is used up' },
  EACCES: rights,
  EPERM: rights,
  EROFS: { code: 'lake.read-only', why: 'the file system is read-only', hint: 'Mount it for writing, or give the lake another path.' },
  ENOTDIR: {
    code: 'lake.not-a-folder',
    why: 'a part of the path is a file',
    hint: 'Give the lake a path that is a folder or does not exist yet.',
  },
  EISDIR: { code: 'lake.not-a-file', why: 'a folder stands where a file should', hint: 'Look at what made that folder, and move it away.' },
  ELOOP: { code: 'lake.link-loop', why: 'symbolic links lead in a circle', hint: 'Give the lake a path without that link.' },
  ENAMETOOLONG: { code: 'lake.name-too-long', why: 'the name is too long for the file system', hint: 'Give the table a shorter name.' },
  EMFILE: {
    code: 'lake.too-many-files',
    why: 'too many files are open',
    hint: 'Raise the limit of open files (ulimit -n).',
    retryable: true,
  },
  ENFILE: { code: 'lake.too-many-files', why: 'too many files are open on this machine', hint: 'End what holds them.', retryable: true },
  EEXIST: { code: 'lake.folder-taken', why: 'it exists already', hint: 'Data files go to a new folder. Look at what made this one.' },
  ENOENT: { code: 'lake.file-missing', why: 'it does not exist', hint: 'Look at what removed it; a full run brings the table back.' },
};

/**
 * A failure of the file system, or of DuckDB on it, as an EngineError of trouble `outside`; an EngineError is passed through.
 * `what` says what was tried and where: `writing users/_delta_log/…`.
 */
export function lakeError(error: unknown, what: string): EngineError {
  if (error instanceof EngineError) return error;
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const text = error instanceof Error ? error.message : String(error);
  const known = (code === undefined ? undefined : byCode[code]) ?? fromText(text);
  if (known === undefined)
    return new EngineError('outside', 'lake.io', `${what} failed: ${text}`, {
      cause: error,
      hint: 'Look at the health of the disk, then try again.',
      retryable: true,
    });
  return new EngineError('outside', known.code, `${what} failed: ${known.why}`, {
    cause: error,
    hint: known.hint,
    retryable: known.retryable ?? false,
  });
}

/** DuckDB gives the operating system's text and no code. */
function fromText(text: string): Translation | undefined {
  if (text.includes('No space left on device')) return full;
  if (text.includes('Disk quota exceeded')) return byCode.EDQUOT;
  if (text.includes('Permission denied')) return rights;
  if (text.includes('Read-only file system')) return byCode.EROFS;
  return undefined;
}
