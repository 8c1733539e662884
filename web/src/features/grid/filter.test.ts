import { describe as group, expect, it } from 'vitest';

import type { Column } from '@/lib/api/types';

import { describe, readFilter, splitList, withEqual, writeFilter } from './filter';

const columns: Column[] = [
  { id: 'col_1', name: 'carrier', type: 'text' },
  { id: 'col_2', name: 'year', type: 'int64' },
];
const text = JSON.stringify({ and: [{ column: 'col_2', op: 'ge', value: '2000' }, { or: [{ column: 'col_1', op: 'eq', value: 'UA' }, { column: 'col_1', op: 'is_null', value: true }] }] });

group('a filter in the address', () => {
  it('is read and written without a loss', () => {
    const filter = readFilter(text);
    expect(filter && writeFilter(filter)).toBe(text);
    const other = JSON.stringify({ or: [{ column: 'col_1', op: 'in', value: ['UA', 'AA'] }, { column: 'col_2', op: 'is_null', value: false }] });
    expect(writeFilter(readFilter(other) ?? { join: 'and', items: [] })).toBe(other);
  });

  it('of one condition alone is a list of one', () => {
    expect(readFilter('{"column":"col_1","op":"eq","value":"UA"}')?.items).toEqual([{ column: 'col_1', op: 'eq', values: ['UA'] }]);
  });

  it('that goes deeper, or is none, is left as it is', () => {
    expect(readFilter('{"and":[{"or":[{"and":[{"or":[]}]}]}]}')).toBeNull();
    expect(readFilter('{"and":[{"column":"col_1","op":"like","value":"x"}]}')).toBeNull();
    expect(readFilter('nonsense')).toBeNull();
    expect(readFilter(undefined)).toEqual({ join: 'and', items: [] });
    expect(writeFilter({ join: 'and', items: [{ join: 'or', items: [] }] })).toBeUndefined();
  });

  it('reads as a sentence', () => {
    expect(readFilter(text)?.items.map((item) => describe(item, columns))).toEqual(['year ≥ 2000', '(carrier = UA or carrier is null)']);
  });
});

it('one value more narrows what is there, and replaces the value of the same column', () => {
  const one = withEqual({ join: 'and', items: [] }, 'col_1', 'UA');
  expect(withEqual(one, 'col_1', 'AA').items).toEqual([{ column: 'col_1', op: 'eq', values: ['AA'] }]);
  const any = withEqual({ join: 'or', items: [{ column: 'col_1', op: 'eq', values: ['UA'] }, { column: 'col_2', op: 'eq', values: [1] }] }, 'col_2', 2);
  expect(any.join).toBe('and');
  expect(any.items.map((item) => describe(item, columns))).toEqual(['(carrier = UA or year = 1)', 'year = 2']);
});

it('values of a list stand between commas or on lines', () => {
  expect(splitList('UA, AA\nDL,')).toEqual(['UA', 'AA', 'DL']);
});
