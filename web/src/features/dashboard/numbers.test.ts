import { describe, expect, it } from 'vitest';

import { changeOf, exactValue, labelValue, numberOf, shortNumber, shownValue, unitOf } from './numbers';

describe('a number on an axis', () => {
  it('has three digits and a unit of thousands', () => {
    expect([0, 12, 999, 1234, 56_700, 999_999, 3_400_000, 2.5e9, 7e12].map(shortNumber)).toEqual(['0', '12', '999', '1.23k', '56.7k', '1M', '3.4M', '2.5B', '7T']);
    expect([-1500, 0.0123, 0.00001].map(shortNumber)).toEqual(['-1.5k', '0.0123', '1.0e-5']);
  });
});

describe('a value', () => {
  it('is exact with every digit that came', () => {
    expect(exactValue('9223372036854775807', 'int64')).toBe('9,223,372,036,854,775,807');
    expect(exactValue('-1234567.8900', 'decimal')).toBe('-1,234,567.8900');
    expect(exactValue(0.1, 'float')).toBe('0.1');
    expect(exactValue('2013-01-01T05:00:00', 'timestamp')).toBe('2013-01-01 05:00:00');
    expect(exactValue(null, 'int64')).toBe('–');
  });

  it('is shown whole, or with as many decimals as an eye can use', () => {
    expect(shownValue('350217607', 'int64')).toBe('350,217,607');
    expect(shownValue('1039.9126036297123519', 'decimal')).toBe('1,039.9');
    expect(shownValue('12.6390703', 'decimal')).toBe('12.64');
    expect(shownValue('0.0126734', 'decimal')).toBe('0.0127');
    expect(shownValue('2013-12-31', 'date')).toBe('2013-12-31');
  });

  it('is short beside a bar, unless it is short by itself', () => {
    expect(labelValue('58665', 'int64')).toBe('58,665');
    expect(labelValue('2951.4', 'decimal')).toBe('2,951');
    expect(labelValue('89705524', 'int64')).toBe('89.7M');
    expect(labelValue('12.6391', 'decimal')).toBe('12.6');
  });

  it('has no length where it is no number', () => {
    expect(['2013-01-01', null, undefined, true, ''].map(numberOf)).toEqual([null, null, null, null, null]);
    expect(numberOf('12.5')).toBe(12.5);
  });
});

describe('the change against the version before', () => {
  it('is exact, with its sign and its share', () => {
    expect(changeOf('9007199254740993', '9007199254740995', 'int64')).toMatchObject({ direction: 'up', by: '+2', percent: '<0.01%' });
    expect(changeOf('200', '190', 'int64')).toEqual({ direction: 'down', by: '−10', percent: '−5%', exact: '−10' });
    expect(changeOf(0.1, 0.3, 'float')).toMatchObject({ by: '+0.2', percent: '+200%' });
  });

  it('has no share from zero, and says when there is none', () => {
    expect(changeOf('0', '5', 'int64')).toMatchObject({ by: '+5', percent: null });
    expect(changeOf('5', '5', 'int64')).toMatchObject({ direction: 'same', by: 'no change' });
  });

  it('is not there without two numbers', () => {
    expect(changeOf(null, '5', 'int64')).toBeNull();
    expect(changeOf(undefined, '5', 'int64')).toBeNull();
    expect(changeOf('2013-01-01', '2013-01-02', 'date')).toBeNull();
  });
});

describe('a unit', () => {
  it('is read from the name of a column', () => {
    expect(['weight (kg)', 'price_usd', 'sum of arr_delay_min', 'Load [MW]'].map(unitOf)).toEqual(['kg', 'USD', 'min', 'MW']);
    expect(['distance', 'team', 'sum of carrier'].map(unitOf)).toEqual([null, null, null]);
  });
});
