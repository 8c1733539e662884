import { describe, expect, it } from 'vitest';

import type { Column } from '@/lib/api/types';

import { type Action, changesAsTable, counts, reduce, type Session, startSession, toCommit } from './session';

const columns: Column[] = [
  { id: 'col_1', name: 'name', type: 'text' },
  { id: 'col_2', name: 'n', type: 'int64' },
];
const begin = (): Session => startSession('dst_1', 7, columns, 3);
const after = (...actions: Action[]): Session => actions.reduce(reduce, begin());
const set = (row: string, column: string, before: unknown, value: string | null): Action => ({ type: 'set', cells: [{ row, column, before, after: value }] });

describe('changing cells', () => {
  it('keeps what the cell held at the base version, however often it changes', () => {
    const session = after(set('1', 'col_2', '10', '11'), set('1', 'col_2', '11', '12'));
    expect(session.updates.get('1')?.get('col_2')).toEqual({ before: '10', after: '12' });
    expect(counts(session)).toEqual({ changes: 1, rows: 1 });
  });

  it('is no change once the cell holds its former value again', () => {
    expect(counts(after(set('1', 'col_2', '10', '11'), set('1', 'col_2', '10', '10')))).toEqual({ changes: 0, rows: 0 });
    expect(counts(after(set('1', 'col_2', 1.5, '1.5')))).toEqual({ changes: 0, rows: 0 });
    expect(after(set('1', 'col_2', '10', '10')).past).toEqual([]);
  });

  it('tells null from an empty text', () => {
    expect(after(set('1', 'col_1', null, '')).updates.get('1')?.get('col_1')).toEqual({ before: null, after: '' });
    expect(after(set('1', 'col_1', '', null)).updates.get('1')?.get('col_1')).toEqual({ before: '', after: null });
    expect(counts(after(set('1', 'col_1', null, null))).changes).toBe(0);
  });

  it('takes a whole paste back as one step', () => {
    const paste: Action = {
      type: 'set',
      cells: [
        { row: '1', column: 'col_1', before: 'a', after: 'x' },
        { row: '2', column: 'col_1', before: 'b', after: 'y' },
      ],
      added: [{ col_1: 'z' }],
    };
    const pasted = after(paste);
    expect(counts(pasted)).toEqual({ changes: 3, rows: 3 });
    expect(counts(reduce(pasted, { type: 'undo' })).changes).toBe(0);
    expect(counts(reduce(reduce(pasted, { type: 'undo' }), { type: 'redo' }))).toEqual({ changes: 3, rows: 3 });
  });
});

describe('undo and redo', () => {
  it('walk the steps both ways, and a new step ends the way forward', () => {
    const two = after(set('1', 'col_2', '10', '11'), set('2', 'col_2', '20', '21'));
    const one = reduce(two, { type: 'undo' });
    expect([...one.updates.keys()]).toEqual(['1']);
    expect(reduce(one, { type: 'redo' }).updates).toEqual(two.updates);
    const other = reduce(one, set('3', 'col_2', '30', '31'));
    expect(other.future).toEqual([]);
    expect(reduce(other, { type: 'redo' })).toBe(other);
    expect(reduce(begin(), { type: 'undo' }).past).toEqual([]);
  });

  it('bring a new row back to its own place', () => {
    const added: Action = { type: 'set', cells: [], added: [{}] };
    const session = after(added, added, { type: 'delete', rows: [{ row: 'new-1', cells: [] }] });
    expect([...session.added.keys()]).toEqual(['new-2']);
    expect([...reduce(session, { type: 'undo' }).added.keys()]).toEqual(['new-1', 'new-2']);
    // An id is never given twice.
    expect([...reduce(session, added).added.keys()]).toEqual(['new-2', 'new-3']);
  });
});

