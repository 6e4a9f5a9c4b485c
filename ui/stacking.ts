import { narrow } from './narrow.ts';
import './stacking.css';

/**
 * Keeps tables with the class `stacks` what they are for those who hear them where a narrow screen shows each row as lines: a browser may take the meaning of a table
 * from what is not laid out as one, so that roles say it; and each cell has the head of its column as `data-label`, which the style sheet puts before what it says.
 */
export function keepStacked(): void {
  const observer = new MutationObserver(labelAll);
  const look = (): void => {
    observer.disconnect();
    if (!narrow.matches) return;
    labelAll();
    observer.observe(document.body, { childList: true, subtree: true });
  };
  narrow.addEventListener('change', look);
  look();
}

const roles: Readonly<Record<string, string>> = {
  TABLE: 'table',
  THEAD: 'rowgroup',
  TBODY: 'rowgroup',
  TR: 'row',
  TD: 'cell',
};
const parts = ['', ' > thead', ' > tbody', ' > * > tr', ' > * > tr > *'];
const unlabelled = parts.map((part) => `table.stacks${part}:not([role])`).join(', ');

function labelAll(): void {
  for (const element of document.querySelectorAll(unlabelled)) {
    element.setAttribute('role', roles[element.tagName] ?? (element.closest('thead') === null ? 'rowheader' : 'columnheader'));
    if (element instanceof HTMLTableCellElement && element.tagName === 'TD' && element.colSpan === 1) label(element);
  }
}

function label(cell: HTMLTableCellElement): void {
  const head = cell.closest('table')?.tHead?.rows[0]?.cells[cell.cellIndex]?.textContent;
  if (head !== undefined && head !== null && head !== '') cell.dataset.label = head;
}
