import { expect, it } from 'vitest';

import type { Conflict, Dataset } from '@/lib/api/types';

import { questionsOf, rebaseOf } from './conflicts';
import { reduce, startSession } from './session';

const columns = [{ id: 'col_1', name: 'n', type: 'int64' as const }, { id: 'col_2', name: 'm', type: 'int64' as const }];
const head: Dataset = { id: 'dst_1', name: 'd', version: 9, rows: 5, columns, role: 'editor', quarantined: 0, rules: {}, published_at: '', created_at: '' };
const conflict = (row_id: string, column: string | null, gone = false): Conflict => ({ row_id, column, base: '1', theirs: '2', yours: '3', gone });

it('asks once for a cell, once for a row, and nothing where both deleted', () => {
  let session = startSession('dst_1', 7, columns, 5);
  session = reduce(session, { type: 'delete', rows: [{ row: '3', cells: [] }, { row: '4', cells: [] }] });
  const found = questionsOf([conflict('1', 'col_1'), conflict('2', 'col_1', true), conflict('2', 'col_2', true), conflict('3', 'col_1'), conflict('4', null, true)], session);
  expect(found.questions.map(({ kind, row }) => [kind, row])).toEqual([['cell', '1'], ['gone', '2'], ['deleted', '3']]);
  expect(found.settled).toEqual(['4']);

  const rebase = rebaseOf(found, new Map([['1\tcol_1', 'mine'], ['2', 'mine'], ['3', 'theirs']]), head, new Map([['2', { col_1: '3' }]]));
  expect(rebase).toEqual({
    baseVersion: 9, columns, rows: 5,
    cells: [{ row: '1', column: 'col_1', before: '2', drop: false }],
    keep: ['3'],
    gone: [{ row: '4', insert: null }, { row: '2', insert: { col_1: '3' } }],
  });
});
