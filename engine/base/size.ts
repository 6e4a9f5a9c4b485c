const unitBytes: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** Bytes of `64MB` (powers of 1000) or `512MiB` (powers of 1024); undefined for any other form. */
export function parseSize(text: string): number | undefined {
  const parts = /^(\d{1,12})(B|[kKMGT]B|[KMGT]iB)$/.exec(text);
  const unit = unitBytes[parts?.[2] ?? ''];
  if (parts?.[1] === undefined || unit === undefined) return undefined;
  const bytes = Number(parts[1]) * unit;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
