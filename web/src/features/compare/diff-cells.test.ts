import { describe, expect, it } from 'vitest';

import type { ChangedRow, Column } from '@/lib/api/types';

import { changedColumns, diffCell, kindOf } from './diff-cells';

const columns: Column[] = ['kept', 'new', 'gone'].map((name, i) => ({ id: `col_${i + 1}`, name, type: 'text' }));
const sides = { before: new Set(['col_1', 'col_3']), after: new Set(['col_1', 'col_2']) };
const row = (change: ChangedRow['change'], before: unknown[] | null, after: unknown[] | null, changed: string[] = []): ChangedRow => ({ row_id: '7', change, before, after, changed });
const shown = (one: ChangedRow) => columns.map((_, at) => diffCell(one, columns, at, sides));

describe('a row of a comparison', () => {
  it('shows both values of a changed cell, and the value of one that is the same', () => {
    const both = { before: new Set(['col_1', 'col_2', 'col_3']), after: new Set(['col_1', 'col_2', 'col_3']) };
    const updated = row('updated', ['a', 'b', null], ['a', '', 'c'], ['col_2', 'col_3']);
    expect(columns.map((_, at) => diffCell(updated, columns, at, both))).toEqual([
      { kind: 'same', value: 'a' },
      { kind: 'changed', before: 'b', after: '' },
      { kind: 'changed', before: null, after: 'c' },
    ]);
  });

  it('has nothing where its side has no such column', () => {
    expect(shown(row('inserted', null, ['a', 'b', null]))).toEqual([{ kind: 'added', value: 'a' }, { kind: 'added', value: 'b' }, { kind: 'absent' }]);
    expect(shown(row('deleted', ['a', null, 'c'], null))).toEqual([{ kind: 'removed', value: 'a' }, { kind: 'absent' }, { kind: 'removed', value: 'c' }]);
  });

  it('shows what came or went with a column in a row that was changed', () => {
    expect(shown(row('updated', ['a', null, 'c'], ['z', 'b', null], ['col_1']))).toEqual([
      { kind: 'changed', before: 'a', after: 'z' },
      { kind: 'added', value: 'b' },
      { kind: 'removed', value: 'c' },
    ]);
  });

  it('knows its kind and the columns worth showing', () => {
    expect(kindOf(row('deleted', ['a'], null))).toBe('removed');
    const all = new Set(['col_1', 'col_2', 'col_3']);
    expect(changedColumns([row('updated', [], [], ['col_3'])], columns, { before: all, after: all })).toEqual([0, 2]);
    expect(changedColumns([], columns, sides)).toEqual([0, 1, 2]);
  });
});
