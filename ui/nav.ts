import type { Route } from './routes.ts';

/** A page that the bar leads to. */
export interface NavPage {
  readonly name: string;
  readonly to: string;
  /** After `g` it leads there. */
  readonly key: string;
  /** What is shown while it counts as here. */
  readonly pages: readonly Route['page'][];
}

/** The pages of the bar, in its order; the jumps of the keyboard and the search are made from them too. */
export const nav: readonly NavPage[] = [
  { name: 'Overview', to: '/', key: 'o', pages: ['overview', 'pipeline'] },
  { name: 'Runs', to: '/runs', key: 'r', pages: ['runs', 'run'] },
  { name: 'Tables', to: '/tables', key: 't', pages: ['tables', 'table'] },
  { name: 'Schedule', to: '/schedule', key: 's', pages: ['schedule'] },
  { name: 'Audit', to: '/audit', key: 'a', pages: ['audit'] },
  { name: 'Settings', to: '/settings', key: 'e', pages: ['settings'] },
];
