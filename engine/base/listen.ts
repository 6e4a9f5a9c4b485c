/** Where a server listens, from `host:port`; an IPv6 address stands in brackets. Undefined for any other form, and for `off`. */
export function parseListen(text: string): { readonly host: string; readonly port: number } | undefined {
  const parts = /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9.-]{1,253})):(\d{1,5})$/.exec(text);
  const host = parts?.[1] ?? parts?.[2];
  const port = Number(parts?.[3]);
  return host === undefined || port > 65_535 ? undefined : { host, port };
}

/** The address as it stands in a URL. */
export function showListen({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
