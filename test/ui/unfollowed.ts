import type { Page } from 'playwright-core';

/** What is not looked at: selectors, each with why nothing is behind such a number. */
const exceptions: Readonly<Record<string, string>> = {
  time: 'a moment: it is whole, with its zone, in its title',
  '.prose': 'a sentence, with its runs as links',
  'thead th, dt': 'says what the number below or beside it is',
  '.unseen': 'is for those who do not see what is beside it',
  '.section-head > .quiet': 'how much of it is listed right below',
  caption: 'how much of it is listed right below',
  tfoot: 'a sum of the numbers above it',
  '.ticks': 'a scale',
  '.log-lines': 'a log is where numbers come from',
  '.node-facts': 'what a node says of itself: it is where numbers come from',
  '.version table': 'an entry of the log in the lake: it is where numbers come from',
  '.preview': 'the rows themselves',
  '[title^="an estimate"]': 'of a server or a plan, as its title says: no page has more of it',
  '[title^="from "]': 'a span, whose title says from when to when',
  '.places, .settings': 'as the file says that is at the head of the page, or about the place it stands beside',
};

/** A number with what it counts or measures, or the version of a table in the lake. */
const withUnit =
  '~?\\d[\\d,.]*[kMBT]?\\s?(?:rows?|files?|models?|tests?|columns?|runs?|nodes?|attempts?|times?|lines?|messages?|loads?|commits?|statements?|findings?|kB|MB|GB|TB|B|ms|s|m|h|d|%)(?![\\w])|(?<![\\w.])v\\d+(?![\\w.])';

/**
 * Numbers of a page that lead nowhere. A number is what stands in a cell for numbers, and whatever has a unit anywhere else; it is followed when it is itself in a link, a button or
 * the opener of its details: a link elsewhere in its row is none of it. Each as `where: text`.
 */
export async function unfollowed(page: Page): Promise<readonly string[]> {
  return (await page.evaluate(`(() => {
    const free = ${JSON.stringify(Object.keys(exceptions).join(', '))};
    const leads = 'a[href], button, summary';
    const texts = [];
    let all = '';
    let block = null;
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      const parent = node.parentElement;
      if (!parent.checkVisibility() || parent.closest('script, noscript, select') !== null) continue;
      let of = parent;
      while (getComputedStyle(of).display === 'inline') of = of.parentElement;
      // Words of two blocks are no number with a unit, and neither are words on both sides of an exception.
      const isFree = parent.closest(free) !== null;
      if (of !== block || isFree) all += '\\u0000';
      block = isFree ? null : of;
      if (isFree) continue;
      texts.push({ from: all.length, to: all.length + node.data.length, parent });
      all += node.data;
    }
    const parentAt = (index) => texts.find(({ from, to }) => from <= index && index < to)?.parent;
    const places = [...all.matchAll(new RegExp(${JSON.stringify(withUnit)}, 'g'))].map((match) => ({ text: match[0], parent: parentAt(match.index) }));
    for (const { from, to, parent } of texts) {
      const text = all.slice(from, to).trim();
      if (parent.closest('td.number') !== null && /\\d/.test(text)) places.push({ text, parent });
    }
    const where = (element) => {
      const cell = element.closest('td, th');
      const head = cell?.closest('table').querySelectorAll('thead tr:last-child th')[cell.cellIndex]?.textContent.trim();
      const part = element.closest('section[aria-label], header, .head, dialog, [aria-label]');
      return [part?.getAttribute('aria-label') ?? part?.className ?? '', head, element.closest('[class]')?.className].filter(Boolean).join(' / ');
    };
    const found = places.filter(({ parent }) => parent !== undefined && parent.closest(leads) === null).map(({ text, parent }) => where(parent) + ': ' + text);
    return [...new Set(found)];
  })()`)) as readonly string[];
}
