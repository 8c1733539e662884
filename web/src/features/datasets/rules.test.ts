import { describe, expect, it } from 'vitest';

import { draftOf, rulesInWords, rulesOf } from './rules';

describe('rules of a column', () => {
  it('come back as they were typed', () => {
    const rules = { required: true, unique: true, min: '1', max: '500', pattern: ' a', one_of: ['x', 'y z'] };
    expect(rulesOf(draftOf(rules))).toEqual(rules);
    const none = { required: false, unique: false, min: null, max: null, pattern: null, one_of: null };
    expect(rulesOf(draftOf(undefined))).toEqual(none);
    expect(rulesOf({ ...draftOf(undefined), oneOf: ' x \n\nx\n', min: ' 2 ' })).toEqual({ ...none, one_of: ['x'], min: '2' });
  });

  it('read in a line', () => {
    expect(rulesInWords({ required: true, min: '1', max: '500' })).toBe('required · 1 to 500');
    expect(rulesInWords({ required: true, unique: true })).toBe('required · unique');
    expect(rulesInWords({ max: '5', one_of: ['a', 'b', 'c', 'd'] })).toBe('5 or less · one of a, b, c and 1 more');
    expect(rulesInWords({})).toBeNull();
    expect(rulesInWords(undefined)).toBeNull();
  });
});
