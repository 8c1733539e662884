import { describe as group, expect, it } from 'vitest';

import type { Column } from '@/lib/api/types';

import { type FilterJson, readFilter } from './filter';
import { describe, opsOf, opWord, whereWords } from './words';

const columns: Column[] = [
  { id: 'col_1', name: 'carrier', type: 'text' },
  { id: 'col_2', name: 'date', type: 'date' },
];
const united = { column: 'col_1', op: 'eq', value: 'UA' };
const early = { column: 'date', op: 'lt', value: '2013-06-01' };
const short = (json: FilterJson): string[] => readFilter(json).items.map((item) => describe(item, columns));

group('a condition', () => {
  it('reads in signs and in words', () => {
    expect(short({ and: [{ column: 'col_2', op: 'ge', value: '2013-01-01' }, { or: [united, { column: 'col_1', op: 'is_null' }] }] })).toEqual(['date ≥ 2013-01-01', '(carrier = UA or carrier is null)']);
    expect(readFilter(early).items.map((item) => describe(item, columns, 'words'))).toEqual(['date is before 2013-06-01']);
    expect(short({ column: 'col_1', op: 'ne', value: '' })).toEqual(['carrier ≠ empty text']);
  });

  it('reads as far as it is known', () => {
    expect(short({ and: [{ and: [united, { or: [early, { column: 'gone', op: 'like' }] }] }] })).toEqual(['(carrier = UA and (date < 2013-06-01 or a condition made elsewhere))']);
    expect(short({ and: [{ and: [{ or: [united] }] }] })).toEqual(['carrier = UA']);
    expect(short({ or: [{ or: [] }, { and: [] }] })).toEqual(['a condition made elsewhere', 'a condition made elsewhere']);
  });

  it('asks what fits the type', () => {
    expect(opWord('lt', 'int64')).toBe('is less than');
    expect(opWord('lt', 'timestamp')).toBe('is before');
    expect(opsOf('boolean')).not.toContain('contains');
    expect(opsOf('int64')).not.toContain('starts_with');
  });
});

it('a title says the one condition, or that there are more', () => {
  expect(whereWords(readFilter(null), columns)).toBe('');
  expect(whereWords(readFilter(united), columns)).toBe(' where carrier is UA');
  expect(whereWords(readFilter({ and: [united, early] }), columns)).toBe(', filtered');
  expect(whereWords(readFilter({ and: [{ or: [united, early] }] }), columns)).toBe(', filtered');
});
