import { EngineError } from '../engine/error.ts';
import type { Field, Metadata, Protocol } from './action.ts';

const readable = new Set(['timestampNtz']);
const writable = new Set(['timestampNtz', 'appendOnly', 'invariants']);

/** Refuses a table that asks for something of its readers that this engine does not know (PROTOCOL.md, Table Features). */
export function checkReadable(folder: string, protocol: Protocol, metadata: Metadata | undefined): void {
  const unknown = (protocol.readerFeatures ?? []).filter((f) => !readable.has(f));
  const mapped = (metadata?.configuration['delta.columnMapping.mode'] ?? 'none') !== 'none';
  if (protocol.minReaderVersion > 3 || unknown.length > 0 || mapped)
    throw tooNew(folder, 'read', protocol, mapped ? ['columnMapping'] : unknown);
}

/** Refuses a table that asks for something of its writers that this engine does not do. */
export function checkWritable(folder: string, protocol: Protocol, metadata: Metadata | undefined): void {
  checkReadable(folder, protocol, metadata);
  const unknown = (protocol.writerFeatures ?? []).filter((f) => !writable.has(f));
  const version = protocol.minWriterVersion;
  if ((version > 2 && version !== 7) || unknown.length > 0) throw tooNew(folder, 'write', protocol, unknown);
}

function tooNew(folder: string, verb: string, protocol: Protocol, features: readonly string[]): EngineError {
  const asks = features.length > 0 ? features.join(', ') : `protocol (${protocol.minReaderVersion}, ${protocol.minWriterVersion})`;
  return new EngineError('refused', 'lake.feature-unknown', `this engine cannot ${verb} lake table ${folder}: it asks for ${asks}`, {
    hint: 'Another program changed the table. Undo that there, or give the table a new name and take it in full.',
  });
}

/** The protocol that these fields need on a table that has `current` now; the same object when nothing has to change. Never goes down. */
export function protocolFor(fields: readonly Field[], current: Protocol | undefined): Protocol {
  const zoneless = fields.some((f) => f.type === 'timestamp_ntz');
  if (!zoneless) return current ?? { minReaderVersion: 1, minWriterVersion: 2 };
  if (current?.readerFeatures?.includes('timestampNtz') === true && current.writerFeatures?.includes('timestampNtz') === true)
    return current;
  return {
    minReaderVersion: 3,
    minWriterVersion: 7,
    readerFeatures: [...new Set([...(current?.readerFeatures ?? []), 'timestampNtz'])],
    writerFeatures: [...new Set([...(current?.writerFeatures ?? ['appendOnly', 'invariants']), 'timestampNtz'])],
  };
}
