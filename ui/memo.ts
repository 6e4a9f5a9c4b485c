import { Component, type ComponentClass, type FunctionComponent, h } from 'preact';

/**
 * The component, drawn again only when one of its props is another one; or, with `parts`, one of those. (An element that `useMemo` keeps would do the same, and hold on to its parents of then: to all that was
 * on the page when it was made.)
 */
export function memo<P extends object>(
  Drawn: FunctionComponent<P>,
  parts: (props: P) => readonly unknown[] = (props) => Object.values(props),
): ComponentClass<P> {
  return class Memo extends Component<P> {
    static override displayName = `Memo(${Drawn.name})`;

    override shouldComponentUpdate(next: P): boolean {
      const [before, after] = [parts(this.props), parts(next)];
      return before.length !== after.length || before.some((part, index) => !Object.is(part, after[index]));
    }

    override render() {
      return h(Drawn, this.props);
    }
  };
}
