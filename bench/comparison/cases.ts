/** A value that travels in a table of its own, beside an ordinary one, so that a tool which stops at it stops nothing else. */
export interface ValueCase {
  readonly table: string;
  readonly title: string;
  readonly type: string;
  readonly ordinary: string;
  readonly value: string;
}

/** Values that a Postgres column of an ordinary type can hold, and that a program in between may not have a type for. */
export const valueCases: readonly ValueCase[] = [
  {
    table: 'digits',
    title: '`numeric` with 40 digits',
    type: 'numeric',
    ordinary: '1.50',
    value: '1234567890123456789012345678901234567.123',
  },
  { table: 'nan', title: "`numeric` 'NaN'", type: 'numeric', ordinary: '1.50', value: 'NaN' },
  {
    table: 'infinity',
    title: "`timestamptz` 'infinity'",
    type: 'timestamptz',
    ordinary: '2026-01-31 12:00:00.123456+00',
    value: 'infinity',
  },
  { table: 'date_infinity', title: "`date` '-infinity'", type: 'date', ordinary: '2026-01-31', value: '-infinity' },
  {
    table: 'bc',
    title: '`timestamptz` before Christ',
    type: 'timestamptz',
    ordinary: '2026-01-31 12:00:00+00',
    value: '0044-03-15 12:00:00+00 BC',
  },
  {
    table: 'json_digits',
    title: 'digits of a number in `jsonb`',
    type: 'jsonb',
    ordinary: '{"n": 1}',
    value: '{"n": 12345678901234567890.123456789, "z": 1.10}',
  },
  { table: 'midnight', title: "`time` '24:00:00'", type: 'time', ordinary: '12:34:56.789012', value: '24:00:00' },
  { table: 'month', title: "`interval` '1 mon'", type: 'interval', ordinary: '04:05:06', value: '1 mon' },
];

/** An ordinary value: a tool that does not bring it is not set up right, and nothing can be said of it. */
export const control: ValueCase = { table: 'control', title: 'an ordinary value', type: 'text', ordinary: 'a', value: 'b' };

/** The table whose row 7 is changed by a transaction that commits after a sync. */
export const lateTable = 'late';
export const lateTitle = 'a row that commits late';
