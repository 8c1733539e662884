import { describe, expect, it } from 'vitest';

import { firstShown, isRenewed, placeOf, rest, summary, warningsOfFile } from './words';

const none = { inserted: 0, updated: 0, unchanged: 0, superseded: 0, deleted: 0, quarantined: 0 };

describe('a preview in words', () => {
  it('names the rows once and leaves out what is none', () => {
    expect(summary({ ...none, inserted: 1204, updated: 37, quarantined: 5 }, 'upsert')).toBe('1,204 rows will be added, 37 changed, 5 set aside.');
    expect(summary({ ...none, deleted: 1 }, 'sync')).toBe('1 row will be deleted.');
    expect(summary({ ...none, inserted: 2, deleted: 9 }, 'replace')).toBe('2 rows will be added, 9 replaced.');
    expect(summary({ ...none, unchanged: 4 }, 'upsert')).toBe('No row will be added or changed.');
  });

  it('counts only those warnings that have a place in the file', () => {
    expect(warningsOfFile({ short_row: 3, long_row: 1, rows_renewed: 1 })).toBe(4);
    expect(isRenewed({ short_row: 3 })).toBe(false);
    expect(isRenewed({ rows_renewed: 1 })).toBe(true);
  });

  it('tells what stays as it is', () => {
    expect(rest(none)).toBeNull();
    expect(rest({ ...none, unchanged: 4, superseded: 1 })).toBe('4 rows are in the dataset already, cell for cell; 1 is overtaken by a later row of the file with the same key.');
    expect(rest({ ...none, superseded: 1 })).toBe('1 row is overtaken by a later row of the file with the same key.');
    expect(rest({ ...none, superseded: 2000 })).toBe('2,000 rows are overtaken by a later row of the file with the same key.');
  });

  it('tells of a list how much of it is shown', () => {
    expect([firstShown(1), firstShown(20)]).toEqual(['The first one is shown.', 'The first 20 are shown.']);
  });
});

describe('the place of a problem', () => {
  it('is an option, and the column that it is about', () => {
    expect(placeOf({ pointer: '/options/mapping/a~1b/c' })).toEqual({ option: 'mapping', column: 'a/b/c' });
    expect(placeOf({ pointer: '/options/delimiter' })).toEqual({ option: 'delimiter', column: null });
    expect(placeOf({ pointer: '/key' })).toEqual({ option: 'key', column: null });
    expect(placeOf(null)).toBeNull();
  });
});
