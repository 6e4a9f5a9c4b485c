import * as assert from 'uvu/assert';
import {
  cleanName,
  deletedField,
  duckdbType,
  extractedAtField,
  lakeFields,
  parseSchema,
  postgresName,
  schemaText,
} from '../../lake/schema.ts';
import { codeOf } from '../conformance/lake.ts';
import { suite } from '../support/suite.ts';

const column = (name: string, type = 'string') => ({ name, type, postgresType: 'text', baseType: 'text' });

suite('the schema of a lake table', ({ test }) => {
  test('characters that Delta forbids become underscores, all others stay', () => {
    assert.is(cleanName('a b,c;d{e}f(g)h=i\tj\nk', new Set()), 'a_b_c_d_e_f_g_h_i_j_k');
    for (const name of ['plain', 'Größe', 'a.b', 'a"b', "a'b", 'a\\b', 'select', '日本', '%', '_x', 'a-b'])
      assert.is(cleanName(name, new Set()), name);
  });

  test('names that differ only by case, or by what was cleaned, get a number', () => {
    const fields = lakeFields(['Id', 'id', 'ID', 'a b', 'a_b', 'a,b', 'a_b_2'].map((n) => column(n)));
    assert.equal(
      fields.map((f) => f.name),
      ['Id', 'id_2', 'ID_3', 'a_b', 'a_b_2', 'a_b_3', 'a_b_2_2', '_extracted_at', '_deleted'],
    );
    assert.is(new Set(fields.map((f) => f.name.toLowerCase())).size, fields.length);
    assert.equal(fields.slice(0, 7).map(postgresName), ['Id', 'id', 'ID', 'a b', 'a_b', 'a,b', 'a_b_2']);
  });

  test("a source column never takes the name of one of the engine's own", () => {
    const names = lakeFields([column('_EXTRACTED_AT'), column('_deleted')]).map((f) => f.name);
    assert.equal(names, ['_EXTRACTED_AT_2', '_deleted_2', '_extracted_at', '_deleted']);
  });

  test('a column keeps the lake name that it has, whatever comes beside it', () => {
    const before = lakeFields([column('a b'), column('a;b')]);
    const after = lakeFields([column('a_b'), column('a;b'), column('a b')], before);
    assert.equal(
      after.map((f) => [postgresName(f), f.name]),
      [
        ['a_b', 'a_b_3'],
        ['a;b', 'a_b_2'],
        ['a b', 'a_b'],
        ['_extracted_at', '_extracted_at'],
        ['_deleted', '_deleted'],
      ],
    );
  });

  test('the text of a schema is read back as it was, and does not depend on the order of metadata', () => {
    const fields = lakeFields([column('x y', 'decimal(12,2)')]);
    const [first] = fields;
    if (first === undefined) throw new Error('no field');
    assert.equal(parseSchema(schemaText(fields), 't'), fields);
    const turned = { ...first, metadata: Object.fromEntries(Object.entries(first.metadata).reverse()) };
    assert.is(schemaText([turned, extractedAtField, deletedField]), schemaText(fields));
  });

  test('a nested type, which others may write, is refused by name', async () => {
    const text = JSON.stringify({
      type: 'struct',
      fields: [{ name: 'tags', type: { type: 'array', elementType: 'string', containsNull: true }, nullable: true, metadata: {} }],
    });
    assert.is(await codeOf((async () => parseSchema(text, 't'))()), 'lake.type-unknown');
  });

  test('each type of Delta has its type of DuckDB', () => {
    assert.is(duckdbType('decimal(38,10)'), 'DECIMAL(38,10)');
    assert.is(duckdbType('timestamp'), 'TIMESTAMP WITH TIME ZONE');
    assert.is(duckdbType('timestamp_ntz'), 'TIMESTAMP');
    assert.throws(() => duckdbType('variant'), /variant/);
  });
});
