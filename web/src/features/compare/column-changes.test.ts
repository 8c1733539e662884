import { describe, expect, it } from 'vitest';

import type { Column } from '@/lib/api/types';

import { columnChanges } from './column-changes';

const column = (id: string, name: string, type: Column['type'] = 'text'): Column => ({ id, name, type });

describe('column changes', () => {
  it('are none between equal columns', () => {
    expect(columnChanges([column('col_1', 'a')], [column('col_1', 'a')])).toEqual([]);
  });

  it('know a renamed column by its id', () => {
    expect(columnChanges([column('col_1', 'a')], [column('col_1', 'b')])).toEqual([{ id: 'col_1', name: 'b', kind: 'changed', what: 'was named a' }]);
  });

  it('tell types, additions and removals, the removed last', () => {
    const before = [column('col_1', 'n', 'int64'), column('col_2', 'gone')];
    const after = [column('col_1', 'n', 'decimal'), column('col_3', 'new', 'date')];
    expect(columnChanges(before, after)).toEqual([
      { id: 'col_1', name: 'n', kind: 'changed', what: 'whole number → decimal number' },
      { id: 'col_3', name: 'new', kind: 'added', what: 'date' },
      { id: 'col_2', name: 'gone', kind: 'removed', what: 'text' },
    ]);
  });

  it('leave the order of columns alone', () => {
    expect(columnChanges([column('col_1', 'a'), column('col_2', 'b')], [column('col_2', 'b'), column('col_1', 'a')])).toEqual([]);
  });
});
