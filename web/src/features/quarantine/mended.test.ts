import { describe, expect, it } from 'vitest';

import type { Column, QuarantinedRow } from '@/lib/api/types';

import { cellOf, refusalsOf, resubmissionOf, whyNot, withCell, without, withRaw } from './mended';

const columns: Column[] = [
  { id: 'col_1', name: 'name', type: 'text', format: null, null_token: null },
  { id: 'col_2', name: 'n', type: 'int64', format: null, null_token: null },
];

const record = (id: string, cells: Record<string, unknown>, surplus: unknown[] = []): QuarantinedRow => ({
  id, state: 'open', changed_at: null, changed_by: null, version: null, upload_id: 'upl_1', file_name: 'a.csv', byte: 1, line: 2, record: 2,
  column: 'n', code: 'type_mismatch', message: 'Not a number.', raw: 'b,x', cells: cells as never, surplus: surplus,
});

const bad = record('1.2', { col_1: 'b', col_2: 'x' });

describe('mended records', () => {
  it('send what was changed and leave the rest to the record', () => {
    const mends = withCell(new Map(), bad, 'col_2', '4');
    expect(resubmissionOf([bad], mends, columns)).toEqual({ rows: [{ id: '1.2', cells: { col_2: '4' } }] });
    expect([cellOf(bad, mends.get('1.2'), 'col_1'), cellOf(bad, mends.get('1.2'), 'col_2')]).toEqual(['b', '4']);
  });

  it('are untouched again when a cell gets its own text back', () => {
    const mends = withCell(withCell(new Map(), bad, 'col_2', null), bad, 'col_2', 'x');
    expect(mends.size).toBe(0);
    expect(withRaw(withRaw(new Map(), bad, 'b,4'), bad, 'b,x').size).toBe(0);
  });

  it('say every cell where the record has more than the columns take', () => {
    const long = record('1.3', { col_1: 'c', col_2: '2' }, ['3']);
    const mends = withCell(new Map(), long, 'col_1', 'c3');
    expect(resubmissionOf([long], mends, columns).rows[0]?.cells).toEqual({ col_1: 'c3', col_2: '2' });
    expect(resubmissionOf([long], withRaw(mends, long, '"c,3",2'), columns).rows[0]).toEqual({ id: '1.3', raw: '"c,3",2' });
    expect(without(mends, ['1.3']).size).toBe(0);
  });

  it('mark the cell at fault until it is changed, or refused again', () => {
    const n = columns[1];
    if (!n) throw new Error('two columns');
    expect(whyNot(bad, undefined, new Map(), n)).toBe('Not a number.');
    const mends = withCell(new Map(), bad, 'col_2', 'y');
    expect(whyNot(bad, mends.get('1.2'), new Map(), n)).toBeNull();
    const refusals = refusalsOf([{ pointer: '/rows/0/cells/col_2', row_id: '1.2', column: 'col_2', message: 'Still none.', value: 'y' }]);
    expect(whyNot(bad, mends.get('1.2'), refusals, n)).toBe('Still none.');
  });
});
