import { describe, expect, it } from 'vitest';

import { choose } from './chosen-versions';

describe('chosen versions', () => {
  it('are two at most: a third puts the first away', () => {
    expect(choose([], 3, true)).toEqual([3]);
    expect(choose([3], 7, true)).toEqual([3, 7]);
    expect(choose([3, 7], 1, true)).toEqual([7, 1]);
  });

  it('are given up one by one', () => {
    expect(choose([3, 7], 3, false)).toEqual([7]);
    expect(choose([3], 3, true)).toEqual([3]);
  });
});
