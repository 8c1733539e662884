import { describe, expect, it } from 'vitest';

import type { Mapped } from '@/lib/api/types';

import { fileColumns, freeName, goalOf } from './columns';

const dataset = { columns: [{ id: 'col_1', name: 'sku', type: 'text' as const }, { id: 'col_2', name: 'price', type: 'decimal' as const }] };
const mapped = (part: Partial<Mapped>): Mapped => ({ file: 'Price', column: 'col_2', name: 'price', by: 'alike', ...part });

describe('where a column of the file goes', () => {
  it('is as proposed until something else is chosen', () => {
    expect(goalOf(mapped({}), {}, dataset)).toEqual({ to: 'column', id: 'col_2' });
    expect(goalOf(mapped({ column: 'col_3', name: 'note', by: 'new' }), {}, dataset)).toEqual({ to: 'new', name: 'note' });
    expect(goalOf(mapped({ column: null, by: 'left_out' }), {}, dataset)).toEqual({ to: 'nowhere' });
  });

  it('may be a column by its name or id, a new one, or none', () => {
    expect(goalOf(mapped({}), { mapping: { Price: 'sku' } }, dataset)).toEqual({ to: 'column', id: 'col_1' });
    expect(goalOf(mapped({}), { mapping: { Price: 'col_1' } }, dataset)).toEqual({ to: 'column', id: 'col_1' });
    expect(goalOf(mapped({}), { mapping: { Price: 'cost' } }, dataset)).toEqual({ to: 'new', name: 'cost' });
    expect(goalOf(mapped({}), { mapping: { Price: null } }, dataset)).toEqual({ to: 'nowhere' });
  });

  it('is offered a new name that is not taken', () => {
    expect(freeName('note', dataset.columns)).toBe('note');
    expect(freeName('price', dataset.columns)).toBe('price_2');
  });

  it('is shown of what was chosen also when the file could not be read so', () => {
    expect(fileColumns(null, { mapping: { Price: 'col_1', Note: null } })).toEqual([
      { file: 'Price', column: 'col_1', name: 'col_1', by: 'chosen' },
      { file: 'Note', column: null, name: 'Note', by: 'left_out' },
    ]);
  });
});
