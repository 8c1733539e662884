import { describe, expect, it } from 'vitest';

import type { Column, ColumnType } from '@/lib/api/types';

import { findRow } from './find-row';
import { fromTsv } from './tsv';
import { hint, readTyped } from './values';

const column = (type: ColumnType, more: Partial<Column> = {}): Column => ({ id: 'col_1', name: 'x', type, ...more });

describe('what is typed', () => {
  it('keeps a text as it is, and an empty one empty', () => {
    expect(readTyped(column('text'), ' a ')).toBe(' a ');
    expect(readTyped(column('text'), '')).toBe('');
  });

  it('is null where the file spelled null so, and where the type has no empty text', () => {
    expect(readTyped(column('text', { null_token: 'NA' }), 'NA')).toBeNull();
    expect(readTyped(column('text', { null_token: '' }), '')).toBeNull();
    expect(readTyped(column('int64'), ' ')).toBeNull();
  });

  it('takes the space that the grid shows in a moment, and TRUE as spreadsheets write it', () => {
    expect(readTyped(column('timestamp'), '2013-01-01 05:00:00')).toBe('2013-01-01T05:00:00');
    expect(readTyped(column('timestamp', { format: 'yyyy-MM-dd HH:mm:ss' }), '2013-01-01 05:00:00')).toBe('2013-01-01 05:00:00');
    expect(readTyped(column('boolean'), 'TRUE')).toBe('true');
  });
});

describe('a hint', () => {
  const cases: [ColumnType, string[], string[]][] = [
    ['int64', ['0', '-12', '9223372036854775807'], ['x', '1.5', '007', '9223372036854775808']],
    ['decimal', ['12.50', '-0.1'], ['1,5', 'x', '-']],
    ['float', ['0.5', '1e-3'], ['x', 'NaN']],
    ['boolean', ['true', 'false'], ['maybe']],
    ['date', ['2024-02-29'], ['2023-02-29', '31.12.2024']],
    ['time', ['23:59:59', '00:00:00.5'], ['24:00:00', '9:00']],
    ['timestamp', ['2024-12-31T23:59:59'], ['2024-12-31']],
    ['timestamptz', ['2024-12-31T23:59:59Z'], ['2024-12-31T23:59:59']],
    ['json', ['{"a":1}', '[]'], ['{', '"text"']],
    ['text', ['anything'], []],
  ];
  it.each(cases)('for %s comes with what will not be read', (type, good, wrong) => {
    for (const text of good) expect(hint(column(type), text)).toBeNull();
    for (const text of wrong) expect(hint(column(type), text)).toMatch(/^This is not /);
  });

  it('is not given where the column has a spelling of its own', () => {
    expect(hint(column('date', { format: 'dd/MM/yyyy' }), '31/12/2024')).toBeNull();
    expect(hint(column('boolean', { format: 'yes|no' }), 'yes')).toBeNull();
  });
});

describe('cells from a spreadsheet', () => {
  it('are split at tabs and lines', () => {
    expect(fromTsv('a\tb\r\nc\td')).toEqual([['a', 'b'], ['c', 'd']]);
    expect(fromTsv('a\t\n\tb')).toEqual([['a', ''], ['', 'b']]);
    expect(fromTsv('one')).toEqual([['one']]);
  });

  it('keep tabs, lines and quotes inside quotes', () => {
    expect(fromTsv('"a\tb"\t"say ""hi"""\n"two\nlines"\tx')).toEqual([['a\tb', 'say "hi"'], ['two\nlines', 'x']]);
    expect(fromTsv('5" pipe\t"quoted" word')).toEqual([['5" pipe', '"quoted" word']]);
  });
});

describe('a row’s place', () => {
  const ids = [2, 3, 7, 8, 9, 40, 41, 100];
  const idAt = (position: number): Promise<string | undefined> => Promise.resolve(ids[position] === undefined ? undefined : String(ids[position]));
  it('is found by its id', async () => {
    for (const [i, id] of ids.entries()) expect(await findRow(String(id), ids.length, idAt)).toBe(i);
    expect(await findRow('10', ids.length, idAt)).toBeNull();
    expect(await findRow('1', 0, idAt)).toBeNull();
  });

  it('takes one look where no row was deleted', async () => {
    let looks = 0;
    expect(
      await findRow('336776', 336_776, (position) => {
        looks += 1;
        return Promise.resolve(String(position + 1));
      }),
    ).toBe(336_775);
    expect(looks).toBe(1);
  });
});
