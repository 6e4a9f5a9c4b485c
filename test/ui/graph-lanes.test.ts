import * as assert from 'uvu/assert';
import { type LaneNode, lanesOf, neighbour, type Placed } from '../../ui/graph-lanes.ts';
import { suite } from '../support/suite.ts';

const node = (id: string, table: string | undefined, ...needs: string[]): LaneNode => ({ id, table, needs });
const tableNodes = (table: string): LaneNode[] => [node(`extract ${table}`, table), node(`load ${table}`, table, `extract ${table}`)];
const shown = (places: ReadonlyMap<string, Placed>): readonly string[] =>
  [...places.values()].map(({ id, column, row }) => `${id} ${column},${row}`);

suite('a graph as lanes', ({ test }) => {
  test('each table has a row, each node is right of what it needs, and what joins lanes stands in their middle', () => {
    const lanes = lanesOf([...tableNodes('b'), ...tableNodes('a'), node('dbt', undefined, 'load b', 'load a', 'nobody')]);
    assert.equal(shown(lanes.places), ['extract b 0,0', 'load b 1,0', 'extract a 0,1', 'load a 1,1', 'dbt 2,0.5']);
    assert.equal([lanes.tables, lanes.columns, lanes.rows], [['b', 'a'], 3, 2]);
    assert.equal(
      lanes.edges.map(({ from, to }) => `${from} > ${to}`),
      ['extract b > load b', 'extract a > load a', 'load b > dbt', 'load a > dbt'],
    );
  });

  test('over many lanes what joins them stands on top', () => {
    const tables = Array.from({ length: 9 }, (_, i) => `t${i}`);
    const lanes = lanesOf([...tables.flatMap(tableNodes), node('dbt', undefined, ...tables.map((t) => `load ${t}`))]);
    assert.equal(lanes.places.get('dbt'), { id: 'dbt', column: 2, row: 0 });
    assert.is(lanes.rows, 9);
  });

  test('no two nodes share a place: not two of a table, nor two that join, nor one alone', () => {
    const lanes = lanesOf([
      ...tableNodes('a'),
      node('check a', 'a', 'extract a'),
      node('dbt', undefined, 'load a'),
      node('more', undefined, 'load a'),
      node('alone', undefined),
    ]);
    const places = [...lanes.places.values()].map(({ column, row }) => `${column},${row}`);
    assert.is(new Set(places).size, places.length);
    assert.equal([lanes.columns, lanes.rows], [5, 2]);
    assert.equal(lanesOf([]), { places: new Map(), tables: [], columns: 0, rows: 0, edges: [] });
  });

  test('arrows lead to the nearest in their direction, from a join back to a lane, and nowhere at an edge', () => {
    const { places } = lanesOf([
      ...tableNodes('a'),
      ...tableNodes('b'),
      ...tableNodes('c'),
      node('dbt', undefined, 'load a', 'load b', 'load c'),
    ]);
    const all = [...places.values()];
    const from = (id: string, ...keys: string[]): string | undefined =>
      keys.reduce<string | undefined>((at, key) => (at === undefined ? undefined : neighbour(all, at, `Arrow${key}`)), id);
    assert.is(from('extract a', 'Right', 'Down', 'Right'), 'dbt');
    assert.is(from('dbt', 'Left'), 'load b');
    assert.is(from('load c', 'Right', 'Left', 'Left', 'Up'), 'extract a');
    assert.is(from('extract a', 'Up'), undefined);
    assert.is(from('dbt', 'Right'), undefined);
    assert.is(neighbour(all, 'dbt', 'Enter'), undefined);
    assert.is(neighbour(all, 'nobody', 'ArrowUp'), undefined);
  });
});
