import { describe, expect, it } from 'vitest';

import { filterText, parseFilter, readFilter, withEqual, writeFilter } from './filter';

const either = { or: [{ column: 'col_1', op: 'eq', value: 'UA' }, { column: 'col_1', op: 'is_null', value: true }] };
const whole = { and: [{ column: 'col_2', op: 'ge', value: 2000 }, either] };

describe('a filter', () => {
  it('is read and written without a loss', () => {
    expect(writeFilter(readFilter(whole))).toEqual(whole);
    const other = { or: [{ column: 'col_1', op: 'in', value: ['UA', 'AA'] }, { column: 'col_2', op: 'is_null', value: false }] };
    expect(writeFilter(readFilter(other))).toEqual(other);
    expect(filterText(parseFilter(JSON.stringify(whole)) ?? { join: 'or', items: [] })).toBe(JSON.stringify(whole));
  });

  it('of one condition alone is a list of one', () => {
    expect(readFilter({ column: 'col_1', op: 'eq', value: 'UA' })).toEqual({ join: 'and', items: [{ column: 'col_1', op: 'eq', values: ['UA'] }] });
  });

  it('is kept as it is where it goes deeper, or is unknown', () => {
    const odd = [{ and: [either] }, { column: 'col_1', op: 'like', value: 'x' }, { column: 'col_1', op: 'in', value: [] }, { column: 'col_1', op: 'eq', value: null }, { or: [] }];
    expect(readFilter({ or: odd })).toEqual({ join: 'or', items: odd.map((other) => ({ other })) });
    expect(writeFilter(readFilter({ or: odd }))).toEqual({ or: odd });
    expect(writeFilter(readFilter({ and: [1] }))).toEqual({ and: [{ and: [1] }] });
  });

  it('of nothing lets every row pass, unless it is any of nothing', () => {
    expect(writeFilter(readFilter({ and: [] }))).toBeNull();
    expect(writeFilter(readFilter({ or: [] }))).toEqual({ and: [{ or: [] }] });
    expect(filterText({ join: 'and', items: [{ join: 'or', items: [] }] })).toBeUndefined();
    expect(parseFilter(undefined)).toEqual({ join: 'and', items: [] });
  });

  it('is none where the address holds something else', () => {
    for (const text of ['nonsense', '{', '[]', '3', 'null']) expect(parseFilter(text)).toBeNull();
  });
});

describe('one value more', () => {
  const equal = { column: 'col_1', op: 'eq', values: ['AA'] } as const;

  it('narrows what is there, and replaces the value of the same column', () => {
    expect(withEqual(withEqual({ join: 'and', items: [] }, 'col_1', 'UA'), 'col_1', 'AA').items).toEqual([equal]);
    expect(withEqual(readFilter(whole), 'col_1', 'AA').items).toEqual([...readFilter(whole).items, equal]);
  });

  it('stands beside alternatives, however deep they go', () => {
    expect(withEqual(readFilter(either), 'col_1', 'AA')).toEqual({ join: 'and', items: [...readFilter({ and: [either] }).items, equal] });
    const deep = { or: [{ column: 'col_2', op: 'eq', value: 1 }, whole] };
    expect(writeFilter(withEqual(readFilter(deep), 'col_1', 'AA'))).toEqual({ and: [deep, { column: 'col_1', op: 'eq', value: 'AA' }] });
  });
});
