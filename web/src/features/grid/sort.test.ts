import { expect, it } from 'vitest';

import { readSort, toggled, writeSort } from './sort';

it('an order of several columns is read and written', () => {
  expect(readSort('col_3,-col_1')).toEqual([{ column: 'col_3', desc: false }, { column: 'col_1', desc: true }]);
  expect(writeSort(readSort('col_3,-col_1'))).toBe('col_3,-col_1');
  expect(readSort(undefined)).toEqual([]);
  expect(writeSort(readSort(',-'))).toBeUndefined();
});

it('a press sorts up, then down, then not; with Shift it leaves the other keys alone', () => {
  const [up, down, none] = [toggled([], 'a', false), toggled(readSort('a'), 'a', false), toggled(readSort('-a'), 'a', false)].map(writeSort);
  expect([up, down, none]).toEqual(['a', '-a', undefined]);
  expect(writeSort(toggled(readSort('a,b'), 'c', false))).toBe('c');
  expect(writeSort(toggled(readSort('a,b'), 'c', true))).toBe('a,b,c');
  expect(writeSort(toggled(readSort('a,b'), 'a', true))).toBe('-a,b');
  expect(writeSort(toggled(readSort('-a,b'), 'a', true))).toBe('b');
});
