import { readdirSync, readFileSync } from 'node:fs';

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    // A process that has ended meanwhile has no files any more.
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return '';
    throw error;
  }
}

/** Follows a process and all its children until `stop`, which gives the sum of their peaks (VmHWM of /proc, so Linux only) in bytes; Postgres servers are left out. */
export function followMemory(root: number): { stop(): number } {
  const peaks = new Map<number, number>();
  const look = (): void => {
    const parents = new Map<number, number>();
    for (const name of readdirSync('/proc')) {
      if (!/^\d+$/.test(name)) continue;
      const parent = /^\d+ \(.*\) \S (\d+)/s.exec(read(`/proc/${name}/stat`))?.[1];
      if (parent !== undefined) parents.set(Number(name), Number(parent));
    }
    for (const pid of parents.keys()) {
      let ancestor: number | undefined = pid;
      while (ancestor !== undefined && ancestor !== root) ancestor = parents.get(ancestor);
      if (ancestor !== root) continue;
      const status = read(`/proc/${pid}/status`);
      if (/^Name:\s+postgres$/m.test(status)) continue;
      const peak = /^VmHWM:\s+(\d+) kB/m.exec(status)?.[1];
      if (peak !== undefined) peaks.set(pid, Math.max(peaks.get(pid) ?? 0, Number(peak) * 1024));
    }
  };
  const timer = setInterval(look, 50);
  return {
    stop() {
      clearInterval(timer);
      return [...peaks.values()].reduce((sum, peak) => sum + peak, 0);
    },
  };
}
