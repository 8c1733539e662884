import { describe, expect, it } from 'vitest';

import type { Column } from '@/lib/api/types';

import { opsFor, opWord, parseFilter, readFilter, ruleText, writeFilter } from './filter-rules';

const columns: Column[] = [
  { id: 'col_1', name: 'carrier', type: 'text' },
  { id: 'col_2', name: 'date', type: 'date' },
];

describe('rules', () => {
  it('are written as a filter and read from it', () => {
    const rules = [
      { column: 'col_1', op: 'in', value: 'UA, AA' },
      { column: 'col_2', op: 'ge', value: '2013-06-01' },
      { column: 'col_1', op: 'not_null', value: '' },
    ] as const;
    const filter = writeFilter(rules);
    expect(filter).toEqual({
      and: [
        { column: 'col_1', op: 'in', value: ['UA', 'AA'] },
        { column: 'col_2', op: 'ge', value: '2013-06-01' },
        { column: 'col_1', op: 'is_null', value: false },
      ],
    });
    expect(readFilter(filter, columns)).toEqual(rules);
  });

  it('wait for their values', () => {
    expect(writeFilter([{ column: 'col_1', op: 'eq', value: ' ' }])).toBeNull();
  });

  it('take the grid’s equalities, with columns by name as well', () => {
    expect(readFilter(parseFilter('{"and":[{"column":"carrier","op":"eq","value":"UA"}]}'), columns)).toEqual([{ column: 'col_1', op: 'eq', value: 'UA' }]);
    expect(parseFilter('{')).toBeNull();
  });

  it('are not made from what would change by it', () => {
    expect(readFilter({ or: [{ column: 'col_1', op: 'eq', value: 'UA' }] }, columns)).toBeNull();
    expect(readFilter({ and: [{ column: 'col_1', op: 'in', value: ['a,b'] }] }, columns)).toBeNull();
    expect(readFilter({ column: 'col_1', op: 'eq', value: '' }, columns)).toBeNull();
  });

  it('read as words that fit the type', () => {
    expect(ruleText({ column: 'col_2', op: 'lt', value: '2013-06-01' }, columns)).toBe('date is before 2013-06-01');
    expect(opWord('lt', 'int64')).toBe('is under');
    expect(opsFor('boolean')).not.toContain('contains');
  });
});
