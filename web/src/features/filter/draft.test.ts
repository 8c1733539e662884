import { describe, expect, it } from 'vitest';

import type { Column } from '@/lib/api/types';

import { draftsOf, filterOf, newDraft, opened, withColumn } from './draft';
import { type FilterJson, readFilter, writeFilter } from './filter';

const columns: Column[] = [
  { id: 'col_1', name: 'carrier', type: 'text' },
  { id: 'col_2', name: 'year', type: 'int64' },
  { id: 'col_3', name: 'late', type: 'boolean' },
];
const drafts = (json: FilterJson) => draftsOf(readFilter(json), columns);

describe('a filter as it is typed', () => {
  it('comes from a filter and goes back into it, columns by id', () => {
    const draft = drafts({ and: [{ column: 'carrier', op: 'in', value: ['UA', 'AA'] }, { or: [{ column: 'col_2', op: 'gt', value: 2000 }, { column: 'col_1', op: 'is_null', value: false }] }] });
    expect(draft.items).toEqual([
      { column: 'col_1', op: 'in', text: 'UA, AA' },
      { join: 'or', items: [{ column: 'col_2', op: 'gt', text: '2000' }, { column: 'col_1', op: 'not_null', text: '' }] },
    ]);
    expect(writeFilter(filterOf(draft))).toEqual({
      and: [{ column: 'col_1', op: 'in', value: ['UA', 'AA'] }, { or: [{ column: 'col_2', op: 'gt', value: '2000' }, { column: 'col_1', op: 'is_null', value: false }] }],
    });
  });

  it('keeps what no field can hold', () => {
    const odd = [{ column: 'col_1', op: 'in', value: ['a,b'] }, { column: 'col_1', op: 'in', value: [' a'] }, { column: 'col_1', op: 'eq', value: '' }, { column: 'col_1', op: 'like', value: 'x' }];
    for (const one of odd) expect(drafts(one).items).toEqual([{ kept: readFilter(one).items[0] }]);
    const all = { or: [...odd, { and: odd.slice(0, 3) }] };
    expect(writeFilter(filterOf(drafts(all)))).toEqual(all);
  });

  it('takes values between commas or on lines', () => {
    expect(filterOf({ join: 'and', items: [{ column: 'col_1', op: 'in', text: 'UA, AA\nDL,' }] }).items).toEqual([{ column: 'col_1', op: 'in', values: ['UA', 'AA', 'DL'] }]);
  });

  it('filters by nothing that waits for its value', () => {
    const waiting = [{ column: 'col_1', op: 'eq', text: ' ' }, { column: 'col_1', op: 'in', text: ' ,' }] as const;
    expect(filterOf({ join: 'and', items: [...waiting, { join: 'or', items: waiting }] }).items).toEqual([]);
  });
});

describe('a line', () => {
  it('begins with what its column can be asked', () => {
    expect(newDraft(columns, 'late')).toEqual({ column: 'col_3', op: 'eq', text: 'true' });
    expect(newDraft([])).toEqual({ column: '', op: 'eq', text: '' });
  });

  it('keeps what fits on another column', () => {
    const line = { column: 'col_1', op: 'starts_with', text: 'U' } as const;
    expect(withColumn(line, 'col_2', columns)).toEqual({ column: 'col_2', op: 'eq', text: '' });
    expect(withColumn({ ...line, op: 'ne' }, 'col_3', columns)).toEqual({ column: 'col_3', op: 'ne', text: 'true' });
  });

  it('waits on the column that the builder is opened from', () => {
    const filter = readFilter({ column: 'col_2', op: 'eq', value: '1' });
    expect(opened(filter, columns, 'col_1').items).toEqual([{ column: 'col_2', op: 'eq', text: '1' }, newDraft(columns, 'col_1')]);
    expect(opened(filter, columns, 'col_2').items).toHaveLength(1);
    expect(opened(filter, columns, null).items).toHaveLength(1);
    expect(opened({ join: 'and', items: [] }, columns, null).items).toEqual([newDraft(columns)]);
  });
});