describe('rows', () => {
  it('hide their changes while they are deleted', () => {
    const session = after(set('1', 'col_2', '10', '11'), { type: 'delete', rows: [{ row: '1', cells: ['a', '10'] }] });
    expect(counts(session)).toEqual({ changes: 1, rows: 1 });
    expect(toCommit(session).body.changes).toEqual([{ op: 'delete', row_id: '1' }]);
    const back = reduce(session, { type: 'drop', targets: [{ row: '1', column: null }] });
    expect(toCommit(back).body.changes).toEqual([{ op: 'update', row_id: '1', cells: { col_2: '11' } }]);
  });

  it('are dropped cell by cell or as a whole', () => {
    const session = after(set('1', 'col_1', 'a', 'x'), set('1', 'col_2', '10', '11'), { type: 'set', cells: [], added: [{ col_1: 'new' }] });
    expect(counts(reduce(session, { type: 'drop', targets: [{ row: '1', column: 'col_2' }] }))).toEqual({ changes: 2, rows: 2 });
    expect(counts(reduce(session, { type: 'drop', targets: [{ row: '1', column: null }] }))).toEqual({ changes: 1, rows: 1 });
    const cell = reduce(session, { type: 'drop', targets: [{ row: 'new-1', column: 'col_1' }] });
    expect(cell.added.get('new-1')).toEqual({});
    expect(counts(reduce(session, { type: 'drop', targets: [{ row: 'new-1', column: null }] })).rows).toBe(1);
  });
});

describe('a commit', () => {
  it('names the base version and sends texts and nulls', () => {
    const session = after(set('1', 'col_2', '10', null), { type: 'set', cells: [], added: [{}] }, set('new-1', 'col_1', null, 'd'), { type: 'message', text: 'Tidied' });
    expect(toCommit(session)).toEqual({
      body: {
        base_version: 7,
        message: 'Tidied',
        changes: [
          { op: 'update', row_id: '1', cells: { col_2: null } },
          { op: 'insert', cells: { col_1: 'd' } },
        ],
      },
      rows: ['1', 'new-1'],
    });
  });

  it('holds everything still until its answer is known', () => {
    const sent = after(set('1', 'col_2', '10', '11'), { type: 'sent', key: 'k' });
    expect(reduce(sent, set('1', 'col_2', '10', '12'))).toBe(sent);
    expect(reduce(sent, { type: 'undo' })).toBe(sent);
    expect(counts(reduce(reduce(sent, { type: 'answered' }), { type: 'undo' })).changes).toBe(0);
  });
});

describe('moving onto the head', () => {
  const head = { baseVersion: 8, columns, rows: 4 };

  it('drops what is theirs and lets mine stand on theirs', () => {
    const session = after(set('1', 'col_2', '10', '11'), set('2', 'col_2', '20', '21'), {
      type: 'rebase', ...head, keep: [], gone: [],
      cells: [
        { row: '1', column: 'col_2', before: '15', drop: false },
        { row: '2', column: 'col_2', before: '25', drop: true },
      ],
    });
    expect(session.baseVersion).toBe(8);
    expect([...session.updates.keys()]).toEqual(['1']);
    expect(session.updates.get('1')?.get('col_2')).toEqual({ before: '15', after: '11' });
    expect(session.past).toEqual([]);
  });

  it('turns changes of a row that is gone into a new row, or drops them', () => {
    const session = after(set('1', 'col_2', '10', '11'), set('2', 'col_2', '20', '21'), {
      type: 'rebase', ...head, keep: [], cells: [],
      gone: [{ row: '1', insert: { col_1: 'a', col_2: '11' } }, { row: '2', insert: null }],
    });
    expect(session.updates.size).toBe(0);
    expect([...session.added.values()]).toEqual([{ col_1: 'a', col_2: '11' }]);
  });

  it('keeps a row that was to be deleted', () => {
    const session = after({ type: 'delete', rows: [{ row: '1', cells: [] }] }, { type: 'rebase', ...head, keep: ['1'], cells: [], gone: [] });
    expect(counts(session).changes).toBe(0);
  });
});

it('every change can be taken along as a table', () => {
  const session = after(set('1', 'col_2', '10', null), { type: 'delete', rows: [{ row: '2', cells: ['b', null] }] }, { type: 'set', cells: [], added: [{ col_1: 'new' }] });
  expect(changesAsTable(session)).toEqual([
    ['change', 'row', 'column', 'before', 'after'],
    ['update', '1', 'n', '10', 'null'],
    ['delete', '2', 'name', 'b', ''],
    ['delete', '2', 'n', 'null', ''],
    ['insert', 'new-1', 'name', '', 'new'],
  ]);
});

it('a cell of a session of 100,000 changes is set in a blink', () => {
  let session = after({ type: 'set', cells: Array.from({ length: 100_000 }, (_, i) => ({ row: String(i), column: 'col_2', before: '0', after: '1' })) });
  const began = performance.now();
  for (let i = 0; i < 20; i += 1) session = reduce(session, set(String(i), 'col_1', 'a', `b${i}`));
  expect((performance.now() - began) / 20).toBeLessThan(200);
  expect(counts(session).changes).toBe(100_020);
});
