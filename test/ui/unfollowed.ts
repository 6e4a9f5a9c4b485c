import type { Page } from 'playwright-core';

/**
 * Numbers in the tables of a page that lead nowhere: neither the number itself nor its row has a link or opens. Each as `column: text`. A plan's estimates lead to the nodes beside them.
 */
export async function unfollowed(page: Page): Promise<readonly string[]> {
  return (await page.evaluate(`[...document.querySelectorAll('td.number')]
    .filter((cell) => /[0-9]/.test(cell.textContent) && cell.closest('tr').querySelector('a[href], button, summary') === null)
    .map((cell) => {
      const head = cell.closest('table').querySelectorAll('thead th')[cell.cellIndex];
      return (head === undefined || head === null ? '' : head.textContent.trim()) + ': ' + cell.textContent.trim();
    })`)) as readonly string[];
}
