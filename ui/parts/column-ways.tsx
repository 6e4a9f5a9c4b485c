import type { ColumnWay } from '../../engine/api-table.ts';
import { countText } from '../figures.ts';
import { lookOf } from '../states.ts';
import { Section } from './messages.tsx';
import { Scroll } from './scroll.tsx';
import { Mark } from './state-mark.tsx';

const masks = { hash: 'hashed with a salt', redact: 'replaced by ***', null: 'replaced by NULL' } as const;

/** Each column with its type at each place, how it is masked, and what differs. */
export function ColumnWays({ columns }: { readonly columns: readonly ColumnWay[] }) {
  const differing = columns.filter(({ differences }) => differences.length > 0).length;
  const masked = columns.filter(({ mask }) => mask !== undefined).length;
  const note = [
    countText(columns.length),
    masked === 0 ? undefined : `${countText(masked)} masked`,
    differing === 0 ? 'none differs' : `${countText(differing)} to look at`,
  ]
    .filter((word) => word !== undefined)
    .join(', ');
  return (
    <Section title="columns" note={note}>
      <Scroll label="columns">
        <table class="rows wide stacks">
          <thead>
            <tr>
              <th scope="col">source</th>
              <th scope="col">Postgres type</th>
              <th scope="col">mask</th>
              <th scope="col">lake</th>
              <th scope="col">lake type</th>
              <th scope="col">staging</th>
              <th scope="col">staging type</th>
              <th scope="col">differences and notes</th>
            </tr>
          </thead>
          <tbody>
            {columns.map((way) => (
              <Way key={`${way.source?.name} ${way.lake?.name} ${way.staging?.name}`} way={way} />
            ))}
          </tbody>
        </table>
      </Scroll>
    </Section>
  );
}

function Way({ way: { source, lake, staging, mask, differences, note } }: { readonly way: ColumnWay }) {
  const none = <span class="quiet nothing">-</span>;
  const renamed = (name: string | undefined) =>
    name === undefined ? none : name === source?.name ? <span class="quiet">same</span> : <span class="name">{name}</span>;
  return (
    <tr>
      <th scope="row">{source === undefined ? none : <span class="name">{source.name}</span>}</th>
      <td class="name">{source === undefined ? none : `${source.type}${source.notNull ? ' not null' : ''}`}</td>
      <td>
        {mask === undefined ? (
          none
        ) : (
          <span class="masked" title={masks[mask]}>
            {mask}
          </span>
        )}
      </td>
      <td>{renamed(lake?.name)}</td>
      <td class="name">{lake?.type ?? none}</td>
      <td>{renamed(staging?.name)}</td>
      <td class="name">{staging?.type ?? none}</td>
      <td>
        {differences.map((difference) => (
          <span key={difference} class="state line">
            <Mark look={lookOf('retrying')} />
            <span>{difference}</span>
          </span>
        ))}
        {note === undefined ? null : <span class="quiet">{note}</span>}
      </td>
    </tr>
  );
}
