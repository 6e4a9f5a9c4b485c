/**
 * Every act by which a run changes the world outside its process, named once. A crash between any two of them must leave what the next run
 * makes right; `ENGINE_FAULT` lets a test die or stand still exactly there.
 */
export const effects = {
  'store.append': 'events of the run are written to the state store',
  'store.lease': 'a lease is taken',
  'store.release': 'a lease is given back',
  'source.snapshot': 'a snapshot is exported on the source',
  'lake.folder': 'a folder for parts is opened in the lake',
  'source.copy': 'rows are copied from the source into parts',
  'lake.part': 'a part is made durable in the lake',
  'lake.entry': 'the log entry is created: the commit of an extract',
  'lake.checkpoint': 'a checkpoint of the log is written',
  'lake.hint': 'the hint of the last checkpoint is replaced',
  'sink.prepare': 'the ledger and the schemas are made where they are missing',
  'sink.attempt': 'an attempt at loading is registered, and what is left of an older one is ended',
  'sink.lock': 'the transaction of a load begins and takes its lock',
  'sink.shape': 'staging is made, changed or emptied',
  'sink.arrivals': 'the temporary table of a merge is made',
  'sink.copy': 'one part is copied into the sink',
  'sink.merge': 'arrivals are merged into staging',
  'sink.ledger': 'the ledger row of a version is written',
  'sink.commit': 'the transaction of a load is committed',
  'dbt.build': 'dbt builds its models',
} as const;

export type Effect = keyof typeof effects;

/** What strikes: `kill` ends the process as SIGKILL does, `stop` makes it stand still until SIGCONT. */
interface Fault {
  readonly act: 'kill' | 'stop';
  readonly when: 'before' | 'after';
  readonly effect: string;
  /** Which time that effect comes, from 1. */
  readonly nth: number;
}

/** Reads `kill before lake.entry` or `stop after sink.copy 2`. Throws a RangeError on anything else: a fault that never strikes proves nothing. */
export function parseFault(text: string): Fault {
  const [, act, when, effect = '', nth = '1'] = /^(kill|stop) (before|after) (\S+)(?: ([1-9]\d*))?$/.exec(text) ?? [];
  if ((act !== 'kill' && act !== 'stop') || (when !== 'before' && when !== 'after') || !(effect in effects))
    throw new RangeError(`ENGINE_FAULT is "${text}", not such as "kill before lake.entry"; effects: ${Object.keys(effects).join(', ')}`);
  return { act, when, effect, nth: Number(nth) };
}

const wanted = process.env.ENGINE_FAULT;
const fault = wanted === undefined || wanted === '' ? undefined : parseFault(wanted);
let times = 0;

function strike(when: Fault['when'], time: number): void {
  if (fault?.when === when && time === fault.nth) process.kill(process.pid, fault.act === 'kill' ? 'SIGKILL' : 'SIGSTOP');
}

/** Does the work of one effect. A fault asked for by `ENGINE_FAULT` strikes just before it, or just after it succeeded. */
export async function effect<T>(name: Effect, work: () => Promise<T>): Promise<T> {
  if (fault?.effect !== name) return work();
  // Several may be at work at the same time: each is known by when it began.
  times += 1;
  const time = times;
  strike('before', time);
  const result = await work();
  strike('after', time);
  return result;
}
