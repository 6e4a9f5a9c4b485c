const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds of `500ms`, `5s`, `15m`, `2h` or `1d`; undefined for any other form, and for more than ten years. */
export function parseDuration(text: string): number | undefined {
  const parts = /^(\d{1,15})(ms|s|m|h|d)$/.exec(text);
  if (parts?.[1] === undefined) return undefined;
  const ms = Number(parts[1]) * unitMs[parts[2] as keyof typeof unitMs];
  return ms <= 3650 * unitMs.d ? ms : undefined;
}

/** The shortest form of a duration that `parseDuration` reads back as the same: `90000` is `90s`. */
export function showDuration(ms: number): string {
  const unit = (['d', 'h', 'm', 's'] as const).find((u) => ms > 0 && ms % unitMs[u] === 0);
  if (unit === undefined) return ms === 0 ? '0s' : `${ms}ms`;
  return `${ms / unitMs[unit]}${unit}`;
}

/** For people: `85 ms`, `4.2 s`, `3 m 20 s`, `2 h 5 m`. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} m`;
}
