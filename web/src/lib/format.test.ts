import { describe, expect, it } from 'vitest';

import { cellDisplay, isCut } from './cells';
import { stats } from './exact-sum';
import { bytes, duration, plural, relativeTime } from './format';

describe('numbers and times', () => {
  it('have separators and units', () => {
    expect(plural(336_776, 'row')).toBe('336,776 rows');
    expect(plural(1, 'row')).toBe('1 row');
    expect(bytes(29_504_291)).toBe('29.5 MB');
    expect(duration(4200)).toBe('1 h 10 min');
  });

  it('are relative when they are near', () => {
    const now = Date.parse('2026-05-03T14:00:00Z');
    expect(relativeTime('2026-05-03T13:59:50Z', now)).toBe('just now');
    expect(relativeTime('2026-05-03T13:58:00Z', now)).toBe('2m ago');
  });
});

describe('sums', () => {
  it('are exact for numbers that a float would round', () => {
    expect(stats(['9007199254740993', '9007199254740993'])?.sum).toBe('18,014,398,509,481,986');
    expect(stats(['0.1', '0.2'])).toEqual({ count: 2, sum: '0.3', avg: '0.15', min: '0.1', max: '0.2' });
  });

  it('leave out what is not a number', () => {
    expect(stats([null, 'NA', true])).toBeNull();
    expect(stats([null, '-5', 2.5])?.sum).toBe('-2.5');
  });
});

describe('a cell', () => {
  it('shows line ends in text and a space in a timestamp', () => {
    expect(cellDisplay('a\nb', 'text')).toBe('a ⏎ b');
    expect(cellDisplay('2013-01-01T05:00:00', 'timestamp')).toBe('2013-01-01 05:00:00');
    expect(isCut({ cut: 'abc', chars: 10_400 })).toBe(true);
  });
});
