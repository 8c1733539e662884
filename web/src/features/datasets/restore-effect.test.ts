import { describe, expect, it } from 'vitest';

import { restoreEffect } from './restore-effect';

describe('the effect of a restore', () => {
  it('counts every row that changes, and how', () => {
    expect(restoreEffect({ inserted: 3, updated: 1200, deleted: 1 })).toBe('1,204 rows change: 1,200 get their old values, 3 come back, 1 goes.');
  });

  it('reads right for one row', () => {
    expect(restoreEffect({ inserted: 0, updated: 1, deleted: 0 })).toBe('1 row changes: 1 gets its old values.');
  });

  it('says when no row changes', () => {
    expect(restoreEffect({ inserted: 0, updated: 0, deleted: 0 })).toBe('No row changes.');
  });
});
