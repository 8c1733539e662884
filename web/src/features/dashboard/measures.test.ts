import { describe, expect, it } from 'vitest';

import { type Filter, NO_FILTER } from '@/features/filter/filter';
import type { Column, ColumnType } from '@/lib/api/types';

import { draftOf, emptyDraft, ideaOf, titleOf, withGroup, withKind } from './draft';
import { fits, groups, nextMeasure, readGroup, readMeasure, suggestions, suggestTitle, writeGroup, writeMeasure } from './measures';

const columns: Column[] = (
  [
    ['col_1', 'date', 'date'],
    ['col_2', 'carrier', 'text'],
    ['col_3', 'flight_no', 'int64'],
    ['col_4', 'distance', 'int64'],
    ['col_5', 'notes', 'json'],
  ] satisfies [string, string, ColumnType][]
).map(([id, name, type]) => ({ id, name, type, format: null, null_token: null }));

const sum = { fn: 'sum', column: 'col_4' } as const;
const rows = { fn: 'count', column: null } as const;

describe('spelling', () => {
  it('is the API’s, both ways', () => {
    for (const text of ['count', 'count:col_3', 'avg:col_5']) {
      const read = readMeasure(text);
      expect(read && writeMeasure(read)).toBe(text);
    }
    expect(readMeasure('median:col_3')).toBeNull();
    expect(readMeasure('sum')).toBeNull();
    for (const text of ['col_2', 'col_1:quarter']) expect(writeGroup(readGroup(text))).toBe(text);
  });
});

describe('what fits', () => {
  it('adds up numbers only, and draws no dates as lengths', () => {
    expect(fits('sum', 'text', 'bar')).toBe(false);
    expect(fits('avg', 'decimal', 'bar')).toBe(true);
    expect(fits('max', 'date', 'number')).toBe(true);
    expect(fits('max', 'date', 'bar')).toBe(false);
    expect(fits('count', 'json', 'line')).toBe(true);
  });

  it('gives a line an axis with an order', () => {
    expect(groups('text', 'line')).toBe(false);
    expect(groups('text', 'bar')).toBe(true);
    expect(groups('json', 'bar')).toBe(false);
  });
});

describe('a title', () => {
  it('says what is shown', () => {
    expect(suggestTitle([rows], null, NO_FILTER, columns)).toBe('Count of rows');
    expect(suggestTitle([sum], { column: 'col_2', bucket: null }, NO_FILTER, columns)).toBe('Sum of distance by carrier');
    expect(suggestTitle([rows, { fn: 'avg', column: 'col_4' }], { column: 'col_1', bucket: 'month' }, NO_FILTER, columns)).toBe('Count of rows and average of distance by month of date');
    const united: Filter = { join: 'and', items: [{ column: 'col_2', op: 'eq', values: ['UA'] }] };
    expect(suggestTitle([rows], null, united, columns)).toBe('Count of rows where carrier is UA');
  });
});

describe('suggestions', () => {
  it('are a number, a bar chart and a line, from the columns', () => {
    expect(suggestions(columns).map(({ title, kind, group, measures }) => [title, kind, group, measures])).toEqual([
      ['Count of rows', 'number', null, ['count']],
      ['Count of rows by carrier', 'bar', 'col_2', ['count']],
      ['Sum of distance by month of date', 'line', 'col_1:month', ['sum:col_4']],
    ]);
  });

  it('make do with what there is', () => {
    expect(suggestions([]).map(({ title }) => title)).toEqual(['Count of rows']);
    expect(suggestions(columns.slice(2, 4)).map(({ title }) => title)).toEqual(['Count of rows', 'Average of distance']);
  });
});

it('another measure is one that is not there', () => {
  expect(nextMeasure([rows], columns, 'bar')).toEqual({ fn: 'avg', column: 'col_4' });
  expect(nextMeasure([sum], columns, 'bar')).toEqual(rows);
});

describe('a draft', () => {
  it('keeps what fits when its kind changes', () => {
    const draft = withKind({ ...emptyDraft(columns), measures: [sum] }, 'line', columns);
    expect(draft).toMatchObject({ measures: [sum], group: { column: 'col_1', bucket: 'month' }, sort: 'group' });
    expect(withKind({ ...draft, kind: 'number', measures: [{ fn: 'max', column: 'col_1' }] }, 'bar', columns).measures).toEqual([rows]);
  });

  it('shows a calendar whole and in order, and the largest of names', () => {
    const months = withGroup(emptyDraft(columns), { column: 'col_1', bucket: 'month' });
    expect(months).toMatchObject({ sort: 'group', limit: 1000 });
    expect(withGroup(months, { column: 'col_2', bucket: null })).toMatchObject({ sort: 'measure', limit: 10 });
    expect(withGroup({ ...months, limit: 24 }, { column: 'col_1', bucket: 'week' })).toMatchObject({ sort: 'group', limit: 24 });
  });

  it('comes back as the widget it was made from, with a title that follows', () => {
    const [, , line] = suggestions(columns);
    if (!line) throw new Error('no line');
    const draft = draftOf({ ...line, position: { x: 0, y: 0, w: 6, h: 4 } }, columns);
    expect(ideaOf(draft, columns)).toEqual(line);
    expect(titleOf({ ...draft, measures: [rows] }, columns)).toBe('Count of rows by month of date');
  });

  it('keeps a title of one’s own, a filter it cannot show, and leaves out what is gone', () => {
    const filter = { or: [{ column: 'col_2', op: 'eq', value: '' }, { and: [{ or: [] }] }] };
    const draft = draftOf({ title: 'Mine', kind: 'number', group: null, measures: ['sum:col_99'], filter, sort: 'group', limit: 50, position: { x: 0, y: 0, w: 3, h: 2 } }, columns);
    expect(ideaOf(draft, columns)).toMatchObject({ title: 'Mine', filter, measures: ['count'] });
  });

  it('filters by what is complete', () => {
    const line = { column: 'col_4', op: 'gt', text: '500' } as const;
    const draft = { ...emptyDraft(columns), filter: { join: 'and', items: [line, { ...line, text: ' ' }] } as const };
    expect(ideaOf(draft, columns)).toMatchObject({ title: 'Count of rows by carrier where distance is more than 500', filter: { and: [{ column: 'col_4', op: 'gt', value: '500' }] } });
  });

  it('is not ready without a group for its bars', () => {
    expect(ideaOf({ ...emptyDraft([]), kind: 'bar' }, [])).toBeNull();
  });
});
