import { useEffect, useRef, useState } from 'preact/hooks';
import type { Plan } from '../../engine/plan.ts';
import { ApiFailure, get, paths } from '../api.ts';
import { noteFailure } from '../connection.ts';
import { countText } from '../figures.ts';
import { type PlanWish, withTable } from '../plan-wish.ts';
import { Failure, Waiting } from './messages.tsx';
import './plan-choice.css';
import { PlanView } from './plan-view.tsx';
import { Scroll } from './scroll.tsx';

interface Props {
  readonly pipeline: string;
  readonly mode: 'full' | 'incremental';
  /** Names of tables that can be chosen. */
  readonly tables: readonly string[];
  readonly wish: PlanWish;
  readonly setWish: (wish: PlanWish) => void;
  /** Told whether the plan is on the screen. */
  readonly planned?: ((known: boolean) => void) | undefined;
}

/** Longer than the daemon gives a plan. */
const planMs = 100_000;

/** What a run would do now: in full or not, of all tables or some. */
export function PlanChoice({ pipeline, mode, tables, wish, setWish, planned }: Props) {
  const [plan, setPlan] = useState<Plan>();
  const [failure, setFailure] = useState<ApiFailure>();
  const path = paths.plan(pipeline, wish);
  const space = useRef<HTMLDivElement>(null);
  // What is below stays where it is when the plan comes, as far as that can be foreseen.
  const foreseen = useRef(60 + 120 * (wish.tables.length === 0 ? tables.length : wish.tables.length));
  useEffect(() => {
    const gone = new AbortController();
    setPlan((before) => {
      if (before !== undefined) foreseen.current = space.current?.offsetHeight ?? foreseen.current;
      return undefined;
    });
    setFailure(undefined);
    planned?.(false);
    get<Plan>(path, { signal: gone.signal, patienceMs: planMs }).then(
      (found) => {
        setPlan(found);
        planned?.(true);
      },
      (error: unknown) => {
        if (gone.signal.aborted) return;
        if (!(error instanceof ApiFailure)) throw error;
        noteFailure(error);
        setFailure(error);
      },
    );
    return () => gone.abort();
  }, [path, planned]);
  return (
    <>
      {mode === 'incremental' ? (
        <label class="check">
          <input
            type="checkbox"
            checked={wish.fullRefresh}
            onChange={(event) => setWish({ ...wish, fullRefresh: event.currentTarget.checked })}
          />{' '}
          full refresh: read every row again and replace what is there
        </label>
      ) : null}
      {tables.length < 2 ? null : <TableChoice tables={tables} wish={wish} setWish={setWish} />}
      {failure === undefined ? null : <Failure what="No plan could be made" failure={failure} />}
      {plan === undefined ? (
        failure === undefined ? (
          <div style={{ minHeight: `${foreseen.current}px` }}>
            <Waiting what="Making the plan: what a run would do now ..." />
          </div>
        ) : null
      ) : (
        <div ref={space}>
          <Scroll label={`plan of ${pipeline}`}>
            <PlanView plan={plan} />
          </Scroll>
        </div>
      )}
    </>
  );
}

const mostOpen = 12;

function TableChoice({ tables, wish, setWish }: Pick<Props, 'tables' | 'wish' | 'setWish'>) {
  const [open, setOpen] = useState(tables.length <= mostOpen);
  const chosen = wish.tables.length === 0 ? tables : wish.tables;
  return (
    <fieldset class="table-choice">
      <legend>
        {chosen.length === tables.length ? `all ${tables.length} tables` : `${chosen.length} of ${countText(tables.length, 'table')}`}{' '}
        {tables.length <= mostOpen ? null : (
          <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
            choose
          </button>
        )}
        {chosen.length === tables.length ? null : (
          <button type="button" onClick={() => setWish({ ...wish, tables: [] })}>
            all of them
          </button>
        )}
      </legend>
      {open
        ? tables.map((table) => (
            <label key={table} class="check name">
              <input
                type="checkbox"
                checked={chosen.includes(table)}
                // A run of no table is none.
                disabled={chosen.length === 1 && chosen.includes(table)}
                onChange={(event) => setWish(withTable(wish, tables, table, event.currentTarget.checked))}
              />{' '}
              {table}
            </label>
          ))
        : null}
    </fieldset>
  );
}
