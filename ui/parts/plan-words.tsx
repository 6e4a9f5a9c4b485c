import type { NodePlan } from '../../engine/plan.ts';
import { countText } from '../figures.ts';
import { lookOf } from '../states.ts';
import { OpenerCell } from './number-cell.tsx';
import { Prose } from './prose.tsx';
import { SqlText } from './sql-text.tsx';
import { Mark } from './state-mark.tsx';
import './plan-words.css';

const glyphs: Readonly<Record<NodePlan['action'], string>> = {
  create: '+',
  replace: '-/+',
  merge: '~',
  read: '>',
  run: '*',
  nothing: '=',
  refused: '!',
};

/** One sign for each action, as in the terminal. */
export function Glyph({ action }: Pick<NodePlan, 'action'>) {
  return <span class="name glyph">{glyphs[action]}</span>;
}

interface OpenerProps {
  readonly node: string;
  readonly plan: NodePlan;
  readonly open: boolean;
  readonly toggle: () => void;
}

/** What is told of a planned node below its summary: details, warnings, and how many statements it sends, which open. */
export function PlanMore({ node, plan, open, toggle }: OpenerProps) {
  const statements = countText(plan.sql.length, 'statement');
  return (
    <>
      {plan.details.map((detail) => (
        <p key={detail} class="quiet">
          <Prose text={detail} />
        </p>
      ))}
      {plan.warnings.map((warning) => (
        <p key={warning} class="warning">
          <Mark look={lookOf('retrying')} />
          <span>
            <span class="tone-warn">warning</span>: <Prose text={warning} />
          </span>
        </p>
      ))}
      {plan.sql.length === 0 ? null : (
        <button type="button" class="opener" aria-expanded={open} aria-label={`${statements} of ${node}`} onClick={toggle}>
          <span class="turn" aria-hidden="true" />
          <span>{statements}</span>
        </button>
      )}
    </>
  );
}

interface NumberProps extends Pick<OpenerProps, 'plan' | 'toggle'> {
  readonly text: string | undefined;
}

/** A cell with an estimate of a planned node, which opens the statements that it is made for; of a node without any its summary says all. */
export function PlanNumber({ plan, toggle, text }: NumberProps) {
  const words = text === undefined ? undefined : `~${text}`;
  if (plan.sql.length > 0) return <OpenerCell toggle={toggle}>{words}</OpenerCell>;
  return (
    <td class="number">
      {words === undefined ? <span class="quiet nothing">-</span> : <span title="an estimate, of what the summary says">{words}</span>}
    </td>
  );
}

/** The statements of a planned node, in order, as a row of its table. */
export function StatementsRow({
  node,
  sql,
  columns,
}: {
  readonly node: string;
  readonly sql: readonly string[];
  readonly columns: number;
}) {
  return (
    <tr class="node-more">
      <td colSpan={columns}>
        <div class="more statements">
          {sql.map((statement, index) => (
            <SqlText key={index} sql={statement} label={`statement ${index + 1} of ${node}`} />
          ))}
        </div>
      </td>
    </tr>
  );
}
