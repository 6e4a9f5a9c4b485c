import type { Running } from './rig.ts';

/** Where a daemon's page and API are, once it says so: `http://127.0.0.1:34567`. `leads`: once it is the leader, too. */
export async function pageOf(daemon: Running, { leads = false }: { readonly leads?: boolean } = {}): Promise<string> {
  await daemon.waitFor(/the page and the API are at https?:\/\/\S+/);
  if (leads) await daemon.waitFor(/leads/);
  const url = /the page and the API are at (https?:\/\/\S+)/.exec(daemon.stdout() + daemon.stderr())?.[1];
  if (url === undefined) throw new Error('the daemon does not say where its page is');
  return url;
}
