import { describe, expect, it } from 'vitest';

import { bucketLabel, bucketName, fillBuckets, momentMark, nextBucket } from './buckets';
import { assign, colourOf, COLOURS, coloursOf } from './colours';
import { domainOf, stretches, strideOf } from './scales';
import { seriesOf } from './series';
import type { Result } from './types';

describe('a bucket', () => {
  it('is called as people call it', () => {
    expect(bucketLabel('2013-01-01', 'month')).toBe('Jan 2013');
    expect(bucketLabel('2013-07-01', 'quarter')).toBe('Q3 2013');
    expect(bucketLabel('2013-01-01', 'year')).toBe('2013');
    expect(bucketName('2013-01-07', 'week')).toBe('Week of 7 Jan 2013');
  });

  it('is marked on an axis of moments by what is not a beginning', () => {
    expect(['2013-01-01T00:00Z', '2013-01-05T00:00Z', '2013-01-05T14:00Z'].map((iso) => momentMark(new Date(iso)))).toEqual(['Jan 2013', '5 Jan', '14:00']);
  });

  it('is followed by the next, over the ends of months and years', () => {
    expect(nextBucket('2012-02-28', 'day')).toBe('2012-02-29');
    expect(nextBucket('2013-12-30', 'week')).toBe('2014-01-06');
    expect(nextBucket('2013-11-01', 'quarter')).toBe('2014-02-01');
  });

  it('has its empty ones filled in, as long as they can be drawn', () => {
    expect(fillBuckets(['2013-03-01', '2012-12-01'], 'month')).toEqual(['2012-12-01', '2013-01-01', '2013-02-01', '2013-03-01']);
    expect(fillBuckets(['0001-01-01', '2013-01-01'], 'day')).toHaveLength(2);
    expect(fillBuckets(['2013-01-15', '2013-03-01'], 'month')).toEqual(['2013-01-15', '2013-03-01']);
  });
});

describe('a series', () => {
  const result: Result = {
    columns: [{ name: 'month of date', type: 'date' }, { name: 'count', type: 'int64' }, { name: 'avg of delay', type: 'decimal' }],
    rows: [['2013-03-01', '5', '1.5'], ['2013-01-01', '3', '2.5'], [null, '2', null]],
    more: false,
  };
  const drawn = { kind: 'line', group: 'col_1:month', measures: ['count', 'avg:col_2'], sort: 'group' } as const;

  it('is in the order of time: a month without rows counts zero, and has no average', () => {
    const { points, outside, from } = seriesOf(drawn, result);
    expect(points.map(({ label, numbers }) => [label, ...numbers])).toEqual([['Jan 2013', 3, 2.5], ['Feb 2013', 0, null], ['Mar 2013', 5, 1.5]]);
    expect(outside?.values).toEqual(['2', null]);
    expect(from).toBe('date');
  });

  it('fills nothing in where the largest alone were asked for', () => {
    expect(seriesOf({ ...drawn, sort: 'measure' }, { ...result, more: true }).points.map(({ label }) => label)).toEqual(['Jan 2013', 'Mar 2013']);
  });

  it('keeps the order of bars, and tells no value from empty text', () => {
    const bars: Result = { columns: [{ name: 'carrier', type: 'text' }, { name: 'count', type: 'int64' }], rows: [['UA', '9'], [null, '5'], ['', '4']], more: false };
    const { points } = seriesOf({ kind: 'bar', group: 'col_2', measures: ['count'], sort: 'measure' }, bars);
    expect(points.map(({ label, absent }) => [label, absent])).toEqual([['UA', false], ['no value', true], ['empty text', true]]);
  });
});

describe('an axis', () => {
  it('begins at zero for amounts, and near the values for places', () => {
    expect(domainOf([5, null, 9], true)).toEqual([0, 9]);
    expect(domainOf([95, 99], false)).toEqual([95, 99]);
    expect(domainOf([10, 99], false)).toEqual([0, 99]);
    expect(domainOf([-4, 9], false)).toEqual([-4, 9]);
    expect(domainOf([7, 7], false)).toEqual([6.3, 7.7]);
    expect(domainOf([null], true)).toEqual([0, 1]);
    expect(domainOf([0, 0], true)).toEqual([0, 1]);
  });

  it('writes as many marks as have room', () => {
    expect(strideOf(12, 700, 55)).toBe(1);
    expect(strideOf(12, 400, 55)).toBe(2);
    expect(strideOf(365, 500, 70)).toBe(60);
  });

  it('breaks a line at its gaps', () => {
    expect(stretches([1, 2, null, 3, null])).toEqual([[0, 1], [3]]);
  });
});

describe('colours', () => {
  it('differ for each category or tell nothing, and do not depend on the order', () => {
    const names = ['UA', 'B6', 'EV', 'DL', 'AA', 'MQ', 'US', '9E', 'WN', 'VX'];
    const colours = assign(names);
    expect(new Set(colours.values()).size).toBe(COLOURS);
    expect(assign([...names].reverse())).toEqual(colours);
    expect(assign([...names, 'FL'])).toEqual(new Map());
  });

  it('are the same in every widget of a dashboard', () => {
    const of = (rows: string[]): Result & { group: string } => ({ group: 'col_2', columns: [{ name: 'carrier', type: 'text' }], rows: rows.map((row) => [row]), more: false });
    const colours = coloursOf([of(['UA', 'DL']), of(['DL', 'AA'])]);
    expect(new Set(['UA', 'DL', 'AA'].map((carrier) => colourOf(colours, 'col_2', carrier))).size).toBe(3);
    expect(colourOf(colours, 'col_2', null)).toBe('var(--mark-nothing)');
    expect(colourOf(colours, 'col_9', 'UA')).toBe('var(--mark)');
  });
});
