import { describe, expect, it } from 'vitest';

import { move, rangeOf, single, sizeOf, toTsv } from './selection';

const extent = { rows: 1000, columns: 5, page: 20 };

describe('keys in the grid', () => {
  it('stops at the edges, with the header above the first row', () => {
    expect(move({ row: 0, column: 0 }, 'ArrowUp', false, extent)).toEqual({ row: -1, column: 0 });
    expect(move({ row: 999, column: 4 }, 'ArrowDown', false, extent)).toEqual({ row: 999, column: 4 });
    expect(move({ row: 3, column: 4 }, 'ArrowRight', false, extent)).toEqual({ row: 3, column: 4 });
  });

  it('jumps to the corners with Ctrl', () => {
    expect(move({ row: 500, column: 2 }, 'End', true, extent)).toEqual({ row: 999, column: 4 });
    expect(move({ row: 500, column: 2 }, 'Home', true, extent)).toEqual({ row: 0, column: 0 });
  });

  it('pages by a screen', () => {
    expect(move({ row: 500, column: 2 }, 'PageDown', false, extent)).toEqual({ row: 520, column: 2 });
    expect(move({ row: 5, column: 2 }, 'PageUp', false, extent)).toEqual({ row: 0, column: 2 });
  });

  it('leaves other keys alone', () => {
    expect(move({ row: 5, column: 2 }, 'a', false, extent)).toBeNull();
  });
});

describe('a range', () => {
  it('is the box between two corners', () => {
    const range = rangeOf({ active: { row: 2, column: 3 }, anchor: { row: 9, column: 1 } }, 5);
    expect(range).toEqual({ top: 2, bottom: 9, left: 1, right: 3 });
    expect(range && sizeOf(range)).toBe(24);
  });

  it('is the whole row from the gutter, and nothing from the header', () => {
    expect(rangeOf(single({ row: 4, column: -1 }), 5)).toEqual({ top: 4, bottom: 4, left: 0, right: 4 });
    expect(rangeOf(single({ row: -1, column: 2 }), 5)).toBeNull();
  });

  it('is copied so that a spreadsheet reads it back', () => {
    expect(toTsv([['a', 'two\nlines'], ['say "hi"', '']])).toBe('a\t"two\nlines"\n"say ""hi"""\t');
  });
});
