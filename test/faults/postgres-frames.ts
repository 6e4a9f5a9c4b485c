import type { Readable } from 'node:stream';

/** A whole message as it goes over the wire. */
export interface FrontendFrame {
  readonly bytes: Buffer;
  /** `Query SELECT 1`, `Parse ...`, else the message's name. */
  readonly text: string;
  /** Only of the startup message: the session's application_name. */
  readonly session?: string;
}

export interface BackendFrame {
  readonly bytes: Buffer;
  /** The message's first byte as a letter. */
  readonly type: string;
}

const names: Readonly<Record<string, string>> = {
  B: 'Bind',
  C: 'Close',
  D: 'Describe',
  E: 'Execute',
  H: 'Flush',
  S: 'Sync',
  X: 'Terminate',
  c: 'CopyDone',
  d: 'CopyData',
  f: 'CopyFail',
  p: 'Password',
};

const protocol3 = 196_608;
const lengthBytes = 4;

/** The messages of a client (PostgreSQL documentation, Message Flow, version 3). A client that asks for encryption first is not understood. */
export async function* frontendFrames(from: Readable): AsyncGenerator<FrontendFrame> {
  let started = false;
  for await (const bytes of framesOf(from, () => (started ? 1 : 0))) {
    if (started) yield { bytes, text: textOf(bytes) };
    else if (bytes.readInt32BE(lengthBytes) >= protocol3 && bytes.readInt32BE(lengthBytes) < protocol3 + 65_536) {
      started = true;
      yield { bytes, text: 'startup', session: startupParameter(bytes, 'application_name') };
    } else yield { bytes, text: 'CancelRequest', session: '' };
  }
}

/** The messages of a server to a client that asked for no encryption. */
export async function* backendFrames(from: Readable): AsyncGenerator<BackendFrame> {
  for await (const bytes of framesOf(from, () => 1)) yield { bytes, type: String.fromCharCode(bytes[0] ?? 0) };
}

/** Cuts a stream into messages: a type of `typeBytes` bytes, a length that counts itself, and the rest. */
async function* framesOf(from: Readable, typeBytes: () => number): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of from as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (;;) {
      const before = typeBytes();
      if (rest.length < before + lengthBytes) break;
      const length = before + rest.readInt32BE(before);
      if (rest.length < length) break;
      yield rest.subarray(0, length);
      rest = rest.subarray(length);
    }
  }
}

function textOf(frame: Buffer): string {
  const type = String.fromCharCode(frame[0] ?? 0);
  const body = frame.subarray(1 + lengthBytes);
  if (type === 'Q') return `Query ${body.subarray(0, -1).toString()}`;
  // A Parse has the statement's name first, then its SQL, each ended by a zero byte.
  if (type === 'P') return `Parse ${body.subarray(body.indexOf(0) + 1, body.indexOf(0, body.indexOf(0) + 1)).toString()}`;
  return names[type] ?? type;
}

function startupParameter(frame: Buffer, name: string): string {
  const words = frame
    .subarray(2 * lengthBytes)
    .toString()
    .split('\0');
  const at = words.findIndex((word, index) => index % 2 === 0 && word === name);
  return at < 0 ? '' : (words[at + 1] ?? '');
}
