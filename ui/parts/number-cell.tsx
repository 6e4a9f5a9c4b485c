import type { ComponentChildren } from 'preact';

interface Props {
  /** undefined: there is none. */
  readonly children: ComponentChildren | undefined;
  /** The number in full, or what it is. */
  readonly title?: string | undefined;
}

interface LinkProps extends Props {
  /** An address of the page, where the number comes from. */
  readonly to: string;
  /** The row has a link there already: the keyboard needs no second stop. */
  readonly again?: boolean;
}

/** A cell with a number, which leads to where it comes from; a dash where there is none. */
export function NumberCell({ to, again = false, title, children }: LinkProps) {
  return (
    <td class="number">
      {children === undefined ? (
        <span class="quiet nothing">-</span>
      ) : (
        <a href={to} title={title} tabIndex={again ? -1 : undefined}>
          {children}
        </a>
      )}
    </td>
  );
}

/** A cell with a number that opens the details of its row, which say where it comes from; the opener of the row is the stop for the keyboard. */
export function OpenerCell({ toggle, title, children }: Props & { readonly toggle: () => void }) {
  return (
    <td class="number">
      {children === undefined ? (
        <span class="quiet nothing">-</span>
      ) : (
        <button type="button" class="number-opener" title={title} tabIndex={-1} onClick={toggle}>
          {children}
        </button>
      )}
    </td>
  );
}
